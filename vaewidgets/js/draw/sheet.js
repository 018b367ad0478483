/**
 * A sheet of small images on one canvas, in one row or as many as the width asks for. One of them may be marked, by
 * the pointer or the arrow keys. Knows no widget.
 *
 * @typedef {[number, number, number]} ImageShape  channels, height, width
 * @typedef {{count: number, shape: ImageShape, label: string, marked?: number | null, single?: boolean}} SheetState
 *   single: all in one row, as large as fits
 */
import { createCanvas, h, OWN_KEYS } from "../host/dom.js";
import { createPainter } from "../host/painter.js";
import { clientOf, localOf } from "../host/pointer.js";
import { toRgba } from "./images.js";

const GAP_PX = 3;
/** @type {Record<string, number>} */
const STEPS = { ArrowLeft: -1, ArrowRight: 1 };

/**
 * How many columns, and how large an image is drawn.
 * @param {{count: number, shape: ImageShape, width: number, least: number, most: number, single: boolean}} opts CSS pixels
 */
export function layout({ count, shape, width, least, most, single }) {
  const [, high, wide] = shape;
  const fit = Math.max(1, Math.floor((width + GAP_PX) / (least + GAP_PX)));
  // Rows of equal length where there is a choice: 20 images as 2 × 10, not 14 and 6.
  const rows = Math.ceil(count / fit);
  const columns = single ? count : Math.max(1, Math.ceil(count / rows));
  const cell = Math.max(Math.min((width - GAP_PX * (columns - 1)) / Math.max(columns, 1), most), 4);
  const tall = (cell * high) / wide;
  return { columns, rows: Math.ceil(count / columns), cell, tall, gap: GAP_PX };
}

/**
 * @param {HTMLElement} el
 * @param {{theme: import("../host/theme.js").Theme, name: string, least?: number, most?: number,
 *   onMark?: (index: number | null) => void, onPress?: (index: number) => void}} opts
 *   least, most: width of an image in CSS pixels; onMark: the pointer or a key is at this image (null: left)
 */
export function createSheet(el, { theme, name, least = 44, most = 72, onMark, onPress }) {
  const surface = createCanvas(`vw-sheet-canvas vw-${name}`);
  const { canvas, context } = surface;
  if (onMark || onPress) {
    canvas.tabIndex = 0;
    canvas.setAttribute("role", "application");
    canvas.setAttribute("aria-roledescription", "row of images");
    for (const [key, value] of Object.entries(OWN_KEYS)) canvas.setAttribute(key, value);
  } else canvas.setAttribute("role", "img");
  const wrap = h("div", "vw-sheet", {}, [canvas]);
  el.append(wrap);
  const store = document.createElement("canvas");
  const pen = /** @type {CanvasRenderingContext2D} */ (store.getContext("2d"));
  const abort = new AbortController();
  const { signal } = abort;
  /** @type {SheetState | null} */
  let state = null;
  /** @type {(Uint8Array | null)[]} */
  let images = [];
  /** @type {ImageData | null} */
  let pixels = null;
  let marked = /** @type {number | null} */ (null);

  const plan = () => {
    const { count, shape, single = false } = /** @type {SheetState} */ (state);
    return layout({ count, shape, width: wrap.clientWidth, least, most, single });
  };

  function place() {
    if (!state || !wrap.clientWidth) return;
    const { rows, tall, gap } = plan();
    const height = `${Math.round(rows * tall + (rows - 1) * gap)}px`;
    if (wrap.style.height !== height) wrap.style.height = height;
  }

  function draw() {
    place();
    surface.resize();
    surface.clear();
    if (!state || !surface.width) return;
    const { columns, cell, tall, gap } = plan();
    const [, high, wide] = state.shape;
    context.imageSmoothingEnabled = false;
    const { ratio } = surface;
    const snap = (/** @type {number} */ x) => Math.round(x * ratio) / ratio;
    for (let i = 0; i < state.count; i++) {
      const x = snap((i % columns) * (cell + gap));
      const y = snap(Math.floor(i / columns) * (tall + gap));
      if (images[i]) context.drawImage(store, i * wide, 0, wide, high, x, y, snap(cell), snap(tall));
      else {
        context.fillStyle = theme.color("line");
        context.fillRect(x, y, cell, tall);
      }
    }
    const shown = marked ?? state.marked ?? null;
    if (shown !== null && shown >= 0 && shown < state.count) {
      context.strokeStyle = theme.color("accent");
      context.lineWidth = 2;
      const x = (shown % columns) * (cell + gap);
      const y = Math.floor(shown / columns) * (tall + gap);
      context.strokeRect(x + 1, y + 1, cell - 2, tall - 2);
    }
  }

  const painter = createPainter(wrap, draw);

  /** @param {MouseEvent} event @returns {number | null} */
  function at(event) {
    if (!state) return null;
    const [x, y] = localOf(event, canvas);
    const { columns, cell, tall, gap } = plan();
    const column = Math.floor(x / (cell + gap));
    const row = Math.floor(y / (tall + gap));
    const i = row * columns + column;
    return column >= 0 && column < columns && row >= 0 && i < state.count ? i : null;
  }

  /** @param {number | null} index */
  function mark(index) {
    if (index === marked) return;
    marked = index;
    painter.request();
    onMark?.(index);
  }

  if (onMark) {
    canvas.addEventListener("pointermove", (event) => mark(at(event)), { signal });
    canvas.addEventListener("pointerleave", () => mark(null), { signal });
    canvas.addEventListener("blur", () => mark(null), { signal });
    canvas.addEventListener(
      "keydown",
      (event) => {
        if (!state) return;
        const { columns } = plan();
        const step =
          STEPS[event.key] ??
          (event.key === "ArrowDown" ? columns : event.key === "ArrowUp" ? -columns : undefined);
        if (step === undefined) return;
        const next = (marked ?? state.marked ?? (step > 0 ? -1 : 0)) + step;
        mark(Math.min(Math.max(next, 0), state.count - 1));
        event.preventDefault();
        event.stopPropagation();
      },
      { signal },
    );
  }
  if (onPress) {
    canvas.addEventListener(
      "click",
      (event) => {
        const i = at(event);
        if (i !== null) onPress(i);
      },
      { signal },
    );
    canvas.addEventListener(
      "keydown",
      (event) => {
        if ((event.key !== "Enter" && event.key !== " ") || marked === null) return;
        onPress(marked);
        event.preventDefault();
        event.stopPropagation();
      },
      { signal },
    );
  }
  const observer = new ResizeObserver(() => painter.request());
  observer.observe(el);
  const unfollow = theme.onChange(() => painter.request());

  return {
    wrap,
    /** @param {SheetState} next */
    update(next) {
      const other =
        !state || state.count !== next.count || JSON.stringify(state.shape) !== JSON.stringify(next.shape);
      state = next;
      if (other) {
        images = new Array(next.count).fill(null);
        store.width = Math.max(next.count * next.shape[2], 1);
        store.height = Math.max(next.shape[1], 1);
        pixels = pen.createImageData(Math.max(next.shape[2], 1), Math.max(next.shape[1], 1));
      }
      if (canvas.getAttribute("aria-label") !== next.label) canvas.setAttribute("aria-label", next.label);
      place();
      painter.request();
    },
    /** @param {number} i @param {Uint8Array | null} bytes in (C, H, W) order */
    set(i, bytes) {
      if (!state || i >= state.count) return;
      images[i] = bytes;
      if (bytes && pixels) {
        toRgba(bytes, state.shape, pixels.data);
        pen.putImageData(pixels, i * state.shape[2], 0);
      }
      painter.request();
    },
    /** @param {number} i */
    image: (i) => images[i] ?? null,
    /** The box of an image in the sheet, CSS pixels. @param {number} i */
    boxOf(i) {
      const { columns, cell, tall, gap } = plan();
      return {
        x: (i % columns) * (cell + gap),
        y: Math.floor(i / columns) * (tall + gap),
        width: cell,
        height: tall,
      };
    },
    /** Middle of an image as clientX, clientY. @param {number} i */
    toClient(i) {
      const { x, y, width, height } = this.boxOf(i);
      return clientOf(canvas, x + width / 2, y + height / 2);
    },
    destroy() {
      abort.abort();
      unfollow();
      observer.disconnect();
      painter.destroy();
      wrap.remove();
    },
  };
}

/** @typedef {ReturnType<typeof createSheet>} Sheet */

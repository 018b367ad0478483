/**
 * A sheet of small images on one canvas, in one row or as many as the width asks for. One of them may be marked, by
 * the pointer or the arrow keys. Knows no widget.
 *
 * @typedef {import("./items.js").Items} Items
 * @typedef {{count: number, items: Items, label: string, marked?: number | null, single?: boolean}} SheetState
 *   single: all in one row, as large as fits
 */
import { h } from "../host/dom.js";
import { ARROWS, takeKey } from "../host/input.js";
import { clientOf, localOf } from "../host/pointer.js";
import { createFade } from "./fade.js";
import { createTile } from "./images.js";
import { createPicture } from "./picture.js";
import { clamp } from "./scales.js";

const GAP_PX = 3;

/**
 * How many columns, and how large an image is drawn.
 * @param {{count: number, items: Pick<Items, "wide" | "high">, width: number, least: number, most: number, single: boolean}} opts CSS pixels
 */
export function layout({ count, items: { wide, high }, width, least, most, single }) {
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
  const wrap = h("div", "vw-sheet");
  el.append(wrap);
  /** @type {SheetState | null} */
  let state = null;
  /** @type {(Uint8Array | null)[]} */
  let images = [];
  /** @type {ReturnType<typeof createTile>[]} */
  let tiles = [];
  /** @type {ReturnType<typeof createFade>[]} */
  let fades = [];
  /** Those on their way. @type {Set<number>} */
  const moving = new Set();
  let marked = /** @type {number | null} */ (null);

  const plan = () => {
    const { count, items, single = false } = /** @type {SheetState} */ (state);
    return layout({ count, items, width: wrap.clientWidth, least, most, single });
  };

  function place() {
    if (!state || !wrap.clientWidth) return;
    const { rows, tall, gap } = plan();
    const height = `${Math.round(rows * tall + (rows - 1) * gap)}px`;
    if (wrap.style.height !== height) wrap.style.height = height;
  }

  /** @param {number} i CSS pixels in the sheet */
  function boxOf(i) {
    const { columns, cell, tall, gap } = plan();
    return {
      x: (i % columns) * (cell + gap),
      y: Math.floor(i / columns) * (tall + gap),
      width: cell,
      height: tall,
    };
  }

  /** @param {import("./pen.js").Pen} pen @param {number} now */
  function paint({ context, theme, ratio }, now) {
    if (!state) return false;
    for (const i of moving) {
      if (!fades[i].advance(now)) moving.delete(i);
      tiles[i].set(fades[i].now, state.items);
    }
    context.imageSmoothingEnabled = false;
    const snap = (/** @type {number} */ x) => Math.round(x * ratio) / ratio;
    for (let i = 0; i < state.count; i++) {
      const { x, y, width, height } = boxOf(i);
      context.fillStyle = theme.color("line");
      tiles[i].fit(snap(width), snap(height), ratio);
      if (!images[i]) context.fillRect(snap(x), snap(y), width, height);
      else context.drawImage(tiles[i].canvas, snap(x), snap(y), snap(width), snap(height));
    }
    const shown = marked ?? state.marked ?? null;
    if (shown === null || shown < 0 || shown >= state.count) return moving.size > 0;
    const { x, y, width, height } = boxOf(shown);
    context.strokeStyle = theme.color("accent");
    context.lineWidth = 2;
    context.strokeRect(x + 1, y + 1, width - 2, height - 2);
    return moving.size > 0;
  }

  const picture = createPicture(wrap, {
    theme,
    className: `vw-sheet-canvas vw-${name}`,
    role: onMark || onPress ? "row of images" : undefined,
    arrange: place,
    paint,
  });
  const { canvas } = picture;

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
    picture.request();
    onMark?.(index);
  }

  if (onMark) {
    canvas.addEventListener("pointermove", (event) => mark(at(event)));
    canvas.addEventListener("pointerleave", () => mark(null));
    canvas.addEventListener("blur", () => mark(null));
  }
  canvas.addEventListener("click", (event) => {
    const i = at(event);
    if (i !== null) onPress?.(i);
  });
  canvas.addEventListener("keydown", (event) => {
    const arrow = ARROWS[event.key];
    if (arrow && onMark && state) {
      const step = arrow[0] - arrow[1] * plan().columns;
      const next = (marked ?? state.marked ?? (step > 0 ? -1 : 0)) + step;
      mark(clamp(next, 0, state.count - 1));
    } else if (onPress && marked !== null && (event.key === "Enter" || event.key === " ")) onPress(marked);
    else return;
    takeKey(event);
  });

  return {
    wrap,
    /** @param {SheetState} next */
    update(next) {
      const other =
        !state || state.count !== next.count || JSON.stringify(state.items) !== JSON.stringify(next.items);
      state = next;
      if (other) {
        images = new Array(next.count).fill(null);
        tiles = images.map(() => createTile("", theme));
        fades = images.map(createFade);
        moving.clear();
      }
      picture.describe(next.label);
      place();
      picture.request();
    },
    /** @param {number} i @param {Uint8Array | null} bytes in (C, H, W) order @param {boolean} [fade] out of the image before */
    set(i, bytes, fade = false) {
      if (!state || i >= state.count) return;
      images[i] = bytes;
      if (bytes && fades[i].aim(bytes, fade && !state.items.vector)) moving.add(i);
      else moving.delete(i);
      if (bytes && !moving.has(i)) tiles[i].set(bytes, state.items);
      picture.request();
    },
    /** @param {number} i */
    image: (i) => images[i] ?? null,
    /** The box of an image in the sheet, CSS pixels. */
    boxOf,
    /** Middle of an image as clientX, clientY. @param {number} i */
    toClient(i) {
      const { x, y, width, height } = boxOf(i);
      return clientOf(canvas, x + width / 2, y + height / 2);
    },
    destroy() {
      picture.destroy();
      wrap.remove();
    },
  };
}

/** @typedef {ReturnType<typeof createSheet>} Sheet */

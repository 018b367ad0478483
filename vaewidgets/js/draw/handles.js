/**
 * Points on a picture that can be dragged, by pointer or by keys: real buttons over its canvas, so that a keyboard and a
 * screen reader reach them. Knows no widget.
 *
 * @typedef {{at: [number, number], text: string, label: string, value?: string, title?: string}} Handle
 *   at: in the picture's units; text: the letter on it; label: what a screen reader calls it; value: where it is, in
 *   words
 */
import { h, OWN_KEYS, setAttributes, setText, show } from "../host/dom.js";
import { ARROWS, capture, takeKey } from "../host/input.js";
import { localOf } from "../host/pointer.js";
import { clamp } from "./scales.js";

const STEP_PX = 6;
const FINGER_PX = 40;
const MOST_PASSES = 40;

/**
 * One handle.
 * @param {HTMLElement} stage what the canvas fills
 * @param {string} className
 * @param {{where: () => [number, number], onDrag: (x: number, y: number) => void,
 *   onKey: (dx: number, dy: number, far: boolean) => void, onEnd?: (end: -1|1) => void, onReset?: () => void,
 *   onRelease?: () => void}} opts
 *   where: its place, in pixels of the stage as those of `onDrag`; onKey: an arrow key, −1, 0 or 1 each, right and up
 *   positive, far: with Shift; onEnd: Home or End; onReset: a double click, or Delete; onRelease: it is let go
 */
export function createHandle(stage, className, { where, onDrag, onKey, onEnd, onReset, onRelease }) {
  const el = h("button", className, { type: "button", ...OWN_KEYS });
  /** Where in the handle it was gripped. @type {[number, number] | null} */
  let grip = null;
  el.addEventListener("pointerdown", (event) => {
    if (event.button > 0) return;
    event.preventDefault();
    el.focus({ preventScroll: true });
    capture(el, event);
    const [px, py] = localOf(event, stage);
    const [x, y] = where();
    grip = [px - x, py - y];
  });
  el.addEventListener("pointermove", (event) => {
    if (!grip) return;
    // Else what is below would take the drag for a pointer that reads it.
    event.stopPropagation();
    const [px, py] = localOf(event, stage);
    onDrag(px - grip[0], py - grip[1]);
  });
  const release = () => {
    if (!grip) return;
    grip = null;
    onRelease?.();
  };
  // The capture is lost at a pointercancel, too.
  for (const type of ["pointerup", "lostpointercapture"]) el.addEventListener(type, release);
  el.addEventListener("keydown", (event) => {
    const { key } = event;
    const arrow = ARROWS[key];
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    if (arrow) onKey(...arrow, event.shiftKey);
    else if (onEnd && (key === "Home" || key === "End")) onEnd(key === "End" ? 1 : -1);
    else if (onReset && (key === "Delete" || key === "Backspace")) onReset();
    else return;
    takeKey(event);
  });
  if (onReset) el.addEventListener("dblclick", onReset);
  stage.append(el);
  return {
    el,
    /** Whether it is being dragged. */
    get held() {
      return grip !== null;
    },
    /** @param {number} x @param {number} y pixels of the stage */
    place(x, y) {
      el.style.transform = `translate(${x.toFixed(1)}px, ${y.toFixed(1)}px)`;
    },
    /** As a slider. @param {{now: number, min: number, max: number, text: string}} value text: in words */
    describe({ now, min, max, text }) {
      setAttributes(el, {
        role: "slider",
        "aria-valuenow": now,
        "aria-valuemin": min,
        "aria-valuemax": max,
        "aria-valuetext": text,
      });
    },
    destroy: () => el.remove(),
  };
}

/**
 * A handle on a plot, as a slider.
 * @param {import("./plot.js").Plot} plot
 * @param {{name: string, label: string, onMove: (x: number, y: number) => void,
 *   onKey: (dx: number, dy: number) => void, onRelease?: () => void}} opts
 *   onMove: data units, while it is dragged; onKey: arrow keys, −1, 0 or 1, ten with Shift; onRelease: it is let go
 */
export function createPlotHandle(plot, { name, label, onMove, onKey, onRelease }) {
  let at = /** @type {[number, number]} */ ([0, 0]);
  const handle = createHandle(plot.el, `vw-handle vw-handle-${name}`, {
    where: () => plot.toScreen(at),
    onDrag: (x, y) => onMove(...plot.toData(x, y)),
    onKey(dx, dy, far) {
      const times = far ? 10 : 1;
      onKey(dx * times, dy * times);
    },
    onRelease,
  });
  handle.el.setAttribute("aria-label", label);
  plot.follow(() => handle.place(...plot.toScreen(at)));
  return {
    /** Whether it is dragged: axes that follow it would run away from the pointer. */
    get held() {
      return handle.held;
    },
    /** @param {{at: [number, number], now: number, min: number, max: number, text: string, hidden?: boolean}} state */
    update({ at: next, hidden = false, ...value }) {
      at = next;
      show(handle.el, !hidden);
      handle.describe(value);
      plot.update();
    },
  };
}

/**
 * The same places, moved from each other where two handles would cover one another.
 * @param {[number, number][]} places pixels @param {number} least how far apart they are at least
 */
export function apart(places, least) {
  const moved = places.map(([x, y]) => /** @type {[number, number]} */ ([x, y]));
  let isClose = true;
  // Of three, one may be pushed onto another again.
  for (let pass = 0; isClose && pass < MOST_PASSES; pass++) {
    isClose = false;
    for (const [i, one] of moved.entries()) {
      for (const other of moved.slice(0, i)) {
        const [dx, dy] = [one[0] - other[0], one[1] - other[1]];
        const distance = Math.hypot(dx, dy);
        if (distance > least - 0.01) continue;
        isClose = true;
        const [x, y] = distance ? [dx / distance, dy / distance] : [1, 0];
        const by = (least - distance) / 2;
        one[0] += x * by;
        one[1] += y * by;
        other[0] -= x * by;
        other[1] -= y * by;
      }
    }
  }
  return moved;
}

/**
 * As many handles as there are places.
 * @param {HTMLElement} stage what the canvas fills
 * @param {{
 *   toScreen: (at: [number, number]) => [number, number], toData: (x: number, y: number) => [number, number],
 *   area: () => {left: number, top: number, width: number, height: number},
 *   onDrag: (handle: number, at: [number, number]) => void,
 *   onKey?: (handle: number, dx: number, dy: number) => void,
 *   onReset?: (handle: number) => void,
 * }} opts  toScreen, toData: the picture's units to pixels of the stage and back; area: where handles may stand; onKey,
 *   onReset: as of `createHandle`; without the first, a key moves a handle by a few pixels
 */
export function createHandles(stage, { toScreen, toData, area, onDrag, onKey, onReset = () => {} }) {
  /** @type {Handle[]} */
  let shown = [];
  /** @type {ReturnType<typeof createHandle>[]} */
  const handles = [];

  /** @param {number} i */
  const create = (i) =>
    createHandle(stage, "vw-map-handle", {
      where: () => toScreen(shown[i].at),
      onDrag: (x, y) => onDrag(i, toData(x, y)),
      onKey(dx, dy, far) {
        if (onKey) return onKey(i, dx, dy);
        const [x, y] = toScreen(shown[i].at);
        const step = far ? 4 * STEP_PX : STEP_PX;
        shown[i].at = toData(x + dx * step, y - dy * step); // at once: the next key goes on from here
        return onDrag(i, shown[i].at);
      },
      onReset: () => onReset(i),
    });

  /** 0: to be measured, which makes the browser lay out the page: not in each frame. */
  let width0 = 0;

  function place() {
    const { left, top, width, height } = area();
    const places = shown.map(({ at }) => {
      const [x, y] = toScreen(at);
      return /** @type {[number, number]} */ ([clamp(x, left, left + width), clamp(y, top, top + height)]);
    });
    if (handles.length > 1) width0 ||= handles[0].el.offsetWidth;
    const finger = matchMedia("(pointer: coarse)").matches ? FINGER_PX : 0;
    apart(places, Math.max(width0, finger)).forEach((at, i) => {
      handles[i].place(...at);
    });
  }

  return {
    /** @param {Handle[]} next @param {boolean} [visible] */
    update(next, visible = true) {
      shown = next;
      width0 = 0;
      while (handles.length > next.length) handles.pop()?.destroy();
      while (handles.length < next.length) handles.push(create(handles.length));
      next.forEach(({ text, label, value, title = "" }, i) => {
        const { el } = handles[i];
        setText(el, text);
        show(el, visible);
        setAttributes(el, { title, "aria-label": value ? `${label}: ${value}` : label });
      });
      place();
    },
    /** Put them where they belong, after the picture moved. */
    place,
    destroy() {
      for (const handle of handles) handle.destroy();
    },
  };
}

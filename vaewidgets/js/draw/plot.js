/**
 * A picture on axes with handles to drag: the canvas draws, the handles are real elements over it, so that a
 * keyboard and a screen reader reach them.
 *
 * @typedef {import("../host/theme.js").Theme} Theme
 * @typedef {import("../host/theme.js").ColorName} ColorName
 * @typedef {{left: number, right: number, top: number, bottom: number}} Box  in CSS pixels
 * @typedef {{context: CanvasRenderingContext2D, theme: Theme, width: number, height: number, size: number, box: Box,
 *   x: (value: number) => number, y: (value: number) => number}} Pen
 *   size: of type, in CSS pixels; x, y: data units to CSS pixels
 * @typedef {{x: [number, number], y: [number, number]}} Ranges
 * @typedef {{name: string, label: string, onMove: (x: number, y: number) => void,
 *   onKey: (dx: number, dy: number) => void, onRelease?: () => void}} HandleOptions
 *   onMove: data units, while it is dragged; onKey: arrow keys, −1, 0 or 1, ten with Shift; onRelease: it is let go
 */

import { createCanvas, h, OWN_KEYS, show } from "../host/dom.js";
import { createPainter } from "../host/painter.js";
import { localOf } from "../host/pointer.js";
import { formatTick } from "../maths/format.js";
import { ticks } from "./scales.js";

/** @type {Record<string, [number, number]>} */
const ARROWS = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, 1], ArrowDown: [0, -1] };

/**
 * @param {HTMLElement} el
 * @param {{theme: Theme, className: string, label: string, margins?: [number, number, number, number],
 *   paint: (pen: Pen, now: number) => boolean | void}} opts
 *   margins: top, right, bottom, left in units of the type size; paint: returns true to be called again
 */
export function createPlot(el, { theme, className, label, margins = [0.8, 0.6, 3, 3.2], paint }) {
  const surface = createCanvas("vw-plot2-canvas");
  surface.canvas.setAttribute("role", "img");
  surface.canvas.setAttribute("aria-label", label);
  const wrap = h("div", `vw-plot2 ${className}`, {}, [surface.canvas]);
  el.append(wrap);
  const abort = new AbortController();
  /** @type {Ranges} */
  let ranges = { x: [0, 1], y: [0, 1] };
  /** @type {Box} */
  let box = { left: 0, right: 1, top: 0, bottom: 1 };
  /** @type {{el: HTMLElement, at: [number, number]}[]} */
  const handles = [];
  let held = false;

  const x = (/** @type {number} */ value) =>
    box.left + ((value - ranges.x[0]) / (ranges.x[1] - ranges.x[0])) * (box.right - box.left);
  const y = (/** @type {number} */ value) =>
    box.bottom - ((value - ranges.y[0]) / (ranges.y[1] - ranges.y[0])) * (box.bottom - box.top);
  /** Data units at a place of the picture. @param {number} px @param {number} py */
  function dataAt(px, py) {
    const across = (px - box.left) / (box.right - box.left);
    const up = (box.bottom - py) / (box.bottom - box.top);
    return /** @type {[number, number]} */ ([
      ranges.x[0] + across * (ranges.x[1] - ranges.x[0]),
      ranges.y[0] + up * (ranges.y[1] - ranges.y[0]),
    ]);
  }

  const painter = createPainter(wrap, (now) => {
    surface.resize();
    if (!surface.width) return false;
    const size = theme.fontSize();
    const [top, right, bottom, left] = margins;
    box = {
      left: Math.round(left * size),
      right: Math.round(surface.width - right * size),
      top: Math.round(top * size),
      bottom: Math.round(surface.height - bottom * size),
    };
    surface.clear();
    const { context, width, height } = surface;
    const again = paint({ context, theme, width, height, size, box, x, y }, now);
    for (const handle of handles) {
      handle.el.style.transform = `translate(${x(handle.at[0]).toFixed(1)}px, ${y(handle.at[1]).toFixed(1)}px)`;
    }
    return again;
  });
  const observer = new ResizeObserver(() => painter.request());
  observer.observe(wrap);
  const unfollow = theme.onChange(() => painter.request());

  return {
    el: wrap,
    /** Whether a handle is held: axes that follow it would run away from the pointer. */
    get dragging() {
      return held;
    },
    /** Draw again, on these axes. @param {Ranges} [next] */
    update(next = ranges) {
      ranges = next;
      painter.request();
    },
    /** What a screen reader hears of the picture. @param {string} text */
    describe(text) {
      if (surface.canvas.getAttribute("aria-label") !== text) surface.canvas.setAttribute("aria-label", text);
    },
    /** A place to drag. @param {HandleOptions} options */
    addHandle({ name, label: says, onMove, onKey, onRelease }) {
      const knob = h("button", `vw-handle vw-handle-${name}`, {
        type: "button",
        role: "slider",
        "aria-label": says,
        ...OWN_KEYS,
      });
      wrap.append(knob);
      const entry = { el: knob, at: /** @type {[number, number]} */ ([0, 0]) };
      handles.push(entry);
      const { signal } = abort;
      /** Where in the knob it was gripped. @type {[number, number] | null} */
      let grip = null;
      knob.addEventListener(
        "pointerdown",
        (event) => {
          if (event.button !== 0) return;
          event.preventDefault();
          knob.focus({ preventScroll: true });
          knob.setPointerCapture(event.pointerId);
          const [px, py] = localOf(event, surface.canvas);
          held = true;
          grip = [px - x(entry.at[0]), py - y(entry.at[1])];
        },
        { signal },
      );
      knob.addEventListener(
        "pointermove",
        (event) => {
          if (!grip) return;
          const [px, py] = localOf(event, surface.canvas);
          onMove(...dataAt(px - grip[0], py - grip[1]));
        },
        { signal },
      );
      const release = () => {
        if (!grip) return;
        grip = null;
        held = false;
        onRelease?.();
      };
      for (const type of ["pointerup", "pointercancel", "lostpointercapture"])
        knob.addEventListener(type, release, { signal });
      knob.addEventListener(
        "keydown",
        (event) => {
          const arrow = ARROWS[event.key];
          if (!arrow || event.ctrlKey || event.metaKey || event.altKey) return;
          event.preventDefault();
          const times = event.shiftKey ? 10 : 1;
          onKey(arrow[0] * times, arrow[1] * times);
        },
        { signal },
      );
      return {
        el: knob,
        /**
         * @param {{at: [number, number], now: number, min: number, max: number, text: string, hidden?: boolean}} state
         */
        update({ at, now, min, max, text, hidden = false }) {
          entry.at = at;
          show(knob, !hidden);
          for (const [key, value] of Object.entries({
            valuenow: now,
            valuemin: min,
            valuemax: max,
            valuetext: text,
          })) {
            if (knob.getAttribute(`aria-${key}`) !== String(value))
              knob.setAttribute(`aria-${key}`, String(value));
          }
          painter.request();
        },
      };
    },
    destroy() {
      abort.abort();
      observer.disconnect();
      unfollow();
      painter.destroy();
      wrap.remove();
    },
  };
}

/** @typedef {ReturnType<typeof createPlot>} Plot */

/**
 * The scale below: a line, ticks, its name at the right end.
 * @param {Pen} pen
 * @param {Ranges["x"]} range
 * @param {{label: string, at?: number[], format?: (value: number) => string}} opts
 */
export function drawScaleX(pen, range, { label, at, format = formatTick }) {
  const { context, theme, box, size } = pen;
  const values = at ?? ticks(...range, Math.max((box.right - box.left) / (size * 6), 2));
  context.strokeStyle = theme.color("fg3");
  context.lineWidth = 1;
  context.beginPath();
  context.moveTo(box.left, box.bottom + 0.5);
  context.lineTo(box.right, box.bottom + 0.5);
  for (const value of values) {
    const px = Math.round(pen.x(value)) + 0.5;
    context.moveTo(px, box.bottom);
    context.lineTo(px, box.bottom + 4);
  }
  context.stroke();
  for (const value of values)
    drawText(pen, format(value), pen.x(value), box.bottom + size * 0.5, { baseline: "top", relative: 0.85 });
  drawText(pen, label, box.right, box.bottom + size * 1.6, {
    baseline: "top",
    align: "right",
    relative: 0.92,
  });
}

/**
 * Quiet lines across, each with its number at the left; the name above them.
 * @param {Pen} pen
 * @param {Ranges["y"]} range
 * @param {{label: string, count?: number, format?: (value: number) => string}} opts
 */
export function drawScaleY(pen, range, { label, count, format = formatTick }) {
  const { context, theme, box, size } = pen;
  context.lineWidth = 1;
  for (const value of ticks(...range, count ?? Math.max((box.bottom - box.top) / (size * 3.2), 2))) {
    const py = Math.round(pen.y(value)) + 0.5;
    context.strokeStyle = theme.color("line");
    context.beginPath();
    context.moveTo(box.left, py);
    context.lineTo(box.right, py);
    context.stroke();
    drawText(pen, format(value), box.left - size * 0.5, py, { align: "right", relative: 0.85 });
  }
  drawText(pen, label, size * 0.2, box.top - size * 0.8, {
    align: "left",
    baseline: "bottom",
    relative: 0.92,
  });
}

/**
 * @param {Pen} pen
 * @param {string} text
 * @param {number} px
 * @param {number} py
 * @param {{color?: string, align?: CanvasTextAlign, baseline?: CanvasTextBaseline, relative?: number,
 *   weight?: string, halo?: boolean}} [opts]
 */
export function drawText(pen, text, px, py, opts = {}) {
  const { context, theme } = pen;
  const {
    color = theme.color("fg2"),
    align = "center",
    baseline = "middle",
    relative = 1,
    weight = "400",
  } = opts;
  context.font = theme.font(relative, weight);
  context.textAlign = align;
  context.textBaseline = baseline;
  if (opts.halo) {
    context.strokeStyle = theme.color("bg");
    context.lineWidth = 4;
    context.lineJoin = "round";
    context.strokeText(text, px, py);
  }
  context.fillStyle = color;
  context.fillText(text, px, py);
}

/**
 * A function of x as a line.
 * @param {Pen} pen
 * @param {(x: number) => number} f
 * @param {[number, number]} range
 * @param {{color: string, width?: number, dash?: number[]}} style
 */
export function drawCurve(pen, f, range, { color, width = 2, dash = [] }) {
  const { context } = pen;
  context.beginPath();
  tracePath(pen, f, range);
  context.strokeStyle = color;
  context.lineWidth = width;
  context.lineJoin = "round";
  context.setLineDash(dash);
  context.stroke();
  context.setLineDash([]);
}

/**
 * The area between a function and zero.
 * @param {Pen} pen
 * @param {(x: number) => number} f
 * @param {[number, number]} range
 * @param {{color: string, alpha?: number}} style
 */
export function drawArea(pen, f, range, { color, alpha = 0.25 }) {
  const { context } = pen;
  context.beginPath();
  context.moveTo(pen.x(range[0]), pen.y(0));
  tracePath(pen, f, range, true);
  context.lineTo(pen.x(range[1]), pen.y(0));
  context.closePath();
  context.globalAlpha = alpha;
  context.fillStyle = color;
  context.fill();
  context.globalAlpha = 1;
}

/** @param {Pen} pen @param {(x: number) => number} f @param {[number, number]} range @param {boolean} [going] */
function tracePath(pen, f, [lo, hi], going = false) {
  // Two points a pixel: a narrow peak must not lose its top.
  const n = Math.max(Math.ceil(2 * (pen.x(hi) - pen.x(lo))), 2);
  for (let i = 0; i <= n; i++) {
    const value = lo + ((hi - lo) * i) / n;
    if (i === 0 && !going) pen.context.moveTo(pen.x(value), pen.y(f(value)));
    else pen.context.lineTo(pen.x(value), pen.y(f(value)));
  }
}

/**
 * @param {Pen} pen
 * @param {[number, number, number, number]} ends in pixels
 * @param {{color: string, width?: number, dash?: number[]}} style
 */
export function drawLine(pen, [x0, y0, x1, y1], { color, width = 1, dash = [] }) {
  const { context } = pen;
  context.strokeStyle = color;
  context.lineWidth = width;
  context.setLineDash(dash);
  context.beginPath();
  context.moveTo(x0, y0);
  context.lineTo(x1, y1);
  context.stroke();
  context.setLineDash([]);
}

/** The least of a row of round numbers that is not below a value: axes that stand still while one drags. @param {number} value @param {number[]} [steps] */
export function roundUp(value, steps = [1, 2, 5]) {
  const power = 10 ** Math.floor(Math.log10(Math.max(value, 1e-9)));
  for (const step of [...steps, 10 * steps[0]]) if (step * power >= value * (1 - 1e-9)) return step * power;
  return 10 * steps[0] * power;
}

/** @param {number} value @param {number} lo @param {number} hi */
export const clamp = (value, lo, hi) => Math.min(Math.max(value, lo), hi);

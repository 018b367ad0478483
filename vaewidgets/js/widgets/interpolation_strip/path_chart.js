/**
 * What changes along a decoded path, under its images: the nearest class, the change from image to image, the
 * density under the prior. Knows no widget.
 *
 * @typedef {{span: () => [number, number], steps: ArrayLike<number>, classes: number[]|null,
 *   logPrior: ArrayLike<number>|null, nameOf: (label: number) => string}} PathChartState
 *   span: where the first and the last image have their middles now, CSS pixels
 */

import { drawLine, drawText, fillBox } from "../../draw/pen.js";
import { createPicture } from "../../draw/picture.js";
import { band, linear } from "../../draw/scales.js";
import { h } from "../../host/dom.js";
import { formatNumber } from "../../maths/format.js";
import { extent } from "../../maths/statistics.js";

/** @typedef {import("../../draw/pen.js").Pen} Pen */
const WORDS = /** @type {const} */ ({ relative: 0.92, baseline: "alphabetic" });
const AT_LEFT = /** @type {const} */ ({ ...WORDS, align: "left" });
/** Height of what is measured, in units of the type size. */
const HIGH_EM = 3.6;

/** One stretch a class, named where the name fits. @param {Pen} pen @param {PathChartState} state @param {(k: number) => number} x @param {number} top */
function drawClasses(pen, { classes, nameOf }, x, top) {
  const { context, theme, size } = pen;
  if (!classes) return;
  const n = classes.length;
  for (let k = 0; k < n; ) {
    let end = k;
    while (end + 1 < n && classes[end + 1] === classes[k]) end++;
    const from = x(Math.max(k - 0.5, 0));
    const to = x(Math.min(end + 0.5, n - 1));
    fillBox(pen, theme.classColor(classes[k]), from, top, Math.max(to - from, 1), size * 0.45);
    const name = nameOf(classes[k]);
    context.font = theme.font(WORDS.relative);
    if (context.measureText(name).width < to - from)
      drawText(pen, name, (from + to) / 2, top + size * 1.45, { ...WORDS, color: "fg" });
    k = end + 1;
  }
}

/** @param {HTMLElement} el @param {{theme: import("../../host/theme.js").Theme}} opts */
export function createPathChart(el, { theme }) {
  const wrap = h("div", "vw-path-chart");
  el.append(wrap);
  /** @type {PathChartState | null} */
  let state = null;

  /** @param {Pen} pen */
  function paint(pen) {
    if (!state) return;
    const { size } = pen;
    const { span, steps, classes, logPrior } = state;
    const [left, right] = span();
    const x = linear([0, steps.length], [left, right]);
    const at = linear([0, 1], [left, right]);
    for (const t of [0, 0.25, 0.5, 0.75, 1])
      drawText(pen, t === 0 ? "t = 0" : String(t), Math.max(at(t), size * 1.5), size, WORDS);
    let top = size * 1.5;
    drawClasses(pen, state, x, top);
    if (classes) top += size * 2;
    const most = extent(steps)?.[1] || 1;
    const base = top + size * (1.2 + HIGH_EM);
    const y = linear([0, most], [base, base - size * HIGH_EM]);
    const bars = band(steps.length, [left, right]);
    for (let k = 0; k < steps.length; k++) {
      const tall = Math.max(base - y(steps[k]), 0.5);
      fillBox(pen, "recon", x(k) + 0.5, y(steps[k]), Math.max(bars.step - 1, 1), tall);
    }
    const change = `change per step ‖Δx̂‖, at most ${formatNumber(most, 3)}`;
    drawText(pen, change, left, top + size * 0.6, { ...AT_LEFT, color: "recon" });
    if (logPrior) drawDensity(pen, logPrior, x, base + size * 0.8);
  }

  /** @param {Pen} pen @param {ArrayLike<number>} logPrior @param {import("../../draw/scales.js").Scale} x @param {number} top */
  function drawDensity(pen, logPrior, x, top) {
    const { size } = pen;
    const [lo, hi] = extent(logPrior) ?? [0, 1];
    const high = top + size * 1.3;
    const y = linear([lo, Math.max(hi, lo + 1e-9)], [high + size * HIGH_EM * 0.7, high]);
    const places = Array.from(logPrior, (value, k) => [x(k), y(value)]).flat();
    drawLine(pen, places, { color: "kl", width: 2 });
    const text = `prior density ln p(z), ${formatNumber(lo, 3)} to ${formatNumber(hi, 3)} nats`;
    drawText(pen, text, x.range[0], top + size * 0.6, { ...AT_LEFT, color: "kl" });
  }

  const picture = createPicture(wrap, { theme, className: "vw-path-canvas", paint });
  return {
    /** @param {PathChartState} next @param {string} label what a screen reader hears */
    update(next, label) {
      state = next;
      const size = theme.fontSize();
      const rows = 1.5 + (next.classes ? 2 : 0) + 5.2 + (next.logPrior ? 5 : 0);
      const height = `${Math.round(rows * size)}px`;
      if (wrap.style.height !== height) wrap.style.height = height;
      picture.describe(label);
      picture.request();
    },
    destroy() {
      picture.destroy();
      wrap.remove();
    },
  };
}

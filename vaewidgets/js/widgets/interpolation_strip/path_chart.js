/**
 * What changes along a decoded path, under its images: the nearest class, the change from image to image, the
 * density under the prior. Knows no widget.
 *
 * @typedef {{left: number, width: number, steps: ArrayLike<number>, classes: number[]|null,
 *   logPrior: ArrayLike<number>|null, nameOf: (label: number) => string}} PathChartState
 *   left, width: where the first and the last image have their middles, CSS pixels
 */

import { createCanvas, h } from "../../host/dom.js";
import { createPainter } from "../../host/painter.js";
import { formatNumber } from "../../maths/format.js";
import { extent } from "../../maths/statistics.js";

/** @param {HTMLElement} el @param {{theme: import("../../host/theme.js").Theme}} opts */
export function createPathChart(el, { theme }) {
  const surface = createCanvas("vw-path-canvas");
  surface.canvas.setAttribute("role", "img");
  const wrap = h("div", "vw-path-chart", {}, [surface.canvas]);
  el.append(wrap);
  /** @type {PathChartState | null} */
  let state = null;

  function draw() {
    surface.resize();
    surface.clear();
    if (!state || !surface.width) return;
    const { context } = surface;
    const { left, width, steps, classes, logPrior, nameOf } = state;
    const size = theme.fontSize();
    const n = steps.length + 1;
    const x = (/** @type {number} */ k) => left + (width * k) / (n - 1);
    context.font = theme.font(0.92);
    context.textBaseline = "alphabetic";
    context.textAlign = "center";
    context.fillStyle = theme.color("fg2");
    for (const t of [0, 0.25, 0.5, 0.75, 1]) {
      context.fillText(t === 0 ? "t = 0" : String(t), left + width * t, size);
    }
    let top = size * 1.5;
    if (classes) {
      // One stretch a class, named where the name fits.
      for (let k = 0; k < n; ) {
        let end = k;
        while (end + 1 < n && classes[end + 1] === classes[k]) end++;
        const from = x(Math.max(k - 0.5, 0));
        const to = x(Math.min(end + 0.5, n - 1));
        context.fillStyle = theme.classColor(classes[k]);
        context.fillRect(from, top, Math.max(to - from, 1), size * 0.45);
        const name = nameOf(classes[k]);
        context.fillStyle = theme.color("fg");
        if (context.measureText(name).width < to - from)
          context.fillText(name, (from + to) / 2, top + size * 1.45);
        k = end + 1;
      }
      top += size * 2;
    }
    const high = size * 3.6;
    context.textAlign = "left";
    const most = extent(steps)?.[1] || 1;
    const base = top + size * 1.2 + high;
    context.fillStyle = theme.color("recon");
    const bar = Math.max(width / (n - 1) - 1, 1);
    for (let k = 0; k < n - 1; k++) {
      const tall = (steps[k] / most) * high;
      context.fillRect(x(k) + 0.5, base - tall, bar, Math.max(tall, 0.5));
    }
    context.fillText(`change per step ‖Δx̂‖, at most ${formatNumber(most, 3)}`, left, top + size * 0.6);
    if (!logPrior) return;
    top = base + size * 0.8;
    const range = extent(logPrior) ?? [0, 1];
    const span = Math.max(range[1] - range[0], 1e-9);
    context.strokeStyle = theme.color("kl");
    context.lineWidth = 2;
    context.beginPath();
    const y = (/** @type {number} */ value) =>
      top + size * 1.3 + (1 - (value - range[0]) / span) * (high * 0.7);
    for (let k = 0; k < n; k++) {
      if (k) context.lineTo(x(k), y(logPrior[k]));
      else context.moveTo(x(k), y(logPrior[k]));
    }
    context.stroke();
    context.fillStyle = theme.color("kl");
    context.fillText(
      `prior density ln p(z), ${formatNumber(range[0], 3)} to ${formatNumber(range[1], 3)} nats`,
      left,
      top + size * 0.6,
    );
  }

  const painter = createPainter(wrap, draw);
  const observer = new ResizeObserver(() => painter.request());
  observer.observe(wrap);
  const unfollow = theme.onChange(() => painter.request());
  return {
    /** @param {PathChartState} next @param {string} label what a screen reader hears */
    update(next, label) {
      state = next;
      const size = theme.fontSize();
      const rows = 1.5 + (next.classes ? 2 : 0) + 5.2 + (next.logPrior ? 5 : 0);
      const height = `${Math.round(rows * size)}px`;
      if (wrap.style.height !== height) wrap.style.height = height;
      if (surface.canvas.getAttribute("aria-label") !== label)
        surface.canvas.setAttribute("aria-label", label);
      painter.request();
    },
    destroy() {
      unfollow();
      observer.disconnect();
      painter.destroy();
      wrap.remove();
    },
  };
}

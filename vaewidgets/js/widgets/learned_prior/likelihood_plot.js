/**
 * How the likelihood of held-out codes climbs while a prior is fitted, above the level of N(0, I). Knows no widget.
 *
 * @typedef {{reached: number[], normal: number, steps: number}} LikelihoodState
 *   reached: nats, at the start and after each step; normal: under N(0, I); steps: of the whole fit
 */
import { drawScaleX, drawScaleY } from "../../draw/axes.js";
import { drawDot, drawLine, drawText } from "../../draw/pen.js";
import { createPlot } from "../../draw/plot.js";

/** @param {HTMLElement} el @param {{theme: import("../../host/theme.js").Theme}} opts */
export function createLikelihoodPlot(el, { theme }) {
  /** @type {LikelihoodState | null} */
  let state = null;
  const plot = createPlot(el, {
    theme,
    className: "vw-prior-likelihood",
    label: "",
    margins: [2.2, 0.8, 3.2, 3.6],
    paint(pen) {
      if (!state) return;
      drawScaleX(pen, { label: "steps of EM" });
      drawScaleY(pen, { label: "ln p(z) of held-out codes, nats" });
      const level = pen.y(state.normal);
      drawLine(pen, [pen.box.left, level, pen.box.right, level], { color: "fg2", dash: [4, 4] });
      drawText(pen, "N(0, I)", pen.box.right, level - 3, {
        align: "right",
        baseline: "bottom",
        relative: 0.92,
        halo: 3,
      });
      const { reached } = state;
      if (!reached.length) return;
      const line = reached.flatMap((value, i) => [pen.x(i), pen.y(value)]);
      drawLine(pen, line, { color: "accent", width: 2.5 });
      drawDot(pen, line[line.length - 2], line[line.length - 1], 4, { fill: "accent" });
    },
  });
  return {
    /** @param {LikelihoodState} next @param {string} says for a screen reader */
    update(next, says) {
      state = next;
      const low = Math.min(next.normal, ...next.reached);
      const high = Math.max(next.normal, ...next.reached);
      const room = Math.max(0.15 * (high - low), 0.1);
      plot.describe(says);
      plot.update({ x: [0, next.steps], y: [low - room, high + room] });
    },
    destroy: plot.destroy,
  };
}

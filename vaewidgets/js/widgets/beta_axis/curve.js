/**
 * The rate-distortion curve with the place of one beta on it, which can be dragged along. Where the loss is least, a line
 * of slope −β touches the curve.
 *
 * @typedef {{betas: number[], rate: number[], distortion: number[], beta: number, at: [number, number], unit: string}} CurveState
 *   at: rate and distortion at beta
 */

import { drawScaleX, drawScaleY } from "../../draw/axes.js";
import { createPlotHandle } from "../../draw/handles.js";
import { clipped, drawDot, drawLine, drawText } from "../../draw/pen.js";
import { createPlot } from "../../draw/plot.js";
import { clamp } from "../../draw/scales.js";
import { formatLoss, formatSetting, perImage } from "../../maths/format.js";
import { extent } from "../../maths/statistics.js";
import { nearestBeta } from "./axis.js";

/** Share of the logarithmic range that an arrow key moves. */
const STEP = 0.02;

/** @param {number[]} values @returns {[number, number]} with room around them */
function roomy(values) {
  const [low, high] = extent(values) ?? [0, 1];
  const pad = Math.max((high - low) * 0.16, Math.abs(high) * 0.01, 1e-3);
  return [low >= 0 ? Math.max(low - pad, 0) : low - pad, high + pad];
}

/**
 * @param {HTMLElement} el
 * @param {{theme: import("../../host/theme.js").Theme, onBeta: (beta: number) => void}} opts
 */
export function createCurve(el, { theme, onBeta }) {
  /** @type {CurveState} */
  let state = { betas: [1], rate: [0], distortion: [0], beta: 1, at: [0, 0], unit: "" };
  const plot = createPlot(el, {
    theme,
    className: "vw-axis-curve",
    label: "rate and distortion",
    margins: [2.4, 1.5, 3, 4],
    paint,
  });
  const handle = createPlotHandle(plot, {
    name: "beta",
    label: "β, along the rate-distortion curve",
    onMove(x, y) {
      const { betas, rate, distortion } = state;
      const places = betas.map((_, i) => plot.toScreen([rate[i], distortion[i]]));
      onBeta(nearestBeta(betas, places, plot.toScreen([x, y])));
    },
    onKey(dx, dy) {
      const { betas, beta } = state;
      const [least, most] = [betas[0], betas[betas.length - 1]];
      // At once, not when it is drawn: the next key goes on from here.
      state.beta = clamp(beta * (most / least) ** (STEP * (dx - dy)), least, most);
      onBeta(state.beta);
    },
  });

  /** @param {import("../../draw/pen.js").PlotPen} pen */
  function paint(pen) {
    const { x, y, box } = pen;
    const { betas, rate, distortion, beta, at } = state;
    drawScaleX(pen, { label: "rate: KL, nats per image" });
    drawScaleY(pen, { label: `recon, ${perImage(state.unit)}` });
    const line = rate.flatMap((value, i) => [x(value), y(distortion[i])]);
    clipped(pen, box, () => {
      const [x0, x1] = x.domain;
      const slope = (/** @type {number} */ r) => y(at[1] - beta * (r - at[0]));
      drawLine(pen, [x(x0), slope(x0), x(x1), slope(x1)], { color: "fg3", width: 1.25, dash: [4, 3] });
    });
    drawLine(pen, line, { color: "fg3", width: 2 });
    for (let i = 0; i < line.length; i += 2) drawDot(pen, line[i], line[i + 1], 2.5, { fill: "fg3" });
    const last = betas.length - 1;
    const near = 0.15 * Math.log(betas[last] / betas[0]);
    // the curve falls to the right: there is room above its left end, and below its right one
    for (const [i, side] of /** @type {[number, -1 | 1][]} */ ([
      [0, 1],
      [last, -1],
    ])) {
      if (Math.abs(Math.log(betas[i] / beta)) < near) continue;
      const align = side < 0 ? "left" : "right";
      const text = `β = ${formatSetting(betas[i])}`;
      drawText(pen, text, line[2 * i] - side * 8, line[2 * i + 1] + side * pen.size, { align, halo: 4 });
    }
    drawDot(pen, x(at[0]), y(at[1]), 6, { fill: "accent" });
  }

  return {
    /** @param {CurveState} next */
    update(next) {
      state = next;
      const { betas, rate, distortion, beta, at, unit } = next;
      const text = `β = ${formatSetting(beta)}: rate ${formatLoss(at[0])} nats, distortion ${formatLoss(at[1])} ${unit}`;
      plot.describe(`rate-distortion curve from β = ${formatSetting(betas[0])} on; ${text}`);
      // axes that follow a drag would run away from the pointer; the curve does not change while it lasts
      plot.update({ x: roomy(rate), y: roomy(distortion) });
      handle.update({ at, now: beta, min: betas[0], max: betas[betas.length - 1], text });
    },
    destroy: () => plot.destroy(),
  };
}

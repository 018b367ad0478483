/**
 * Runs in the rate–distortion plane, each a point with its standard errors, joined in the order of their setting.
 * Where both are nats, lines of equal ELBO run across.
 *
 * @typedef {import("../../draw/pen.js").PlotPen} PlotPen
 * @typedef {{name: string, rate: number, distortion: number, rateError: number, distortionError: number,
 *   faint: boolean}} RatePoint
 * @typedef {{points: RatePoint[], unit: string, normalised: boolean}} RateState
 */

import { drawScaleX, drawScaleY } from "../../draw/axes.js";
import { clipped, drawDot, drawLine, drawText } from "../../draw/pen.js";
import { createPlot } from "../../draw/plot.js";
import { formatLoss, perImage } from "../../maths/format.js";
import { extent } from "../../maths/statistics.js";

/** A range with room around it. @param {number[]} values @param {number[]} errors @returns {[number, number]} */
export function roomy(values, errors) {
  const found = extent(values.flatMap((value, i) => [value - errors[i], value + errors[i]])) ?? [0, 1];
  const pad = Math.max((found[1] - found[0]) * 0.16, Math.abs(found[1]) * 0.01, 1e-3);
  return [found[0] >= 0 ? Math.max(found[0] - pad, 0) : found[0] - pad, found[1] + pad];
}

/**
 * @param {HTMLElement} el
 * @param {{theme: import("../../host/theme.js").Theme}} opts
 */
export function createRatePlot(el, { theme }) {
  /** @type {RateState} */
  let state = { points: [], unit: "", normalised: false };
  const plot = createPlot(el, {
    theme,
    className: "vw-rate-plot",
    label: "rate and distortion",
    margins: [2.4, 6, 3, 4],
    paint,
  });

  /** @param {PlotPen} pen */
  function paint(pen) {
    drawScaleX(pen, { label: "rate: KL, nats per image" });
    drawScaleY(pen, { label: `distortion: recon, ${perImage(state.unit)}` });
    if (state.normalised) drawBounds(pen);
    const line = state.points.flatMap(({ rate, distortion }) => [pen.x(rate), pen.y(distortion)]);
    drawLine(pen, line, { color: "fg3", width: 1.25 });
    for (const point of state.points) drawPoint(pen, point);
  }

  /** Lines of equal ELBO: rate + distortion is the same along each. @param {PlotPen} pen */
  function drawBounds(pen) {
    const { x, y, box } = pen;
    const [x0, x1] = x.domain;
    clipped(pen, box, () => {
      for (const { rate, distortion } of state.points) {
        const sum = rate + distortion;
        drawLine(pen, [x(x0), y(sum - x0), x(x1), y(sum - x1)], { color: "line", width: 1.5 });
      }
    });
  }

  /** @param {PlotPen} pen @param {RatePoint} point */
  function drawPoint(pen, { name, rate, distortion, rateError, distortionError, faint }) {
    const { box, size } = pen;
    const [x, y] = [pen.x(rate), pen.y(distortion)];
    const style = { color: "accent", alpha: faint ? 0.3 : 1 };
    drawLine(pen, [pen.x(rate - rateError), y, pen.x(rate + rateError), y], style);
    drawLine(pen, [x, pen.y(distortion - distortionError), x, pen.y(distortion + distortionError)], style);
    drawDot(pen, x, y, 5, { fill: "accent", alpha: style.alpha });
    const right = x < box.right - 4 * size;
    drawText(pen, name, x + (right ? 9 : -9), y - size * 0.9, {
      align: right ? "left" : "right",
      weight: "600",
      color: "fg",
      halo: 4,
      alpha: style.alpha,
    });
  }

  return {
    /** @param {RateState} next */
    update(next) {
      state = next;
      const { points } = next;
      const said = points.map(
        ({ name, rate, distortion }) =>
          `${name}: rate ${formatLoss(rate)} nats, distortion ${formatLoss(distortion)} ${next.unit}`,
      );
      plot.describe(said.join("; "));
      plot.update({
        x: roomy(
          points.map(({ rate }) => rate),
          points.map(({ rateError }) => rateError),
        ),
        y: roomy(
          points.map(({ distortion }) => distortion),
          points.map(({ distortionError }) => distortionError),
        ),
      });
    },
    destroy: () => plot.destroy(),
  };
}

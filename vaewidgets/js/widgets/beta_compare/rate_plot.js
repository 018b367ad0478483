/**
 * Runs in the rate–distortion plane, each a point with its standard errors, joined in the order of their setting.
 * Where both are nats, lines of equal ELBO run across.
 *
 * @typedef {{name: string, rate: number, distortion: number, rateError: number, distortionError: number,
 *   faint: boolean}} RatePoint
 * @typedef {{points: RatePoint[], unit: string, normalised: boolean}} RateState
 */

import { createPlot, drawLine, drawScaleX, drawScaleY, drawText } from "../../draw/plot.js";
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
  /** @type {import("../../draw/plot.js").Ranges} */
  let ranges = { x: [0, 1], y: [0, 1] };
  const plot = createPlot(el, {
    theme,
    className: "vw-rate-plot",
    label: "rate and distortion",
    margins: [2.4, 6, 3, 4],
    paint,
  });

  /** @param {import("../../draw/plot.js").Pen} pen */
  function paint(pen) {
    const { context, box } = pen;
    drawScaleX(pen, ranges.x, { label: "rate: KL, nats per image" });
    drawScaleY(pen, ranges.y, { label: `distortion: recon, ${perImage(state.unit)}` });
    if (state.normalised) drawBounds(pen);
    context.strokeStyle = theme.color("fg3");
    context.lineWidth = 1.25;
    context.beginPath();
    for (const { rate, distortion } of state.points) context.lineTo(pen.x(rate), pen.y(distortion));
    context.stroke();
    for (const point of state.points) drawPoint(pen, point, box);
  }

  /** Lines of equal ELBO: rate + distortion is the same along each. @param {import("../../draw/plot.js").Pen} pen */
  function drawBounds(pen) {
    const { context, box } = pen;
    context.save();
    context.beginPath();
    context.rect(box.left, box.top, box.right - box.left, box.bottom - box.top);
    context.clip();
    for (const { rate, distortion } of state.points) {
      const sum = rate + distortion;
      const [x0, x1] = ranges.x;
      drawLine(pen, [pen.x(x0), pen.y(sum - x0), pen.x(x1), pen.y(sum - x1)], {
        color: theme.color("line"),
        width: 1.5,
      });
    }
    context.restore();
  }

  /** @param {import("../../draw/plot.js").Pen} pen @param {RatePoint} point @param {import("../../draw/plot.js").Box} box */
  function drawPoint(pen, { name, rate, distortion, rateError, distortionError, faint }, box) {
    const { context } = pen;
    const x = pen.x(rate);
    const y = pen.y(distortion);
    const color = theme.color("accent");
    context.globalAlpha = faint ? 0.3 : 1;
    drawLine(pen, [pen.x(rate - rateError), y, pen.x(rate + rateError), y], { color });
    drawLine(pen, [x, pen.y(distortion - distortionError), x, pen.y(distortion + distortionError)], {
      color,
    });
    context.fillStyle = color;
    context.beginPath();
    context.arc(x, y, 5, 0, 2 * Math.PI);
    context.fill();
    const right = x < box.right - 4 * pen.size;
    drawText(pen, name, x + (right ? 9 : -9), y - pen.size * 0.9, {
      align: right ? "left" : "right",
      weight: "600",
      color: theme.color("fg"),
      halo: true,
    });
    context.globalAlpha = 1;
  }

  return {
    /** @param {RateState} next */
    update(next) {
      state = next;
      const of = (/** @type {(point: RatePoint) => number} */ read) => next.points.map(read);
      ranges = {
        x: roomy(
          of((p) => p.rate),
          of((p) => p.rateError),
        ),
        y: roomy(
          of((p) => p.distortion),
          of((p) => p.distortionError),
        ),
      };
      plot.describe(
        next.points
          .map(
            (p) =>
              `${p.name}: rate ${formatLoss(p.rate)} nats, distortion ${formatLoss(p.distortion)} ${next.unit}`,
          )
          .join("; "),
      );
      plot.update(ranges);
    },
    destroy: () => plot.destroy(),
  };
}

/**
 * The pictures of a schedule: beta, and what the loss then weighs.
 *
 * @typedef {import("../../draw/plot.js").Pen} Pen
 * @typedef {import("./schedules.js").Settings} Settings
 * @typedef {import("./schedules.js").Schedule} Schedule
 * @typedef {{name: string, step: Float32Array, beta: Float32Array, klStep: Float32Array, kl: Float32Array}} Seen
 * @typedef {{settings: Settings, schedule: Schedule, at: number, recorded: Seen|null, recon: number, kl: number,
 *   ranges: import("../../draw/plot.js").Ranges}} Drawn  at: the step that is read; recorded: of a run
 */

import { drawLine, drawScaleX, drawScaleY, drawText, roundUp } from "../../draw/plot.js";
import { formatCount } from "../../maths/format.js";
import { betaAt, cornersOf } from "./schedules.js";

/** Steps in which beta rises, the first time. @param {Settings} settings */
export function riseOf({ kind, steps, cycles, ratio }) {
  return kind === "linear" ? ratio * steps : (ratio * steps) / cycles;
}

/** Beta over the steps. @param {Pen} pen @param {Drawn} state */
export function drawBeta(pen, state) {
  const { theme } = pen;
  const { settings, schedule, at, recorded } = state;
  const { size, box } = pen;
  const { x, y } = state.ranges;
  const color = theme.color("beta");
  drawScaleY(pen, y, { label: "β, the weight of the KL", count: 4 });
  drawScaleX(pen, x, { label: "step" });
  const { end, steps, kind } = settings;
  if (kind !== "constant") {
    drawLine(pen, [box.left, pen.y(end), box.right, pen.y(end)], {
      color: theme.color("fg3"),
      dash: [2, 4],
    });
    if (pen.x(riseOf(settings)) - box.left > size * 10)
      drawText(pen, "from the start", box.left + size * 0.8, pen.y(end) - size * 0.8, {
        align: "left",
        relative: 0.92,
        halo: true,
      });
  }
  if (recorded) {
    const { step, beta, name } = recorded;
    path(
      pen,
      Array.from(step, (s, i) => [s, beta[i]]),
      { color: theme.color("fg2"), width: 2, dash: [6, 3] },
    );
    const last = beta.length - 1;
    drawText(
      pen,
      `recorded, ${name}`.slice(0, 40),
      Math.min(pen.x(step[last]), box.right),
      pen.y(beta[last]) + size,
      { align: "right", relative: 0.92, halo: true },
    );
  }
  path(pen, cornersOf(schedule, steps), { color, width: 3 });
  drawLine(pen, [pen.x(at), box.top, pen.x(at), box.bottom], { color: theme.color("fg3") });
  const now = betaAt(schedule, at);
  const last = betaAt(schedule, Math.max(steps - 1, 0));
  drawText(pen, "β", box.right + size * 0.6, pen.y(last), {
    color,
    align: "left",
    weight: "600",
    relative: 1.15,
  });
  marker(pen, pen.x(at), pen.y(now), color);
}

/** The loss and its terms if recon and KL stayed constant. @param {Pen} pen @param {Drawn} state */
export function drawLoss(pen, state) {
  const { theme } = pen;
  const { settings, schedule, at, recorded, recon, kl } = state;
  const { size, box } = pen;
  const { steps } = settings;
  const x = /** @type {[number, number]} */ ([0, steps]);
  const y = lossRange(state);
  drawScaleY(pen, y, { label: "loss if recon and KL stayed constant", count: 4 });
  drawScaleX(pen, x, { label: "step" });
  const corners = cornersOf(schedule, steps);
  path(
    pen,
    [
      [0, recon],
      [steps, recon],
    ],
    { color: theme.color("recon"), width: 2 },
  );
  path(
    pen,
    corners.map(([s, b]) => [s, b * kl]),
    { color: theme.color("kl"), width: 2 },
  );
  path(
    pen,
    corners.map(([s, b]) => [s, recon + b * kl]),
    { color: theme.color("loss"), width: 3 },
  );
  if (recorded?.kl.length) {
    const { klStep, kl: seen } = recorded;
    path(
      pen,
      Array.from(klStep, (s, i) => [s, seen[i]]),
      { color: theme.color("kl"), width: 1.5, dash: [6, 3] },
    );
    drawText(
      pen,
      "KL, recorded",
      pen.x(klStep[klStep.length - 1]) - size,
      pen.y(seen[seen.length - 1]) - size * 0.9,
      { color: theme.color("kl"), align: "right", relative: 0.92, halo: true },
    );
  }
  const last = betaAt(schedule, Math.max(steps - 1, 0));
  const names = [
    { text: "loss", value: recon + last * kl, color: theme.color("loss") },
    { text: "recon", value: recon, color: theme.color("recon") },
    { text: "β · KL", value: last * kl, color: theme.color("kl") },
  ].sort((a, b) => b.value - a.value);
  let above0 = Number.NEGATIVE_INFINITY;
  for (const { text, value, color } of names) {
    above0 = Math.max(pen.y(value), above0 + size * 1.25);
    drawText(pen, text, box.right + size * 0.6, above0, { color, align: "left", weight: "600" });
  }
  const px = pen.x(at);
  drawLine(pen, [px, box.top, px, box.bottom], { color: theme.color("fg3") });
  const beta = betaAt(schedule, at);
  marker(pen, px, pen.y(recon + beta * kl), theme.color("loss"));
  const meet = meeting(state);
  if (meet !== null && meet > 0) {
    drawText(
      pen,
      `recon = β · KL at step ${formatCount(meet)}`,
      pen.x(meet) + size * 0.6,
      pen.y(recon) + size,
      { align: "left", halo: true, relative: 0.92 },
    );
    marker(pen, pen.x(meet), pen.y(recon), theme.color("fg2"));
  }
}

/** @param {Drawn} state @returns {[number, number]} */
export function lossRange({ settings, recorded, recon, kl }) {
  const { start, end, kind } = settings;
  const seen = recorded?.kl.length
    ? Math.max(...recorded.kl.subarray(Math.floor(recorded.kl.length / 10)))
    : 0;
  return [
    0,
    roundUp(
      Math.max(recon + Math.max(end, kind === "constant" ? 0 : start) * kl, seen, 0.1) * 1.1,
      [1, 1.5, 2, 3, 5, 7],
    ),
  ];
}

/** The step of the first rise at which both terms weigh the same; null: they never do. @param {Drawn} state */
export function meeting({ settings, recon, kl }) {
  const { kind, start, end } = settings;
  const wanted = recon / kl;
  if (kind === "constant" || !(kl > 0) || (wanted - start) * (wanted - end) > 0 || start === end) return null;
  return ((wanted - start) / (end - start)) * riseOf(settings);
}

/** @param {Pen} pen @param {number[][]} points @param {{color: string, width: number, dash?: number[]}} style */
function path(pen, points, { color, width, dash = [] }) {
  const { context } = pen;
  context.beginPath();
  points.forEach(([x, y], i) => {
    if (i === 0) context.moveTo(pen.x(x), pen.y(y));
    else context.lineTo(pen.x(x), pen.y(y));
  });
  context.strokeStyle = color;
  context.lineWidth = width;
  context.lineJoin = "round";
  context.setLineDash(dash);
  context.stroke();
  context.setLineDash([]);
}

/** @param {Pen} pen @param {number} x @param {number} y @param {string} color */
function marker({ context, theme }, x, y, color) {
  context.beginPath();
  context.arc(x, y, 4.5, 0, 2 * Math.PI);
  context.fillStyle = color;
  context.strokeStyle = theme.color("bg");
  context.lineWidth = 2;
  context.fill();
  context.stroke();
}

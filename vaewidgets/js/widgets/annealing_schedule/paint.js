/**
 * The pictures of a schedule: beta, and what the loss then weighs.
 *
 * @typedef {import("../../draw/pen.js").PlotPen} PlotPen
 * @typedef {import("./schedules.js").Settings} Settings
 * @typedef {import("./schedules.js").Line} Line
 * @typedef {{step: Float32Array, value: Float32Array}} Curve
 * @typedef {{name: string, beta: Curve, kl: Curve, recon: Curve}} Seen
 * @typedef {{settings: Settings, line: Line, at: number, recorded: Seen|null, recon: number,
 *   kl: number}} Drawn  at: the step that is read; recorded: of a run
 */
import { drawScaleX, drawScaleY } from "../../draw/axes.js";
import { drawDot, drawLine, drawText } from "../../draw/pen.js";
import { roundUp } from "../../draw/scales.js";
import { formatCount } from "../../maths/format.js";
import { heldTerm, pathOf, rises, valueAt } from "./schedules.js";

const STEPS = [1, 1.5, 2, 3, 5, 7];
/** Where the axis' numbers are clear of the handles on it. */
const UNDER_HANDLES_EM = 0.95;

/** Steps in which beta rises, the first time. @param {Settings} settings */
export function riseOf({ kind, steps, cycles, ratio }) {
  return kind === "linear" ? ratio * steps : (ratio * steps) / cycles;
}

/** Beta over the steps. @param {PlotPen} pen @param {Drawn} state */
export function drawBeta(pen, { settings, line, at, recorded }) {
  const { size, box } = pen;
  drawScaleY(pen, { label: "β, the weight of the KL", count: 4 });
  drawScaleX(pen, { label: "step", gap: UNDER_HANDLES_EM });
  const { end, steps } = settings;
  if (rises(settings)) {
    drawLine(pen, [box.left, pen.y(end), box.right, pen.y(end)], { color: "fg3", dash: [2, 4] });
    if (pen.x(riseOf(settings)) - box.left > size * 10) {
      const style = /** @type {const} */ ({ align: "left", relative: 0.92, halo: 4 });
      drawText(pen, "from the start", box.left + size * 0.8, pen.y(end) - size * 0.8, style);
    }
  }
  if (recorded) path(pen, pointsOf(recorded.beta), { color: "fg2", width: 2, dash: [6, 3] });
  path(pen, line.corners, { color: "beta", width: 3 });
  if (recorded) {
    const { beta, name } = recorded;
    const last = beta.value.length - 1;
    const y = Math.min(pen.y(beta.value[last]) + size, box.bottom - size); // clear of the axis' numbers
    drawAtEnd(pen, `recorded, ${name}`.slice(0, 40), beta.step[last], y, "fg2");
  }
  drawLine(pen, [pen.x(at), box.top, pen.x(at), box.bottom], { color: "fg3" });
  const last = line.at(Math.max(steps - 1, 0));
  const style = /** @type {const} */ ({ color: "beta", align: "left", weight: "600", relative: 1.15 });
  drawText(pen, "β", box.right + size * 0.6, pen.y(last), style);
  marker(pen, pen.x(at), pen.y(line.at(at)), "beta");
}

/** The term of an example that a schedule holds. @param {PlotPen} pen @param {Drawn} state @param {import("./schedules.js").HeldTerm} held */
function drawHeld(pen, { settings, line, at, recorded }, { name, label, target }) {
  const { size, box } = pen;
  const { steps } = settings;
  drawScaleY(pen, { label: `${label} of an example, in nats`, count: 4 });
  drawScaleX(pen, { label: "step", gap: UNDER_HANDLES_EM });
  drawLine(pen, [box.left, pen.y(target), box.right, pen.y(target)], {
    color: "fg2",
    width: 1.5,
    dash: [6, 3],
  });
  const seen = recorded?.[name];
  if (seen?.value.length) path(pen, pointsOf(seen), { color: name, width: 1.5, dash: [6, 3] });
  const values = /** @type {import("./example.js").Answer} */ (line.answer)[name];
  path(pen, pathOf(values, steps), { color: name, width: 3 });
  const last = values[values.length - 1];
  drawText(pen, label, box.right + size * 0.6, pen.y(last), { color: name, align: "left", weight: "600" });
  // At the top: the curves end near the target, and the example begins at the left.
  const style = /** @type {const} */ ({ align: "right", relative: 0.92, halo: 4 });
  const said = `- - wanted${seen?.value.length ? ", recorded" : ""}`;
  drawText(pen, said, box.right, box.top + size, style);
  drawLine(pen, [pen.x(at), box.top, pen.x(at), box.bottom], { color: "fg3" });
  marker(pen, pen.x(at), pen.y(valueAt(values, at)), name);
}

/** The loss and its terms if recon and KL stayed constant, or the term that is held. @param {PlotPen} pen @param {Drawn} state */
export function drawLoss(pen, state) {
  const { settings, line, at, recorded, recon, kl } = state;
  const held = heldTerm(settings);
  if (held) {
    drawHeld(pen, state, held);
    return;
  }
  const { size, box } = pen;
  const { steps } = settings;
  drawScaleY(pen, { label: "loss if recon and KL stayed constant", count: 4 });
  drawScaleX(pen, { label: "step", gap: UNDER_HANDLES_EM });
  const terms = /** @type {const} */ ([
    { text: "recon", color: "recon", width: 2, cost: () => recon },
    { text: "β · KL", color: "kl", width: 2, cost: (/** @type {number} */ beta) => beta * kl },
    { text: "loss", color: "loss", width: 3, cost: (/** @type {number} */ beta) => recon + beta * kl },
  ]);
  for (const { cost, ...style } of terms)
    path(
      pen,
      line.corners.map(([s, b]) => [s, cost(b)]),
      style,
    );
  if (recorded?.kl.value.length) {
    const { step, value } = recorded.kl;
    path(pen, pointsOf(recorded.kl), { color: "kl", width: 1.5, dash: [6, 3] });
    const last = value.length - 1;
    drawAtEnd(pen, "KL, recorded", step[last], pen.y(value[last]) - size * 0.9, "kl");
  }
  const last = line.at(Math.max(steps - 1, 0));
  let lowest = Number.NEGATIVE_INFINITY;
  for (const { text, cost, color } of [...terms].sort((a, b) => b.cost(last) - a.cost(last))) {
    lowest = Math.max(pen.y(cost(last)), lowest + size * 1.25);
    drawText(pen, text, box.right + size * 0.6, lowest, { color, align: "left", weight: "600" });
  }
  drawLine(pen, [pen.x(at), box.top, pen.x(at), box.bottom], { color: "fg3" });
  marker(pen, pen.x(at), pen.y(recon + line.at(at) * kl), "loss");
  const meet = meeting(state);
  if (meet === null || meet <= 0) return;
  marker(pen, pen.x(meet), pen.y(recon), "fg2");
  // Said in the row of the axis' name, which the curves do not cross.
  const row = box.bottom + size * (UNDER_HANDLES_EM + 1.1);
  const style = /** @type {const} */ ({ align: "left", baseline: "top", relative: 0.92 });
  drawText(pen, `recon = β · KL at step ${formatCount(meet)}`, box.left + size * 0.8, row, style);
  marker(pen, box.left + size * 0.2, row + size * 0.5, "fg2");
}

/** @param {Drawn} state @returns {[number, number]} */
export function lossRange({ settings, line, recorded, recon, kl }) {
  const { start, end, kind } = settings;
  const held = heldTerm(settings);
  const curve = recorded?.[held?.name ?? "kl"].value ?? new Float32Array();
  const seen = Math.max(0, ...curve.subarray(Math.floor(curve.length / 10)));
  if (held && line.answer) {
    const values = line.answer[held.name];
    return [
      0,
      roundUp(
        Math.max(
          values.reduce((a, b) => Math.max(a, b)),
          seen,
          held.target,
          0.1,
        ) * 1.1,
        STEPS,
      ),
    ];
  }
  const beta = Math.max(end, kind === "constant" ? 0 : start);
  return [0, roundUp(Math.max(recon + beta * kl, seen, 0.1) * 1.1, STEPS)];
}

/**
 * The step of the first rise at which both terms weigh the same; null: they never do.
 * @param {Pick<Drawn, "settings"|"recon"|"kl">} state
 */
export function meeting({ settings, recon, kl }) {
  const { start, end } = settings;
  const wanted = recon / kl;
  if (!rises(settings) || !(kl > 0) || (wanted - start) * (wanted - end) > 0 || start === end) return null;
  return ((wanted - start) / (end - start)) * riseOf(settings);
}

/**
 * A text at the end of a recorded curve, on the side that has room: of a run that has just begun, on the right.
 * @param {PlotPen} pen @param {string} text @param {number} step @param {number} y in pixels @param {string} color
 */
function drawAtEnd(pen, text, step, y, color) {
  const { size, box } = pen;
  const x = Math.min(pen.x(step), box.right);
  const onLeft = x > (box.left + box.right) / 2;
  const align = onLeft ? "right" : "left";
  drawText(pen, text, x + size * (onLeft ? -0.6 : 0.6), y, { color, align, relative: 0.92, halo: 4 });
}

/** @param {Curve} curve */
const pointsOf = ({ step, value }) => Array.from(step, (x, i) => [x, value[i]]);

/** @param {PlotPen} pen @param {number[][]} points @param {{color: string, width: number, dash?: number[]}} style */
function path(pen, points, { color, width, dash }) {
  const places = points.flatMap(([x, y]) => [pen.x(x), pen.y(y)]);
  drawLine(pen, places, { color, width, dash });
}

/** @param {PlotPen} pen @param {number} x @param {number} y @param {string} fill */
const marker = (pen, x, y, fill) => drawDot(pen, x, y, 4.5, { fill, color: "bg" });

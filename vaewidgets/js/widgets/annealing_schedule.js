/**
 * AnnealingSchedule: beta over training, drawn by hand, and what the loss then weighs.
 *
 * View: kind, start, end, steps, cycles, ratio (see lib/schedules.js); recon and kl, two costs that are held to see
 * what beta does to the loss; at, the step that is read.
 * Frame: recorded, of a run: its name, steps, beta and kl; or null.
 * Handle: see parts/base.js; schedule (as `Schedule.to_dict()`), code, beta(step), loss at the step that is read.
 *
 * @typedef {import("../lib/types.js").Packed} Packed
 * @typedef {{name: string, step: Packed, beta: Packed, kl_step: Packed, kl: Packed}} Recorded
 */
import { formatCount, formatFixed, formatTick, linearSlider, logSlider } from "../lib/axes.js";
import { toFloat32 } from "../lib/bytes.js";
import { createPress, createSegments, createSlider } from "../lib/controls.js";
import { h, setText } from "../lib/dom.js";
import { clamp, createPlot, drawLine, drawScaleX, drawScaleY, drawText, roundUp } from "../lib/plot.js";
import { betaAt, codeOf, cornersOf, scheduleOf } from "../lib/schedules.js";
import { defineWidget } from "../parts/base.js";

/** @typedef {import("../lib/plot.js").Pen} Pen */
/** @typedef {import("../lib/schedules.js").Settings} Settings */

const MOST_BETA = 10;
const MOST_STEPS = 1_000_000;
const MOST_CYCLES = 20;
const MARGINS = /** @type {[number, number, number, number]} */ ([2.4, 6, 3, 3.6]);
const three = (/** @type {number} */ value) => Number(value.toPrecision(3));
const share = (/** @type {number} */ value) => clamp(Number(value.toFixed(3)), 0.001, 1);

export default defineWidget({
  name: "annealing-schedule",
  label: "Annealing of beta",
  build({ shell, view }) {
    const { theme } = shell;
    const pictures = h("div", "vw-concept-main");
    const side = h("div", "vw-concept-side");
    shell.body.append(h("div", "vw-concept", {}, [pictures, side]));

    /** @returns {Settings} */
    const settings = () => ({
      kind: view.get("kind", "linear"),
      start: view.get("start", 0),
      end: view.get("end", 1),
      steps: view.get("steps", 1000),
      cycles: view.get("cycles", 4),
      ratio: view.get("ratio", 0.5),
    });
    const schedule = () => scheduleOf(settings());
    const costs = () => ({ recon: view.get("recon", 0.4), kl: view.get("kl", 1.2) });
    const at = () => Math.min(view.get("at", 0), settings().steps);
    const setBeta = (/** @type {string} */ key, /** @type {number} */ beta) =>
      view.set(key, clamp(three(Math.max(beta, 0)), 0, MOST_BETA));
    /** @type {{name: string, beta: Float32Array, step: Float32Array, kl: Float32Array, klStep: Float32Array} | null} */
    let recorded = null;
    /** @type {any} */
    let source = null;
    let top = 1;

    const above = createPlot(pictures, {
      theme,
      className: "vw-annealing-beta",
      label: "beta over training",
      margins: MARGINS,
      paint: (pen) => drawBeta(pen),
    });
    const below = createPlot(pictures, {
      theme,
      className: "vw-annealing-loss",
      label: "the loss over training",
      margins: MARGINS,
      paint: (pen) => drawLoss(pen),
    });
    const rise = () => {
      const { kind, steps, cycles, ratio } = settings();
      return kind === "linear" ? ratio * steps : (ratio * steps) / cycles;
    };
    const whole = () =>
      settings().kind === "linear" ? settings().steps : settings().steps / settings().cycles;
    const free = () => above.update(ranges());
    const handles = {
      start: above.addHandle({
        name: "start",
        label: "start: beta at step 0",
        onMove: (_, beta) => setBeta("start", beta),
        onKey: (_, dy) => setBeta("start", settings().start + dy * 0.05),
        onRelease: free,
      }),
      end: above.addHandle({
        name: "end",
        label: "end: beta reached, and the share of steps in which it rises",
        onMove(step, beta) {
          setBeta("end", beta);
          if (settings().kind !== "constant") view.set("ratio", share(step / whole()));
        },
        onKey(dx, dy) {
          if (dy) setBeta("end", settings().end + dy * 0.05);
          if (dx && settings().kind !== "constant") view.set("ratio", share(settings().ratio + dx * 0.01));
        },
        onRelease: free,
      }),
      cycle: above.addHandle({
        name: "cycle",
        label: "end of the first cycle",
        onMove: (step) =>
          view.set("cycles", clamp(Math.round(settings().steps / Math.max(step, 1)), 1, MOST_CYCLES)),
        onKey: (dx) => view.set("cycles", clamp(settings().cycles - Math.sign(dx), 1, MOST_CYCLES)),
        onRelease: free,
      }),
      at: below.addHandle({
        name: "at",
        label: "step that is read",
        onMove: (step) => view.set("at", Math.round(clamp(step, 0, settings().steps))),
        onKey: (dx) =>
          view.set("at", Math.round(clamp(at() + (dx * settings().steps) / 100, 0, settings().steps))),
      }),
    };

    const which = createSegments(side, {
      name: "kind",
      label: "schedule",
      choices: [
        { value: "constant", text: "constant" },
        { value: "linear", text: "warm-up" },
        { value: "cyclical", text: "cyclical" },
      ],
      onChange: (value) => view.set("kind", value),
    });
    const knobs = h("div", "vw-concept-knobs vw-wide-labels");
    side.append(knobs);
    /** @param {string} name @param {string} label @param {string} title @param {[number, number]} range @param {any} scale @param {string} [unit] */
    const slider = (name, label, title, [min, max], scale, unit = "") =>
      createSlider(knobs, {
        name,
        label,
        title,
        min,
        max,
        scale,
        unit,
        onChange: (value) => view.set(name, value),
      });
    const sliders = {
      start: slider(
        "start",
        "start",
        "beta at the first step",
        [0, MOST_BETA],
        linearSlider({ min: 0, max: 4, step: 0.05 }),
      ),
      end: slider(
        "end",
        "end",
        "beta that is reached",
        [0, MOST_BETA],
        linearSlider({ min: 0, max: 4, step: 0.05 }),
      ),
      steps: slider(
        "steps",
        "training",
        "length of the training",
        [1, MOST_STEPS],
        wholeLog(10, 100_000),
        "steps",
      ),
      cycles: slider(
        "cycles",
        "cycles",
        "how often it starts again",
        [1, MOST_CYCLES],
        linearSlider({ min: 1, max: MOST_CYCLES, step: 1 }),
      ),
      ratio: slider(
        "ratio",
        "rise",
        "share of the training, or of a cycle, in which beta rises",
        [0.001, 1],
        linearSlider({ min: 0.01, max: 1, step: 0.01 }),
        "of it",
      ),
    };
    knobs.append(h("p", "vw-knobs-title", { text: "held, to see what beta does" }));
    const held = {
      recon: slider(
        "recon",
        "recon",
        "reconstruction cost",
        [0, 1e6],
        logSlider({ min: 0.01, max: 1000, zero: true }),
      ),
      kl: slider("kl", "KL", "KL", [0, 1e6], logSlider({ min: 0.01, max: 1000, zero: true }), "nats"),
    };
    const reading = h("p", "vw-annealing-reading", { role: "status" });
    const code = h("code", "vw-code");
    const said = h("span", "vw-note", { role: "status" });
    const copy = createPress(h("span"), {
      name: "copy",
      text: "copy",
      title: "copy the line of Python",
      onPress: async () => {
        try {
          await navigator.clipboard.writeText(code.textContent ?? "");
          setText(said, "copied");
        } catch {
          // A browser may forbid it: the text is then ready to be copied by hand.
          getSelection()?.selectAllChildren(code);
          setText(said, "selected: copy it with the keyboard");
        }
      },
    });
    side.append(reading, h("div", "vw-code-line", {}, [code, copy.button, said]));

    function ranges() {
      const { start, end, steps, kind } = settings();
      if (!above.dragging) {
        const most = recorded ? Math.max(...recorded.beta) : 0;
        top = roundUp(Math.max(end, kind === "constant" ? 0 : start, most, 0.1) * 1.15, [1, 1.5, 2, 3, 5, 7]);
      }
      return {
        x: /** @type {[number, number]} */ ([0, steps]),
        y: /** @type {[number, number]} */ ([0, top]),
      };
    }

    /** @param {Pen} pen */
    function drawBeta(pen) {
      const { size, box } = pen;
      const { x, y } = ranges();
      const color = theme.color("beta");
      drawScaleY(pen, y, { label: "β, the weight of the KL", count: 4 });
      drawScaleX(pen, x, { label: "step" });
      const { end, steps, kind } = settings();
      if (kind !== "constant") {
        drawLine(pen, [box.left, pen.y(end), box.right, pen.y(end)], {
          color: theme.color("fg3"),
          dash: [2, 4],
        });
        if (pen.x(rise()) - box.left > size * 10)
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
      path(pen, cornersOf(schedule(), steps), { color, width: 3 });
      drawLine(pen, [pen.x(at()), box.top, pen.x(at()), box.bottom], { color: theme.color("fg3") });
      const now = betaAt(schedule(), at());
      const last = betaAt(schedule(), Math.max(steps - 1, 0));
      drawText(pen, "β", box.right + size * 0.6, pen.y(last), {
        color,
        align: "left",
        weight: "600",
        relative: 1.15,
      });
      marker(pen, pen.x(at()), pen.y(now), color);
    }

    /** @param {Pen} pen */
    function drawLoss(pen) {
      const { size, box } = pen;
      const { recon, kl } = costs();
      const { steps } = settings();
      const x = /** @type {[number, number]} */ ([0, steps]);
      const y = lossRange();
      drawScaleY(pen, y, { label: "cost, if recon and KL stayed as they are", count: 4 });
      drawScaleX(pen, x, { label: "step" });
      const corners = cornersOf(schedule(), steps);
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
      const last = betaAt(schedule(), Math.max(steps - 1, 0));
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
      const px = pen.x(at());
      drawLine(pen, [px, box.top, px, box.bottom], { color: theme.color("fg3") });
      const beta = betaAt(schedule(), at());
      marker(pen, px, pen.y(recon + beta * kl), theme.color("loss"));
      const meet = meeting();
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

    /** @returns {[number, number]} */
    function lossRange() {
      const { recon, kl } = costs();
      const { start, end, kind } = settings();
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

    /** The step of the first rise at which both terms weigh the same; null: they never do. */
    function meeting() {
      const { recon, kl } = costs();
      const { kind, start, end } = settings();
      const wanted = recon / kl;
      if (kind === "constant" || !(kl > 0) || (wanted - start) * (wanted - end) > 0 || start === end)
        return null;
      return ((wanted - start) / (end - start)) * rise();
    }

    return {
      update({ frame }) {
        const found = /** @type {Recorded | null} */ (/** @type {any} */ (frame).recorded ?? null);
        if (found !== source) {
          source = found;
          recorded = found && {
            name: found.name,
            step: toFloat32(found.step),
            beta: toFloat32(found.beta),
            klStep: toFloat32(found.kl_step),
            kl: toFloat32(found.kl),
          };
        }
        const now = settings();
        const { kind, start, end, steps, cycles, ratio } = now;
        which.update({ value: kind });
        for (const [key, hidden] of /** @type {const} */ ([
          ["start", kind === "constant"],
          ["end", false],
          ["steps", false],
          ["cycles", kind !== "cyclical"],
          ["ratio", kind === "constant"],
        ]))
          sliders[key].update({ value: now[key], editable: true, hold: false, hidden });
        const { recon, kl } = costs();
        held.recon.update({ value: recon, editable: true, hold: false });
        held.kl.update({ value: kl, editable: true, hold: false });
        above.update(ranges());
        below.update({ x: [0, steps], y: lossRange() });
        const bounds = { min: 0, max: MOST_BETA };
        handles.start.update({
          at: [0, start],
          now: start,
          ...bounds,
          text: `β ${formatTick(start)}`,
          hidden: kind === "constant",
        });
        const where = kind === "constant" ? steps / 2 : rise();
        handles.end.update({
          at: [where, end],
          now: end,
          ...bounds,
          text: `β ${formatTick(end)} at step ${formatCount(where)}`,
        });
        handles.cycle.update({
          at: [steps / cycles, start],
          now: cycles,
          min: 1,
          max: MOST_CYCLES,
          text: `${cycles} cycles of ${formatCount(steps / cycles)} steps`,
          hidden: kind !== "cyclical",
        });
        const beta = betaAt(schedule(), at());
        const loss = recon + beta * kl;
        const words = `step ${formatCount(at())}: β = ${formatFixed(beta, 2)}, loss = ${formatTick(recon)} + ${formatFixed(beta, 2)} · ${formatTick(kl)} = ${formatFixed(loss, 2)}`;
        handles.at.update({ at: [at(), 0], now: at(), min: 0, max: steps, text: words });
        setText(reading, words);
        setText(code, `beta=${codeOf(schedule())}`);
        setText(said, "");
        above.describe(
          `β from ${formatTick(betaAt(schedule(), 0))} over ${formatCount(steps)} steps, ${kind}, rises in ${formatTick(ratio)} of it`,
        );
        below.describe(words);
      },
      caption: () => "How much the KL weighs, step by step. Drag the points.",
      handle: {
        get schedule() {
          return schedule();
        },
        get code() {
          return codeOf(schedule());
        },
        beta: (/** @type {number} */ step) => betaAt(schedule(), step),
        get loss() {
          const { recon, kl } = costs();
          return recon + betaAt(schedule(), at()) * kl;
        },
      },
      destroy() {
        above.destroy();
        below.destroy();
        which.destroy();
        copy.destroy();
        for (const one of [...Object.values(sliders), ...Object.values(held)]) one.destroy();
      },
    };
  },
});

/** Whole numbers, two digits of them meant. @param {number} min @param {number} max */
function wholeLog(min, max) {
  const log = logSlider({ min, max, zero: false });
  return {
    value: (/** @type {number} */ position) => Math.round(log.value(position)),
    position: log.position,
  };
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

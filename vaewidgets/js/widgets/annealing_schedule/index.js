/**
 * AnnealingSchedule: beta over training, drawn by hand, and what the loss then weighs.
 *
 * View: kind, start, end, steps, cycles, ratio (see widgets/annealing_schedule/schedules.js); recon and kl, two costs that are held to see
 * what beta does to the loss; at, the step that is read.
 * Frame: recorded, of a run: its name, steps, beta and kl; or null.
 * Handle: see host/widget.js; schedule (as `Schedule.to_dict()`), code, beta(step), loss at the step that is read.
 *
 * @typedef {import("../../contract/types.js").Packed} Packed
 * @typedef {{name: string, step: Packed, beta: Packed, kl_step: Packed, kl: Packed}} Recorded
 */

import { toFloat32 } from "../../contract/bytes.js";
import { createPlotHandle } from "../../draw/handles.js";
import { createPlot } from "../../draw/plot.js";
import { clamp, linearSlider, logSlider, roundUp } from "../../draw/scales.js";
import { createPress, createSegments, createSlider } from "../../host/controls.js";
import { h, setText } from "../../host/dom.js";
import { defineWidget } from "../../host/widget.js";
import { formatCount, formatFixed, formatTick } from "../../maths/format.js";
import { wholeWithin } from "../../maths/whole.js";
import { betaAt } from "../../training/schedules.js";
import help from "./help.json" with { type: "json" };
import { drawBeta, drawLoss, lossRange, riseOf } from "./paint.js";
import { codeOf, scheduleOf } from "./schedules.js";

/** @typedef {import("./schedules.js").Settings} Settings */

const MOST_BETA = 10;
const MOST_STEPS = 1_000_000;
const MOST_CYCLES = 20;
const MARGINS = /** @type {[number, number, number, number]} */ ([2.4, 6, 3, 3.6]);
const three = (/** @type {number} */ value) => Number(value.toPrecision(3));
const share = (/** @type {number} */ value) => clamp(Number(value.toFixed(3)), 0.001, 1);

export default defineWidget({
  name: "annealing-schedule",
  label: "β annealing",
  help,
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
      steps: wholeWithin(view.get("steps"), 1, MOST_STEPS, 1000),
      cycles: wholeWithin(view.get("cycles"), 1, MOST_CYCLES, 4),
      ratio: view.get("ratio", 0.5),
    });
    const schedule = () => scheduleOf(settings());
    const costs = () => ({ recon: view.get("recon", 0.4), kl: view.get("kl", 1.2) });
    const at = () => Math.min(view.get("at", 0), settings().steps);
    const setBeta = (/** @type {"start"|"end"} */ key, /** @type {number} */ beta) =>
      view.set(key, clamp(three(Math.max(beta, 0)), 0, MOST_BETA));
    /** @type {import("./paint.js").Seen | null} */
    let recorded = null;
    /** @type {any} */
    let source = null;
    let top = 1;

    const above = createPlot(pictures, {
      theme,
      className: "vw-annealing-beta",
      label: "β over training",
      margins: MARGINS,
      paint: (pen) => drawBeta(pen, drawn()),
    });
    const below = createPlot(pictures, {
      theme,
      className: "vw-annealing-loss",
      label: "loss over training",
      margins: MARGINS,
      paint: (pen) => drawLoss(pen, drawn()),
    });
    const rise = () => riseOf(settings());
    /** @returns {import("./paint.js").Drawn} */
    const drawn = () => ({
      settings: settings(),
      schedule: schedule(),
      at: at(),
      recorded,
      ...costs(),
    });
    const whole = () =>
      settings().kind === "linear" ? settings().steps : settings().steps / settings().cycles;
    const free = () => above.update(ranges());
    const handles = {
      start: createPlotHandle(above, {
        name: "start",
        label: "start: β at step 0",
        onMove: (_, beta) => setBeta("start", beta),
        onKey: (_, dy) => setBeta("start", settings().start + dy * 0.05),
        onRelease: free,
      }),
      end: createPlotHandle(above, {
        name: "end",
        label: "end: final β, and the fraction of steps in which it rises",
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
      cycle: createPlotHandle(above, {
        name: "cycle",
        label: "end of the first cycle",
        onMove: (step) =>
          view.set("cycles", clamp(Math.round(settings().steps / Math.max(step, 1)), 1, MOST_CYCLES)),
        onKey: (dx) => view.set("cycles", clamp(settings().cycles - Math.sign(dx), 1, MOST_CYCLES)),
        onRelease: free,
      }),
      at: createPlotHandle(below, {
        name: "at",
        label: "step shown",
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
    /** @param {import("../../contract/types.js").ViewKey} name @param {string} label @param {string} title @param {[number, number]} range @param {any} scale @param {string} [unit] */
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
        "β at the first step",
        [0, MOST_BETA],
        linearSlider({ min: 0, max: 4, step: 0.05 }),
      ),
      end: slider("end", "end", "final β", [0, MOST_BETA], linearSlider({ min: 0, max: 4, step: 0.05 })),
      steps: slider(
        "steps",
        "training",
        "length of the training",
        [1, MOST_STEPS],
        logSlider({ min: 10, max: 100_000, whole: true }),
        "steps",
      ),
      cycles: slider(
        "cycles",
        "cycles",
        "number of cycles",
        [1, MOST_CYCLES],
        linearSlider({ min: 1, max: MOST_CYCLES, step: 1 }),
      ),
      ratio: slider(
        "ratio",
        "ramp fraction",
        "fraction of the training, or of a cycle, in which β rises",
        [0.001, 1],
        linearSlider({ min: 0.01, max: 1, step: 0.01 }),
      ),
    };
    knobs.append(h("p", "vw-knobs-title", { text: "held fixed to isolate β" }));
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
      title: "copy this line of Python",
      onPress: async () => {
        try {
          await navigator.clipboard.writeText(code.textContent ?? "");
          setText(said, "copied");
        } catch {
          // A browser may forbid it: the text is then ready to be copied by hand.
          getSelection()?.selectAllChildren(code);
          setText(said, "selected: press Ctrl+C to copy");
        }
      },
    });
    side.append(reading, h("div", "vw-code-line", {}, [code, copy.button, said]));

    function ranges() {
      const { start, end, steps, kind } = settings();
      if (!Object.values(handles).some(({ held }) => held)) {
        const most = recorded ? Math.max(...recorded.beta) : 0;
        top = roundUp(Math.max(end, kind === "constant" ? 0 : start, most, 0.1) * 1.15, [1, 1.5, 2, 3, 5, 7]);
      }
      return {
        x: /** @type {[number, number]} */ ([0, steps]),
        y: /** @type {[number, number]} */ ([0, top]),
      };
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
          sliders[key].update({ value: now[key], hidden });
        const { recon, kl } = costs();
        held.recon.update({ value: recon });
        held.kl.update({ value: kl });
        above.update(ranges());
        below.update({ x: [0, steps], y: lossRange(drawn()) });
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
      caption: () => "KL weight β at each step. Drag the points.",
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

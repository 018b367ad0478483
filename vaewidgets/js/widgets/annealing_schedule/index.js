/**
 * AnnealingSchedule: beta over training, drawn by hand, and what the loss then weighs; or beta as a target of a
 * term asks, and that term of an example.
 *
 * View: kind, start, end, steps, cycles, ratio, target_kl, target_recon (see schedules.js); recon and kl, two
 * costs that are held to see what beta does to the loss; at, the step that is read.
 * Frame: recorded, of a run: its name, and steps and values of beta, kl and recon; or null.
 * Handle: see host/widget.js; schedule (as `Schedule.to_dict()`), code, beta(step), loss at the step that is read,
 *   answer (of the example, where the schedule follows one).
 *
 * @typedef {import("../../contract/types.js").Packed} Packed
 * @typedef {{name: string, step: Packed, beta: Packed, kl_step: Packed, kl: Packed, recon_step: Packed,
 *   recon: Packed}} Recorded
 */

import { toFloat32 } from "../../contract/bytes.js";
import { createPlotHandle } from "../../draw/handles.js";
import { createPlot } from "../../draw/plot.js";
import { clamp, roundUp } from "../../draw/scales.js";
import { createPress, createSegments } from "../../host/controls.js";
import { h, setText } from "../../host/dom.js";
import { defineWidget } from "../../host/widget.js";
import { formatCount, formatFixed, formatTick } from "../../maths/format.js";
import { wholeWithin } from "../../maths/whole.js";
import help from "./help.json" with { type: "json" };
import { createKnobs, MOST_BETA, MOST_CYCLES, MOST_STEPS, TARGETS } from "./knobs.js";
import { drawBeta, drawLoss, lossRange, riseOf } from "./paint.js";
import { codeOf, heldTerm, lineOf, rises, scheduleOf, valueAt } from "./schedules.js";

/** @typedef {import("./schedules.js").Settings} Settings */

const MARGINS = /** @type {[number, number, number, number]} */ ([2.4, 6, 3, 3.6]);
const three = (/** @type {number} */ value) => Number(value.toPrecision(3));
const share = (/** @type {number} */ value) => clamp(Number(value.toFixed(3)), 0.001, 1);

/** @param {Packed} step @param {Packed} value */
const curveOf = (step, value) => ({ step: toFloat32(step), value: toFloat32(value) });

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
      target_kl: view.get("target_kl", 20),
      target_recon: view.get("target_recon", 90),
    });
    const schedule = () => scheduleOf(settings());
    let drawnOf = "";
    /** @type {import("./schedules.js").Line} */
    let known;
    /** An example takes thousands of steps: not again at each drawing. */
    function line() {
      const now = settings();
      const key = JSON.stringify(now);
      if (key !== drawnOf) {
        known = lineOf(now);
        drawnOf = key;
      }
      return known;
    }
    const isDrawn = () => !heldTerm(settings());
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
      line: line(),
      at: at(),
      recorded,
      ...costs(),
    });
    const whole = () =>
      settings().kind === "linear" ? settings().steps : settings().steps / settings().cycles;
    const free = () => above.update(ranges());
    function setTarget(/** @type {number} */ value) {
      const held = heldTerm(settings());
      if (held) view.set(held.key, clamp(three(value), ...TARGETS[held.key]));
    }
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
      target: createPlotHandle(below, {
        name: "target",
        label: "target",
        onMove: (_, value) => setTarget(value),
        onKey: (_, dy) => setTarget((heldTerm(settings())?.target ?? 0) + dy),
        onRelease: () => below.update(belowRanges()),
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
        { value: "target_kl", text: "target KL" },
        { value: "geco", text: "GECO" },
      ],
      onChange: (value) => view.set("kind", value),
    });
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
    side.append(reading, h("div", "vw-code-line vw-annealing-code", {}, [code, copy.button, said]));
    const knobs = createKnobs(side, (name, value) => view.set(name, value));

    function ranges() {
      const { start, end, steps, kind } = settings();
      if (!Object.values(handles).some(({ held }) => held)) {
        const most = recorded ? Math.max(...recorded.beta.value) : 0;
        const own = isDrawn()
          ? Math.max(end, kind === "constant" ? 0 : start)
          : Math.max(...line().corners.map(([, beta]) => beta));
        top = roundUp(Math.max(own, most, 0.1) * 1.15, [1, 1.5, 2, 3, 5, 7]);
      }
      return {
        x: /** @type {[number, number]} */ ([0, steps]),
        y: /** @type {[number, number]} */ ([0, top]),
      };
    }

    let costRange = /** @type {[number, number]} */ ([0, 1]);
    function belowRanges() {
      if (!handles.target.held) costRange = lossRange(drawn());
      return { x: /** @type {[number, number]} */ ([0, settings().steps]), y: costRange };
    }

    /** What the example has at the step that is read. @param {"kl" | "recon"} name */
    function answerOf(name) {
      const values = line().answer?.[name];
      return values ? valueAt(values, at()) : 0;
    }

    return {
      update({ frame }) {
        const found = /** @type {Recorded | null} */ (/** @type {any} */ (frame).recorded ?? null);
        if (found !== source) {
          source = found;
          recorded = found && {
            name: found.name,
            beta: curveOf(found.step, found.beta),
            kl: curveOf(found.kl_step, found.kl),
            recon: curveOf(found.recon_step, found.recon),
          };
        }
        const now = settings();
        const { kind, start, end, steps, cycles, ratio } = now;
        const held = heldTerm(now);
        which.update({ value: kind });
        knobs.update(now, costs());
        const { recon, kl } = costs();
        above.update(ranges());
        below.update(belowRanges());
        const bounds = { min: 0, max: MOST_BETA };
        handles.start.update({
          at: [0, start],
          now: start,
          ...bounds,
          text: `β ${formatTick(start)}`,
          hidden: !rises(now),
        });
        const where = kind === "constant" ? steps / 2 : rise();
        handles.end.update({
          at: [where, end],
          now: end,
          ...bounds,
          text: `β ${formatTick(end)} at step ${formatCount(where)}`,
          hidden: held !== null,
        });
        handles.cycle.update({
          at: [steps / cycles, start],
          now: cycles,
          min: 1,
          max: MOST_CYCLES,
          text: `${cycles} cycles of ${formatCount(steps / cycles)} steps`,
          hidden: kind !== "cyclical",
        });
        const target = held?.target ?? 0;
        handles.target.update({
          at: [steps * 0.8, target],
          now: target,
          min: TARGETS[held?.key ?? "target_kl"][0],
          max: TARGETS[held?.key ?? "target_kl"][1],
          text: `${held?.label ?? ""} ${formatTick(target)}`,
          hidden: held === null,
        });
        const beta = line().at(at());
        const loss = recon + beta * kl;
        const words = held
          ? `step ${formatCount(at())}: β = ${formatFixed(beta, 2)}, ${held.label} = ${formatFixed(answerOf(held.name), 1)} of ${formatTick(target)} wanted`
          : `step ${formatCount(at())}: β = ${formatFixed(beta, 2)}, loss = ${formatTick(recon)} + ${formatFixed(beta, 2)} · ${formatTick(kl)} = ${formatFixed(loss, 2)}`;
        handles.at.update({ at: [at(), 0], now: at(), min: 0, max: steps, text: words });
        setText(reading, words);
        setText(code, `beta=${codeOf(schedule())}`);
        setText(said, "");
        const way = held
          ? `follows the ${held.label} of an example`
          : `${kind}, rises in ${formatTick(ratio)} of it`;
        above.describe(`β from ${formatTick(line().at(0))} over ${formatCount(steps)} steps, ${way}`);
        below.describe(words);
      },
      caption: () =>
        isDrawn()
          ? "KL weight β at each step. Drag the points."
          : "An example. In training, β answers to your run.",
      handle: {
        get schedule() {
          return schedule();
        },
        get code() {
          return codeOf(schedule());
        },
        beta: (/** @type {number} */ step) => line().at(step),
        get loss() {
          const { recon, kl } = costs();
          return recon + line().at(at()) * kl;
        },
        get answer() {
          return line().answer;
        },
      },
      destroy() {
        above.destroy();
        below.destroy();
        which.destroy();
        copy.destroy();
        knobs.destroy();
      },
    };
  },
});

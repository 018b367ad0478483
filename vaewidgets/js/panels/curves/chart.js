/**
 * Loss curves over training: a line with its min–max band for the training set, a dashed line with points for the
 * test set, names at the line ends. Losses and the KL get a panel each, since their sizes differ; of several runs
 * each quantity gets one, or only the one that is chosen.
 *
 * @typedef {{name: string, split: "train"|"test", step: ArrayLike<number>, mean: Float32Array,
 *   low: Float32Array|null, high: Float32Array|null, run?: number, runs?: number, label?: string, raw?: boolean,
 *   ghost?: boolean, front?: number|null}} Curve
 *   run: which of so many `runs`, named `label`; raw: shown through its smoothed self; ghost: of a run before;
 *   front: the run that stands out, if any
 * @typedef {{curves: Curve[], stepsPerEpoch: number|null, unit: string, log?: boolean, smoothing?: number,
 *   quantity?: string|null, expected?: string[]}} CurvesState
 *   smoothing: memory in steps, 0 for none; quantity: show this one only; expected: names whose place is kept until
 *   they come
 * @typedef {import("../../host/theme.js").Theme} Theme
 * @typedef {import("../../host/theme.js").ColorName} ColorName
 */

import { createChoice, createSlider } from "../../host/controls.js";
import { h, setAttributes, setText, show } from "../../host/dom.js";
import { createPainter } from "../../host/painter.js";
import { formatCount, formatLoss, perImage } from "../../maths/format.js";
import { thin } from "../../maths/statistics.js";
import { createPanel } from "./panel.js";
import { lineName, MOST_RUNS_TOGETHER, smooth } from "./runs.js";

/** Which names share a panel. @type {{names: string[], title: (unit: string) => string}[]} */
const PANELS = [
  { names: ["loss", "recon"], title: (unit) => `loss and recon, ${perImage(unit)}` },
  { names: ["loss"], title: (unit) => `loss, ${perImage(unit)}` },
  { names: ["recon"], title: (unit) => `recon, ${perImage(unit)}` },
  { names: ["kl"], title: () => "KL, nats per image" },
  { names: ["beta"], title: () => "β, the weight of the KL" },
];
const QUANTITIES = ["loss", "recon", "kl"];
/** Least width of a panel, in units of the type size. */
const LEAST_WIDTH_EM = 23;
/** Of a panel's width, what its numbers and names take. */
const LABELS_EM = 10;
/** A line with a point every other pixel is a thicket; its range says the same as a band. */
const PIXELS_A_POINT = 2.5;
const LEAST_POINTS = 32;

/** Curves that say something: a beta that never changes does not. @param {Curve[]} curves */
function worthShowing(curves) {
  return curves.filter(
    ({ name, mean }) => mean.length > 0 && (name !== "beta" || mean.some((value) => value !== mean[0])),
  );
}

/** How many runs there are to tell apart. @param {Pick<Curve, "runs">[]} curves */
const countRuns = (curves) => Math.max(1, ...curves.map(({ runs = 1 }) => runs));

/**
 * The quantity to show alone; null for all of them together.
 * @param {Curve[]} curves
 * @param {string | null | undefined} chosen
 */
export function quantityShown(curves, chosen) {
  if (chosen && QUANTITIES.includes(chosen)) return chosen;
  return countRuns(curves) > MOST_RUNS_TOGETHER ? "loss" : null;
}

/** The panels of a picture, by the names that they hold. @param {Pick<Curve, "name"|"runs">[]} curves @param {string | null} quantity */
export function panelsOf(curves, quantity) {
  const single = countRuns(curves) === 1;
  const wanted = quantity
    ? [quantity, "beta"]
    : single
      ? ["loss,recon", "kl", "beta"]
      : ["loss", "recon", "kl", "beta"];
  return PANELS.map(({ names }) => {
    const key = names.join(",");
    return wanted.includes(key) && curves.some((curve) => names.includes(curve.name));
  });
}

/**
 * The values in force at a step: of each curve the last one at or before it.
 * @param {Curve[]} curves
 * @param {number} step
 */
export function valuesAt(curves, step) {
  return curves.flatMap((curve) => {
    let lo = -1;
    for (let hi = curve.step.length; hi - lo > 1; ) {
      const middle = (lo + hi) >> 1;
      if (curve.step[middle] <= step) lo = middle;
      else hi = middle;
    }
    return lo < 0 ? [] : [{ curve, name: curve.name, split: curve.split, value: curve.mean[lo] }];
  });
}

/**
 * "epoch 3.20 (step 1,500): loss 147.1, recon 141.0, kl 6.1; test loss 148.2", or of several runs
 * "…: loss β = 1: 147.1, β = 4: 160.2; test …".
 * @param {CurvesState} state
 * @param {number} step
 */
export function readout({ curves, stepsPerEpoch }, step) {
  const shown = worthShowing(curves).filter(({ raw, ghost }) => !raw && !ghost);
  const at = stepsPerEpoch
    ? `epoch ${(step / stepsPerEpoch).toFixed(2)} (step ${formatCount(step)})`
    : `step ${formatCount(step)}`;
  const words = (/** @type {string} */ split) =>
    valuesAt(shown, step)
      .filter((entry) => entry.split === split)
      .map(({ curve, name, value }, i, all) => {
        const quantity = name === "beta" ? "β" : name;
        // Of several runs the quantity is said once, before the first of them.
        const first = curve.label && all[i - 1]?.name !== name ? `${quantity} ` : "";
        return `${first}${lineName(curve)} ${formatLoss(value)}`;
      })
      .join(", ");
  const train = words("train");
  const test = words("test");
  return `${at}: ${train}${test ? `; test ${test}` : ""}`;
}

/**
 * @param {HTMLElement} el
 * @param {{theme: Theme, onTurn: (key: "log"|"smoothing"|"quantity", value: any) => void}} opts
 *   onTurn: the reader turned one of the controls; what is to be shown comes back by `update`
 */
export function createCurves(el, { theme, onTurn }) {
  const testKey = h("span", "vw-key", {}, [h("span", "vw-key-test"), "test"]);
  const trainKey = h("span", "vw-key", {}, [h("span", "vw-key-train"), "train (band: range)"]);
  const keys = h("div", "vw-curves-key", { "aria-hidden": "true" }, [trainKey, testKey]);
  const value = h("p", "vw-note vw-readout", { hidden: true });
  const holder = h("div", "vw-panels");
  const knobs = h("div", "vw-curves-knobs");
  const foot = h("div", "vw-curves-foot", {}, [value, keys, knobs]);
  const wrap = h("div", "vw-curves", {}, [holder, foot]);
  el.append(wrap);
  const quantity = createChoice(knobs, {
    name: "quantity",
    label: "show",
    choices: [{ text: "all", value: null }, ...QUANTITIES.map((text, i) => ({ text, value: i }))],
    onChange: (i) => onTurn("quantity", i === null ? null : QUANTITIES[i]),
  });
  const smoothing = createSlider(knobs, {
    name: "smoothing",
    label: "smoothing (steps)",
    title: "exponential moving average; 0 = off",
    min: 1,
    max: 10_000,
    zero: true,
    onChange: (steps) => onTurn("smoothing", steps),
  });
  const toggle = h("button", "vw-toggle vw-log", { type: "button", "aria-pressed": false, text: "log" });
  toggle.title = "logarithmic axes";
  knobs.append(toggle);

  /** @type {CurvesState | null} */
  let state = null;
  /** What the panels show of it. @type {Curve[]} */
  let drawn = [];
  /** @type {number | null} */
  let pointed = null;
  /** The names in the panel that is pointed at. @type {string[]} */
  let pointedNames = [];
  const panels = PANELS.map((panel) => {
    const view = createPanel(holder, {
      theme,
      /** @param {number | null} step */
      onCursor(step) {
        pointed = step;
        pointedNames = panel.names;
        for (const other of panels) if (other.view !== view) other.view.setCursor(step);
        say();
      },
    });
    return { ...panel, view };
  });

  function say() {
    // At rest the line ends say the newest values; the line of text is for the cursor.
    show(value, pointed !== null);
    show(keys, pointed === null);
    if (!state || pointed === null) return;
    const said = countRuns(drawn) > 1 ? drawn.filter(({ name }) => pointedNames.includes(name)) : drawn;
    setText(value, readout({ ...state, curves: said }, pointed));
  }

  /** Smoothed and thinned to what the panels have room for. @param {Curve} curve @param {number} room @returns {Curve[]} */
  function prepared(curve, room) {
    if (curve.split !== "train" || curve.name === "beta") return [curve];
    const memory = state?.smoothing ?? 0;
    if (!(memory > 0)) return [thin(curve, room)];
    const smoothed = { ...curve, mean: smooth(curve.step, curve.mean, memory), low: null, high: null };
    // The raw curve stays, faint: smoothing must not hide what was smoothed.
    return [thin({ ...curve, raw: true }, room), { ...thin(smoothed, room), low: null, high: null }];
  }

  function draw() {
    if (!state) return;
    const all = worthShowing(state.curves);
    const only = quantityShown(all, state.quantity);
    const used = panelsOf(all.length ? all : (state.expected ?? []).map((name) => ({ name })), only);
    const shown = all.filter(({ name }) => panels.some(({ names }, i) => used[i] && names.includes(name)));
    const width = holder.clientWidth;
    if (!width) return;
    const count = used.filter(Boolean).length;
    const several = countRuns(all) > 1;
    const least = LEAST_WIDTH_EM * theme.fontSize();
    const columns = Math.max(Math.min(count, Math.floor(width / least)), 1);
    holder.style.setProperty("--vw-panel-columns", String(columns));
    holder.classList.toggle("is-odd", columns === 2 && count % 2 === 1);
    holder.style.setProperty("--vw-panel-rows", String(Math.ceil(count / columns)));
    const room = Math.max((width / columns - LABELS_EM * theme.fontSize()) / PIXELS_A_POINT, LEAST_POINTS);
    drawn = shown.flatMap((curve) => prepared(curve, room));
    for (const [i, { names, title, view }] of panels.entries()) {
      view.update({
        curves: used[i] ? drawn.filter((curve) => names.includes(curve.name)) : [],
        hidden: !used[i],
        title: title(state.unit),
        stepsPerEpoch: state.stepsPerEpoch,
        log: state.log ?? false,
      });
    }
    show(trainKey, !several);
    show(
      testKey,
      shown.some((curve) => curve.split === "test"),
    );
    testKey.classList.toggle("vw-key-dots", several);
    setAttributes(toggle, { "aria-pressed": state.log ?? false });
    smoothing.update({ value: state.smoothing ?? 0 });
    const index = QUANTITIES.indexOf(only ?? "");
    quantity.update({ value: index < 0 ? null : index, hidden: !several });
    say();
  }

  const painter = createPainter(wrap, draw);
  const observer = new ResizeObserver(() => painter.request());
  observer.observe(holder);
  const unfollow = theme.onChange(() => painter.request());
  toggle.addEventListener("click", (event) => {
    event.preventDefault();
    onTurn("log", toggle.getAttribute("aria-pressed") !== "true");
  });

  return {
    /** @param {CurvesState} next */
    update(next) {
      state = next;
      painter.request();
    },
    /** What the panels draw, for tests. */
    drawn: () => drawn,
    /** What is read at the cursor; empty where there is none. */
    readout: () => (pointed === null ? "" : (value.textContent ?? "")),
    destroy() {
      quantity.destroy();
      smoothing.destroy();
      unfollow();
      observer.disconnect();
      painter.destroy();
      for (const { view } of panels) view.destroy();
      wrap.remove();
    },
  };
}

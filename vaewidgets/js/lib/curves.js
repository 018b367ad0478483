/**
 * Loss curves over training: a line with its min–max band for the training set, a dashed line with points for the
 * test set, names at the line ends. Losses and the KL get a panel each, since their sizes differ.
 *
 * @typedef {{name: string, split: "train"|"test", step: ArrayLike<number>, mean: Float32Array,
 *   low: Float32Array|null, high: Float32Array|null}} Curve
 * @typedef {{curves: Curve[], stepsPerEpoch: number|null, unit: string}} CurvesState
 * @typedef {import("./theme.js").Theme} Theme
 * @typedef {import("./theme.js").ColorName} ColorName
 */
import { formatCount, formatLoss } from "./axes.js";
import { createPanel } from "./curves_panel.js";
import { h, setText, show } from "./dom.js";
import { createPainter } from "./painter.js";
import { thin } from "./stats.js";

/** Which names share a panel. @type {{names: string[], title: (unit: string) => string}[]} */
const PANELS = [
  { names: ["loss", "recon"], title: (unit) => `loss and recon, ${unit} per image` },
  { names: ["kl"], title: () => "KL, nats per image" },
  { names: ["beta"], title: () => "β, the weight of the KL" },
];
/** Least width of a panel, in units of the type size. */
const LEAST_WIDTH_EM = 18.5;
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
    return lo < 0 ? [] : [{ name: curve.name, split: curve.split, value: curve.mean[lo] }];
  });
}

/**
 * "epoch 3.20 (step 1,500): loss 147.1, recon 141.0, kl 6.1; test loss 148.2"
 * @param {CurvesState} state
 * @param {number} step
 */
export function readout({ curves, stepsPerEpoch }, step) {
  const shown = worthShowing(curves);
  const at = stepsPerEpoch
    ? `epoch ${(step / stepsPerEpoch).toFixed(2)} (step ${formatCount(step)})`
    : `step ${formatCount(step)}`;
  const words = (/** @type {string} */ split) =>
    valuesAt(shown, step)
      .filter((entry) => entry.split === split)
      .map(({ name, value }) => `${name === "beta" ? "β" : name} ${formatLoss(value)}`)
      .join(", ");
  const train = words("train");
  const test = words("test");
  return `${at}: ${train}${test ? `; test ${test}` : ""}`;
}

/**
 * @param {HTMLElement} el
 * @param {{theme: Theme, log?: boolean}} opts
 */
export function createCurves(el, { theme, log = false }) {
  const testKey = h("span", "vw-key", {}, [h("span", "vw-key-test"), "test"]);
  const keys = h("div", "vw-curves-key", { "aria-hidden": "true" }, [
    h("span", "vw-key", {}, [h("span", "vw-key-train"), "train, with its range"]),
    testKey,
  ]);
  const toggle = h("button", "vw-toggle vw-log", { type: "button", "aria-pressed": log, text: "log" });
  toggle.title = "logarithmic axes";
  const value = h("p", "vw-note vw-readout", { hidden: true });
  const holder = h("div", "vw-panels");
  const wrap = h("div", "vw-curves", {}, [holder, h("div", "vw-curves-foot", {}, [value, keys, toggle])]);
  el.append(wrap);

  /** @type {CurvesState | null} */
  let state = null;
  /** What the panels show of it. @type {Curve[]} */
  let drawn = [];
  /** @type {number | null} */
  let pointed = null;
  const panels = PANELS.map((panel) => {
    const view = createPanel(holder, {
      theme,
      log,
      /** @param {number | null} step */
      onCursor(step) {
        pointed = step;
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
    if (state && pointed !== null) setText(value, readout({ ...state, curves: drawn }, pointed));
  }

  function draw() {
    if (!state) return;
    const shown = worthShowing(state.curves);
    const width = holder.clientWidth;
    if (!width) return;
    const used = panels.filter(({ names }) => shown.some((curve) => names.includes(curve.name)));
    const columns = Math.max(
      Math.min(used.length, Math.floor(width / (LEAST_WIDTH_EM * theme.fontSize()))),
      1,
    );
    holder.style.setProperty("--vw-panel-columns", String(columns));
    holder.style.setProperty("--vw-panel-rows", String(Math.ceil(used.length / columns)));
    const room = Math.max((width / columns - LABELS_EM * theme.fontSize()) / PIXELS_A_POINT, LEAST_POINTS);
    drawn = shown.map((curve) =>
      curve.split === "train" && curve.name !== "beta" ? thin(curve, room) : curve,
    );
    for (const { names, title, view } of panels) {
      const own = drawn.filter((curve) => names.includes(curve.name));
      view.update({
        curves: own,
        title: title(state.unit),
        stepsPerEpoch: state.stepsPerEpoch,
      });
    }
    show(
      testKey,
      shown.some((curve) => curve.split === "test"),
    );
    say();
  }

  const painter = createPainter(wrap, draw);
  const observer = new ResizeObserver(() => painter.request());
  observer.observe(holder);
  const unfollow = theme.onChange(() => painter.request());
  /** @param {Event} event */
  const onToggle = (event) => {
    event.preventDefault();
    const on = toggle.getAttribute("aria-pressed") !== "true";
    toggle.setAttribute("aria-pressed", String(on));
    for (const { view } of panels) view.setLog(on);
    painter.request();
  };
  toggle.addEventListener("click", onToggle);

  return {
    /** @param {CurvesState} next */
    update(next) {
      state = next;
      painter.request();
    },
    destroy() {
      toggle.removeEventListener("click", onToggle);
      unfollow();
      observer.disconnect();
      painter.destroy();
      for (const { view } of panels) view.destroy();
      wrap.remove();
    },
  };
}

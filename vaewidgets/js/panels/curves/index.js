/**
 * The curves of a frame, of one run or of several, and the view's keys that they obey: log, smoothing, quantity, at.
 *
 * @typedef {import("../../contract/types.js").Frame} Frame
 * @typedef {import("../../contract/types.js").Part} Part
 * @typedef {import("./chart.js").Curve} Curve
 * @typedef {import("../../host/widget.js").Context} Context
 */
import { toFloat32, unpack } from "../../contract/bytes.js";
import { createCurves } from "./chart.js";

/** Each run's part of a frame, the first run's first. @param {Frame} frame @returns {Part[]} */
export const partsOf = (frame) => [frame, ...(frame.others ?? [])];

/** What names a run among several. @param {Part} part */
export const labelOf = ({ run, setting }) => setting?.label ?? run.name;

/** @param {{curves?: Part["curves"]}} part @returns {Curve[]} */
function curvesOf({ curves }) {
  return (curves?.series ?? []).map((series) => ({
    name: series.name,
    split: series.split,
    step: unpack(series.step),
    mean: toFloat32(series.mean),
    low: series.low ? toFloat32(series.low) : null,
    high: series.high ? toFloat32(series.high) : null,
  }));
}

/**
 * @param {Frame} frame
 * @param {number | null} [front] the run that stands out
 * @returns {import("./chart.js").CurvesState}
 */
export function curvesState(frame, front = null) {
  const parts = partsOf(frame);
  const several = parts.length > 1;
  const curves = parts.flatMap((part, run) =>
    curvesOf(part).map((curve) =>
      several ? { ...curve, run, runs: parts.length, label: labelOf(part), front } : curve,
    ),
  );
  const perEpoch = frame.run.steps_per_epoch;
  // Epochs of different lengths have no common axis but the step.
  const alike = parts.every(({ run }) => run.steps_per_epoch === perEpoch);
  // A loss in another unit has no place on this axis; a KL always is in nats.
  const comparable = frame.ghost?.run.unit === frame.run.unit ? ["loss", "recon", "kl"] : ["kl"];
  const ghost = frame.ghost
    ? curvesOf(frame.ghost)
        .filter(({ name, split }) => split === "train" && comparable.includes(name))
        .map((curve) => ({ ...curve, low: null, high: null, ghost: true }))
    : [];
  // A KL comes where units are measured, or beta weighs one.
  const weighs = frame.units || frame.run.beta_controllable;
  const expected = frame.run.can_train && !several ? ["loss", "recon", ...(weighs ? ["kl"] : [])] : [];
  return {
    unit: frame.run.unit,
    stepsPerEpoch: alike ? perEpoch : null,
    curves: [...ghost, ...curves],
    expected,
  };
}

/**
 * @param {HTMLElement} el
 * @param {Context} context
 */
export function createCurvesView(el, { shell, view }) {
  const curves = createCurves(el, { theme: shell.theme, onTurn: (key, value) => view.set(key, value) });
  /** @type {any[]} */
  let drawnFrom = [];
  return {
    /** @param {Frame} frame @param {number | null} [front] */
    update(frame, front = null) {
      const turned = view.values("log", "smoothing", "quantity");
      const from = [frame.seq, frame.run.id, frame.ghost, front, ...turned];
      // Whatever is pointed at anywhere asks for a new picture; the curves stay the same.
      if (from.length === drawnFrom.length && from.every((value, i) => value === drawnFrom[i])) return;
      drawnFrom = from;
      curves.update({
        ...curvesState(frame, front),
        log: view.get("log", false),
        smoothing: view.get("smoothing", 0),
        quantity: view.get("quantity"),
      });
    },
    handle: {
      /** What the panels draw: name, split, run, its points. */
      curves: () => curves.drawn(),
      /** What is read at the cursor. */
      readout: () => curves.readout(),
    },
    destroy: () => curves.destroy(),
  };
}

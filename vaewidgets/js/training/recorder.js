/**
 * What a run has measured, step by step and epoch by epoch, as engine/recorder.py keeps it. No DOM.
 *
 * @typedef {{step: Float64Array, mean: Float64Array, low: Float64Array, high: Float64Array}} Curve
 * @typedef {{names: string[], steps: Int32Array, columns: Record<string, Float64Array>,
 *   epochs: [number, Record<string, number>][]}} Recorded all of it, to be kept
 */
import { toFloat32, toInt32 } from "../contract/bytes.js";
import { createBuckets } from "./history.js";

/** Of float32 numbers: 0.1 is 0.1 again. */
const DIGITS = 7;

export class Recorder {
  /** @param {string[]} names of what is recorded by step */
  constructor(names) {
    this.names = names;
    this.length = 0;
    this.steps = new Int32Array(1024);
    /** @type {Record<string, Float64Array>} */
    this.columns = Object.fromEntries(names.map((name) => [name, new Float64Array(1024)]));
    /** @type {[number, Record<string, number>][]} updates made, and values */
    this.epochs = [];
    /** @type {Map<string, {buckets: ReturnType<typeof createBuckets>, read: number}>} read: rows looked at */
    this.curves = new Map();
  }

  /** Record the values of one step, in the order of `names`. @param {number} step @param {number[]} values */
  append(step, values) {
    if (this.length === this.steps.length) this.grow(2 * this.length);
    this.steps[this.length] = step;
    this.names.forEach((name, i) => {
      this.columns[name][this.length] = values[i];
    });
    this.length++;
  }

  /** @param {number} step updates made when the epoch ended @param {Record<string, number>} values */
  appendEpoch(step, values) {
    this.epochs.push([step, values]);
  }

  /** @param {number} capacity */
  grow(capacity) {
    const larger = (/** @type {any} */ old) => {
      const array = new old.constructor(capacity);
      array.set(old.subarray(0, this.length));
      return array;
    };
    this.steps = larger(this.steps);
    for (const name of this.names) this.columns[name] = larger(this.columns[name]);
  }

  /** Values of one name by step, at most so many points. @param {string} name @param {number} [most] @returns {Curve} */
  curve(name, most = 1000) {
    const key = `${name} ${most}`;
    const kept = this.curves.get(key) ?? { buckets: createBuckets(most), read: 0 };
    this.curves.set(key, kept);
    const column = this.columns[name];
    for (; column && kept.read < this.length; kept.read++)
      kept.buckets.add(this.steps[kept.read], column[kept.read]);
    return kept.buckets.curve();
  }

  /** Values of one name by epoch, such as "test_loss". @param {string} name @returns {{step: number[], value: number[]}} */
  byEpoch(name) {
    const rows = this.epochs.filter(([, values]) => Number.isFinite(values[name]));
    return { step: rows.map(([step]) => step), value: rows.map(([, values]) => values[name]) };
  }

  /** The newest value by step, or null. @param {string} name */
  last(name) {
    return this.length && this.columns[name] ? this.columns[name][this.length - 1] : null;
  }

  /** @returns {Recorded} copies */
  save() {
    const columns = Object.entries(this.columns).map(([name, all]) => [name, all.slice(0, this.length)]);
    return {
      names: [...this.names],
      steps: this.steps.slice(0, this.length),
      columns: Object.fromEntries(columns),
      epochs: this.epochs.map(([step, values]) => [step, { ...values }]),
    };
  }

  /**
   * What Python recorded, under the names that the page records.
   * @param {import("../contract/types.js").TrainingHistory} history @param {string[]} names
   */
  static sent({ steps, columns, epochs }, names) {
    const column = (/** @type {string} */ name) =>
      columns[name]
        ? Float64Array.from(toFloat32(columns[name]), (x) => Number(x.toPrecision(DIGITS)))
        : new Float64Array(steps.shape[0]).fill(Number.NaN);
    return Recorder.from({
      names,
      steps: toInt32(steps),
      columns: Object.fromEntries(names.map((name) => [name, column(name)])),
      epochs: /** @type {any} */ (epochs),
    });
  }

  /** @param {Recorded} saved */
  static from({ names, steps, columns, epochs }) {
    const recorder = new Recorder(names);
    recorder.grow(Math.max(1024, steps.length));
    recorder.length = steps.length;
    recorder.steps.set(steps);
    for (const name of names) recorder.columns[name].set(columns[name]);
    recorder.epochs = epochs.map(([step, values]) => [step, { ...values }]);
    return recorder;
  }
}

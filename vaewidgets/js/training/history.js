/**
 * What a run of the page has measured: min–max buckets by step (as engine/curves.py), values by epoch. No DOM.
 *
 * @typedef {import("../contract/types.js").Curves} Curves
 * @typedef {import("../contract/types.js").Newest} Newest
 * @typedef {Record<string, number>} Terms  loss, recon, kl, and beta
 */
import { packFloats } from "../contract/packing.js";

const TERMS = /** @type {const} */ (["loss", "recon", "kl"]);
const CURVE_POINTS = 1000;

/**
 * A curve of at most so many points: when all buckets are full, neighbors merge and the width doubles.
 * @param {number} most
 */
export function createBuckets(most) {
  const capacity = Math.max(2, most - (most % 2));
  let width = 1;
  let n = 0;
  const [steps, sums, low, high] = Array.from({ length: 4 }, () => new Float64Array(capacity));

  function halve() {
    for (let i = 0; i < capacity / 2; i++) {
      steps[i] = steps[2 * i] + steps[2 * i + 1];
      sums[i] = sums[2 * i] + sums[2 * i + 1];
      low[i] = Math.min(low[2 * i], low[2 * i + 1]);
      high[i] = Math.max(high[2 * i], high[2 * i + 1]);
    }
    width *= 2;
  }

  return {
    /** @param {number} step @param {number} value left out where it is not finite */
    add(step, value) {
      if (!Number.isFinite(value)) return;
      if (n === capacity * width) halve();
      const at = Math.floor(n / width);
      const isNew = n % width === 0;
      steps[at] = (isNew ? 0 : steps[at]) + step;
      sums[at] = (isNew ? 0 : sums[at]) + value;
      low[at] = isNew ? value : Math.min(low[at], value);
      high[at] = isNew ? value : Math.max(high[at], value);
      n++;
    },
    curve() {
      const count = Math.ceil(n / width);
      const held = (/** @type {number} */ i) => (i < count - 1 ? width : n - (count - 1) * width);
      return {
        step: steps.slice(0, count).map((sum, i) => sum / held(i)),
        mean: sums.slice(0, count).map((sum, i) => sum / held(i)),
        low: low.slice(0, count),
        high: high.slice(0, count),
      };
    },
    state: () => ({
      width,
      n,
      rows: [steps, sums, low, high].map((row) => row.slice(0, Math.ceil(n / width))),
    }),
    /** @param {{width: number, n: number, rows: Float64Array[]}} kept what `state` gave */
    restore(kept) {
      ({ width, n } = kept);
      [steps, sums, low, high].forEach((row, i) => {
        row.set(kept.rows[i]);
      });
    },
  };
}

export function createHistory() {
  const buckets = new Map([...TERMS, "beta"].map((name) => [name, createBuckets(CURVE_POINTS)]));
  /** @type {{step: number, values: Terms}[]} of the test set, by epoch */
  let tests = [];
  /** @type {Terms} */
  let last = {};

  /** @param {string} name */
  const heldOut = (name) => tests.filter(({ values }) => Number.isFinite(values[name]));

  return {
    /** @param {number} step from 0 @param {Terms} values */
    add(step, values) {
      for (const [name, row] of buckets) if (name in values) row.add(step, Math.fround(values[name]));
      last = values;
    },
    /** @param {number} step updates made @param {Terms} values */
    addTest(step, values) {
      tests = [...tests.filter((row) => row.step !== step), { step, values }];
    },
    /** The section `curves`. @returns {Curves} */
    curves() {
      /** @type {Curves["series"]} */
      const series = [];
      for (const [name, row] of buckets) {
        const { step, mean, low, high } = row.curve();
        if (step.length === 0) continue;
        const band = name !== "beta";
        series.push({
          name,
          split: "train",
          step: packFloats(step),
          mean: packFloats(mean),
          low: band ? packFloats(low) : null,
          high: band ? packFloats(high) : null,
        });
      }
      for (const name of TERMS) {
        const rows = heldOut(name);
        if (rows.length === 0) continue;
        const [step, mean] = [rows.map((row) => row.step), rows.map((row) => row.values[name])];
        series.push({
          name,
          split: "test",
          step: packFloats(step),
          mean: packFloats(mean),
          low: null,
          high: null,
        });
      }
      return { series };
    },
    /** The newest value: of the test set where it is measured, else of the last steps. @param {string} name @returns {Newest | null} */
    newest(name) {
      const row = heldOut(name).pop();
      if (row) return { value: row.values[name], split: "test" };
      const mean = buckets.get(name)?.curve().mean;
      return mean?.length ? { value: mean[mean.length - 1], split: "train" } : null;
    },
    get last() {
      return last;
    },
    state: () => ({ buckets: [...buckets].map(([name, row]) => [name, row.state()]), tests, last }),
    /** @param {any} kept what `state` gave */
    restore(kept) {
      for (const [name, row] of kept.buckets) buckets.get(name)?.restore(row);
      ({ tests, last } = kept);
    },
  };
}

/** @typedef {ReturnType<typeof createHistory>} History */

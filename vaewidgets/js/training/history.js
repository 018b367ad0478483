/** A curve of bounded size from a series of any length, as engine/curves.py. No DOM. */

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
  };
}

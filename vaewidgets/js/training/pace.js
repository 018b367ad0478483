/**
 * How fast a run of the page may go: epochs a second, or as fast as it can. No DOM.
 */
const RATE_MS = 1000; // over which steps a second are counted
const IDLE_MS = 30; // between looks at the clock when it waits for its pace

/** @param {() => number} now */
export function createPace(now) {
  /** @type {number | null} steps a second; null: as fast as it can */
  let wanted = null;
  /** Where it began to go at this pace: the moment and the step. @type {{at: number, step: number} | null} */
  let from = null;
  /** @type {{at: number, step: number}[]} */
  let seen = [];
  let isAhead = false;

  return {
    /** @param {number | null} speed epochs a second @param {number} stepsPerEpoch */
    set(speed, stepsPerEpoch) {
      wanted = speed === null ? null : speed * stepsPerEpoch;
      from = null;
    },
    /** Steps that may be made now. @param {number} step */
    allowance(step) {
      if (wanted === null) return Number.POSITIVE_INFINITY;
      from ??= { at: now(), step };
      const due = from.step + ((now() - from.at) / 1000) * wanted;
      const steps = Math.floor(due - step);
      // what could not be made in time is not made up for
      if (steps > wanted) from = { at: now(), step };
      isAhead = steps < 1;
      return Math.max(0, Math.min(steps, Math.ceil(wanted)));
    },
    /** It stands at a step now. @param {number} step */
    note(step) {
      seen.push({ at: now(), step });
      while (seen.length > 2 && seen[0].at < now() - RATE_MS) seen.shift();
    },
    /** Steps a second. */
    get rate() {
      const [first, last] = [seen[0], seen[seen.length - 1]];
      return first && last.at > first.at ? ((last.step - first.step) / (last.at - first.at)) * 1000 : 0;
    },
    /** Milliseconds until the next look. */
    wait: () => (isAhead ? IDLE_MS : 0),
    /** It does not run for a while. */
    rest() {
      seen = [];
      isAhead = false;
      from = null;
    },
  };
}

import { easeOut } from "../../host/painter.js";

const LONGEST_TRAVEL_MS = 700;
const SHORTEST_TRAVEL_MS = 120;

/**
 * Positions on their way from one frame to the next.
 */
export function createTravel() {
  /** @type {Float32Array} */
  let from = new Float32Array(0);
  let to = from;
  let now = from;
  let start = 0;
  let duration = 0;
  let lastTarget = Number.NEGATIVE_INFINITY;
  return {
    get now() {
      return now;
    },
    get to() {
      return to;
    },
    get moving() {
      return duration > 0;
    },
    /** @param {Float32Array} target @param {number} time ms @param {boolean} jump */
    aim(target, time, jump) {
      const interval = time - lastTarget;
      lastTarget = time;
      if (jump || target.length !== to.length) {
        to = target;
        now = target.slice();
        duration = 0;
        return;
      }
      from = now.slice();
      to = target;
      start = time;
      // As long as the frames are apart, so that quick frames make one unbroken motion.
      duration = Math.min(Math.max(interval * 1.1, SHORTEST_TRAVEL_MS), LONGEST_TRAVEL_MS);
    },
    /** @param {number} time ms @returns {number} share of the way */
    advance(time) {
      if (!duration) return 1;
      const t = Math.min(Math.max((time - start) / duration, 0), 1);
      const k = easeOut(t);
      for (let i = 0; i < now.length; i++) now[i] = from[i] + (to[i] - from[i]) * k;
      if (t === 1) {
        now.set(to);
        duration = 0;
      }
      return k;
    },
  };
}

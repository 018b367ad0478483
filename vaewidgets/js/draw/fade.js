/** Pixels on their way from one image to the next. Knows no canvas. */
import { reducedMotion } from "../host/dom.js";
import { easeOut } from "../host/painter.js";

const FADE_MS = 220;

export function createFade() {
  /** What is seen, where it came from, and what it becomes. @type {ArrayLike<number>[]} */
  let [now, from, to] = [[], [], []];
  let start = 0;
  return {
    /** @param {ArrayLike<number>} bytes @param {boolean} fades out of what is seen now; else at once @returns {boolean} whether it takes time */
    aim(bytes, fades) {
      const goes = fades && now.length === bytes.length && !reducedMotion();
      to = bytes;
      now = from = goes ? now : to;
      start = performance.now();
      return goes;
    },
    /** @param {number} time ms @returns {boolean} whether it is still under way */
    advance(time) {
      const t = Math.max((time - start) / FADE_MS, 0);
      now = t < 1 ? Uint8Array.from(to, (value, i) => from[i] + (value - from[i]) * easeOut(t)) : to;
      return t < 1;
    },
    get now() {
      return now;
    },
  };
}

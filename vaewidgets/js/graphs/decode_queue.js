/**
 * Decodes many latent vectors without holding up the page: a few milliseconds of each frame, the first asked for
 * first. Where the page cannot run the decoder, Python is asked for a few at a time.
 *
 * @typedef {import("../contract/types.js").Decoder} Decoder
 * @typedef {{key: string, z: ArrayLike<number>}} Job
 */
import { size, unpack } from "../contract/bytes.js";
import { toBytes } from "../draw/images.js";
import { openDecoder } from "./decoder.js";

export const BUDGET_MS = 6;
const ASK_AT_ONCE = 16;
const GIVE_UP_MS = 2000;

/**
 * @param {{
 *   ask: (z: number[][]) => number,
 *   onImage: (key: string, bytes: Uint8Array, image: Float32Array | null) => void,
 *   onRound?: (left: number) => void,
 *   frame?: (fn: () => void) => number, cancel?: (handle: number) => void, now?: () => number,
 * }} opts  image: in the data's value range (null from Python); onRound: after each frame's share
 */
export function createMany({
  ask,
  onImage,
  onRound = () => {},
  frame,
  cancel,
  now = () => performance.now(),
}) {
  const later = frame ?? ((fn) => requestAnimationFrame(fn));
  const forget = cancel ?? ((handle) => cancelAnimationFrame(handle));
  /** @type {Decoder | null} */
  let source = null;
  let opened = openDecoder(null);
  /** @type {Job[]} */
  let queue = [];
  let at = 0;
  let handle = 0;
  let label = /** @type {number | null} */ (null);
  /** @type {{seq: number, jobs: Job[], at: number} | null} */
  let asked = null;
  let ms = /** @type {number | null} */ (null);

  function schedule() {
    if (!handle && at < queue.length) handle = later(round);
  }

  function round() {
    handle = 0;
    if (at >= queue.length) return; // Python's answer came meanwhile: it must not be asked for nothing
    if (opened.run) {
      const start = now();
      do {
        const { key, z } = queue[at++];
        const before = now();
        const image = opened.run(z, label);
        ms = now() - before;
        onImage(key, toBytes(image, opened.range), image);
      } while (at < queue.length && now() - start < BUDGET_MS);
    } else if (source && (!asked || now() - asked.at > GIVE_UP_MS)) {
      const jobs = queue.slice(at, at + ASK_AT_ONCE);
      asked = { seq: ask(jobs.map(({ z }) => Array.from(z))), jobs, at: now() };
    }
    onRound(queue.length - at);
    if (opened.run || asked) schedule();
  }

  return {
    /** Take other weights; what is left of the queue runs with them. @param {Decoder | null} given @returns {boolean} whether they are new */
    setDecoder(given) {
      if (given === source) return false;
      source = given;
      opened.close();
      opened = openDecoder(given);
      schedule();
      return true;
    },
    /** Tell a conditional decoder a class, or none. @param {number | null} next @returns {boolean} whether it is new */
    setLabel(next) {
      if (next === label) return false;
      label = next;
      return true;
    },
    /** Decode these from now on; what was still to do is dropped. @param {Job[]} jobs */
    start(jobs) {
      queue = jobs;
      at = 0;
      asked = null;
      schedule();
    },
    /** Python's answer. @param {any} message @param {DataView[]} [buffers] */
    reply(message, buffers = []) {
      if (message?.type !== "decoded" || !asked || message.seq !== asked.seq) return;
      const packed = message.image;
      const { jobs } = asked;
      asked = null;
      // None where Python could not: these have no image.
      if (packed) {
        const bytes = /** @type {Uint8Array} */ (unpack({ ...packed, data: packed.data ?? buffers[0] }));
        const one = size(packed.shape.slice(1));
        jobs.forEach(({ key }, i) => {
          onImage(key, bytes.subarray(i * one, (i + 1) * one), null);
        });
      }
      at += jobs.length;
      onRound(queue.length - at);
      schedule();
    },
    /** Decode one at once; null where the page cannot. @param {ArrayLike<number>} z */
    now(z) {
      return opened.run ? toBytes(opened.run(z, label), opened.range) : null;
    },
    get left() {
      return queue.length - at;
    },
    get local() {
      return opened.run !== null;
    },
    get reason() {
      return opened.reason;
    },
    /** How many classes the decoder may be told. */
    get classes() {
      return opened.classes;
    },
    /** Milliseconds that the newest image took in the page, or null. */
    get ms() {
      return ms;
    },
    destroy() {
      if (handle) forget(handle);
      handle = 0;
      queue = [];
      at = 0;
      source = null;
      opened.close();
      opened = openDecoder(null);
    },
  };
}

/** @typedef {ReturnType<typeof createMany>} Many */

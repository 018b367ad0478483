/**
 * Decodes a latent vector: in the page where the network came along, else by asking Python. No DOM.
 *
 * @typedef {import("./types.js").Decoder} Decoder
 * @typedef {{z: number[], image: Float32Array|null, bytes: Uint8Array|null, ms: number|null}} Decoded
 *   image in the data's value range; bytes 0…255; ms how long the page took, null when Python did it
 */
import { unpack } from "./bytes.js";
import { fromBytes, toBytes } from "./images.js";
import { compile } from "./nn.js";

/** After so long without an answer a new question is put. */
const GIVE_UP_MS = 1000;

/**
 * @param {{ask: (z: number[]) => number, onDecoded: (decoded: Decoded) => void}} opts
 *   ask: sends a request, returns its number
 */
export function createDecoder({ ask, onDecoded }) {
  /** @type {Decoder | null} */
  let decoder = null;
  /** @type {import("./nn.js").Program | null} */
  let program = null;
  let reason = /** @type {string | null} */ (null);
  let awaited = 0;
  let askedAt = Number.NEGATIVE_INFINITY;
  /** The newest question held back while Python still works on the one before. @type {number[] | null} */
  let next = null;
  /** @type {number[]} */
  let awaitedZ = [];

  /** @param {number[]} z */
  function askFor(z) {
    awaitedZ = z;
    askedAt = performance.now();
    awaited = ask(z);
    next = null;
  }

  /** @returns {[number, number]} */
  const range = () => decoder?.value_range ?? [0, 1];

  return {
    /** @param {Decoder | null} given */
    setDecoder(given) {
      if (given === decoder) return;
      decoder = given;
      program = null;
      reason = given?.reason ?? null;
      if (!given?.network) return;
      try {
        program = compile(given.network);
      } catch (error) {
        reason = error instanceof Error ? error.message : String(error);
      }
    },
    /** What decodes in the page, or null; another one for each set of weights. */
    get program() {
      return program;
    },
    get step() {
      return decoder?.step ?? null;
    },
    /** Whether the page can do it alone. */
    get local() {
      return program !== null;
    },
    /** Why it cannot, or null. */
    get reason() {
      return program ? null : reason;
    },
    /** @param {Float32Array} z */
    decode(z) {
      const numbers = Array.from(z);
      if (!program) {
        if (!decoder) return;
        if (awaited && performance.now() - askedAt < GIVE_UP_MS) next = numbers;
        else askFor(numbers);
        return;
      }
      const start = performance.now();
      const image = program.run(z)[0].slice();
      const ms = performance.now() - start;
      onDecoded({ z: numbers, image, bytes: toBytes(image, range()), ms });
    },
    /**
     * Python's answer; one to an older question is dropped.
     * @param {any} message
     * @param {DataView[]} [buffers]
     */
    reply(message, buffers = []) {
      if (message?.type !== "decoded" || message.seq !== awaited) return;
      awaited = 0;
      const packed = message.image;
      const bytes = /** @type {Uint8Array} */ (unpack({ ...packed, data: packed.data ?? buffers[0] }));
      onDecoded({ z: awaitedZ, image: fromBytes(bytes, range()), bytes, ms: null });
      if (next) askFor(next);
    },
  };
}

/**
 * Decodes a latent vector: in the page where the network came along, else by asking Python. No DOM.
 *
 * @typedef {import("../contract/types.js").Decoder} Decoder
 * @typedef {{z: number[], image: Float32Array|null, bytes: Uint8Array|null, ms: number|null}} Decoded
 *   image in the data's value range; bytes 0…255; ms how long the page took, null when Python did it
 */
import { unpack } from "../contract/bytes.js";
import { fromBytes, toBytes } from "../draw/images.js";
import { openNetwork } from "./network.js";

/** After so long without an answer a new question is put. */
const GIVE_UP_MS = 1000;

/**
 * A decoder that came along, ready to run.
 * @param {Decoder | null} given
 * @returns {{program: import("./network.js").OpenNetwork | null, run: ((z: ArrayLike<number>, label?: number|null) => Float32Array) | null,
 *   reason: string|null, classes: number, range: [number, number], close: () => void}}
 *   run: an image in the data's value range; null where the page cannot (`reason`)
 *   close: before it is let go, so that its memory is free again
 *   classes: how many classes the decoder may be told, 0 for none; no `label` tells it none
 */
export function openDecoder(given) {
  const range = given?.value_range ?? [0, 1];
  const closed = { program: null, run: null, classes: 0, range, close() {} };
  if (!given?.network) return { ...closed, reason: given?.reason ?? null };
  try {
    const program = openNetwork(given.network);
    const classes = program.inputs[1] ?? 0;
    const told = new Float32Array(classes);
    return {
      program,
      run(z, label = null) {
        if (!classes) return program.run(z)[0];
        told.fill(0);
        if (label !== null && label >= 0 && label < classes) told[label] = 1;
        return program.run(z, told)[0];
      },
      reason: null,
      classes,
      range,
      close: program.close,
    };
  } catch (error) {
    return { ...closed, reason: error instanceof Error ? error.message : String(error) };
  }
}

/**
 * @param {{ask: (z: number[]) => number, onDecoded: (decoded: Decoded) => void}} opts
 *   ask: sends a request, returns its number
 */
export function createDecoder({ ask, onDecoded }) {
  /** @type {Decoder | null} */
  let decoder = null;
  let opened = openDecoder(null);
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

  return {
    /** @param {Decoder | null} given */
    setDecoder(given) {
      if (given === decoder) return;
      decoder = given;
      opened.close();
      opened = openDecoder(given);
    },
    /** What decodes in the page, or null; another one for each set of weights. */
    get program() {
      return opened.program;
    },
    get step() {
      return decoder?.step ?? null;
    },
    /** Whether the page can do it alone. */
    get local() {
      return opened.run !== null;
    },
    /** Why it cannot, or null. */
    get reason() {
      return opened.reason;
    },
    /** Bytes of one image, of which nobody is told; null where the page cannot. @param {ArrayLike<number>} z */
    image: (z) => opened.run && toBytes(opened.run(z), opened.range),
    /** @param {Float32Array} z */
    decode(z) {
      const numbers = Array.from(z);
      if (!opened.run) {
        if (!decoder) return;
        if (awaited && performance.now() - askedAt < GIVE_UP_MS) next = numbers;
        else askFor(numbers);
        return;
      }
      const start = performance.now();
      const image = opened.run(z);
      const ms = performance.now() - start;
      onDecoded({ z: numbers, image, bytes: toBytes(image, opened.range), ms });
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
      // None where Python could not; why is said in the widget's panel, see host/widget.js.
      if (packed) {
        const bytes = /** @type {Uint8Array} */ (unpack({ ...packed, data: packed.data ?? buffers[0] }));
        onDecoded({ z: awaitedZ, image: fromBytes(bytes, opened.range), bytes, ms: null });
      }
      if (next) askFor(next);
    },
    destroy: () => opened.close(),
  };
}

/**
 * Works off a generator that asks for decoded images, a batch at a time, without holding up the page: a few milliseconds
 * of each frame, as many batches as fit. Where the page cannot run the decoder, Python is asked. No DOM.
 *
 * @typedef {Generator<ArrayLike<number>[], void, Float32Array[]>} Work  yields points of the latent space, is given their
 *   images in the data's value range
 */
import { fromBytes } from "../../draw/images.js";
import { BUDGET_MS, createMany } from "../../graphs/decode_queue.js";
import { openDecoder } from "../../graphs/decoder.js";

/** @param {{ask: (z: number[][]) => number, work: () => Work}} opts work: all there is to do, from its start */
export function createSearch({ ask, work }) {
  let source = /** @type {import("../../contract/types.js").Decoder | null} */ (null);
  let opened = openDecoder(null);
  let doing = /** @type {Work | null} */ (null);
  let again = false;
  let handle = 0;
  /** @type {ArrayLike<number>[]} */
  let batch = [];
  /** @type {Float32Array[]} */
  let images = [];

  const kernel = createMany({
    ask,
    onImage: (key, bytes) => {
      images[Number(key)] = fromBytes(bytes, opened.range);
    },
    onRound(left) {
      if (left > 0 || !doing) return;
      if (batch.every((_, i) => images[i])) advance(images);
      else doing = null; // Python could not, and the widget says why
    },
  });

  /** @param {Float32Array[]} given */
  function advance(given) {
    const step = doing?.next(given);
    if (!step) return;
    if (step.done) {
      doing = null;
      if (again) restart();
      return;
    }
    batch = step.value;
    images = [];
    if (!opened.run) kernel.start(batch.map((z, i) => ({ key: String(i), z })));
    else if (!handle) handle = requestAnimationFrame(round);
  }

  function round() {
    handle = 0;
    const start = performance.now();
    while (doing && opened.run && performance.now() - start < BUDGET_MS) {
      if (images.length < batch.length) images.push(opened.run(batch[images.length]).slice());
      else {
        handle = -1; // this round goes on
        advance(images);
        handle = 0;
      }
    }
    if (doing && opened.run) handle = requestAnimationFrame(round);
  }

  function restart() {
    again = false;
    doing = work();
    advance([]);
  }

  return {
    /** Take other weights; what is under way goes on with them. @param {import("../../contract/types.js").Decoder | null} given @returns {boolean} whether they are new */
    setDecoder(given) {
      if (given === source) return false;
      source = given;
      opened.close();
      opened = openDecoder(given);
      kernel.setDecoder(opened.run ? null : given);
      return true;
    },
    /**
     * Search again: at once where something else is asked, else after what is under way, since weights that arrive faster
     * than they are searched would show nothing.
     * @param {boolean} other @param {boolean} fresh whether the weights are others
     */
    refresh(other, fresh) {
      if (other || (fresh && !doing)) restart();
      else again ||= fresh;
    },
    /** Python's answer. @param {any} message @param {DataView[]} [buffers] */
    reply: (message, buffers) => kernel.reply(message, buffers),
    get busy() {
      return doing !== null;
    },
    /** Whether images come with all their digits. */
    get local() {
      return opened.run !== null;
    },
    /** Why the page cannot decode, or null. */
    get reason() {
      return opened.reason;
    },
    destroy() {
      if (handle > 0) cancelAnimationFrame(handle);
      doing = null;
      kernel.destroy();
      opened.close();
    },
  };
}

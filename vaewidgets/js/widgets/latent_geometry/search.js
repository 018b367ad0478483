/**
 * Works off a generator that asks for decoded images, a batch at a time, without holding up the page. No DOM.
 *
 * @typedef {Generator<ArrayLike<number>[], void, Float32Array[]>} Work  yields points of the latent space, is given their images
 */
import { fromBytes } from "../../draw/images.js";
import { createMany } from "../../graphs/decode_queue.js";

/** @param {{ask: (z: number[][]) => number, range: () => [number, number], work: () => Work}} opts work: all there is to do, from its start */
export function createSearch({ ask, range, work }) {
  let doing = /** @type {Work | null} */ (null);
  let again = false;
  /** @type {Float32Array[]} */
  let images = [];

  const many = createMany({
    ask,
    onImage(key, bytes, image) {
      images[Number(key)] = image ? image.slice() : fromBytes(bytes, range());
    },
    onRound: (left) => left === 0 && advance(images),
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
    images = new Array(step.value.length);
    many.start(step.value.map((z, i) => ({ key: String(i), z })));
  }

  function restart() {
    again = false;
    doing = work();
    advance([]);
  }

  return {
    many,
    /**
     * Search again: at once where something else is asked, else after what is under way, since weights that arrive faster
     * than they are searched would show nothing.
     * @param {boolean} other @param {boolean} fresh whether the weights are others
     */
    refresh(other, fresh) {
      if (other || (fresh && !doing)) restart();
      else again ||= fresh;
    },
    get busy() {
      return doing !== null;
    },
    destroy() {
      doing = null;
      many.destroy();
    },
  };
}

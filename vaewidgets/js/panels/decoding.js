/** Decodes all that a widget shows, in the page where it can, and says so where the kernel does it. */
import { createMany } from "../graphs/decode_queue.js";
import { setText, show } from "../host/dom.js";

/** Say why the page does not decode. @param {HTMLElement} note @param {string | null} reason null: it does */
export function showReason(note, reason) {
  show(note, reason !== null);
  setText(note, reason === null ? "" : `decoded by the kernel, since the page cannot: ${reason}`);
}

/**
 * @param {HTMLElement} note
 * @param {{ask: (z: number[][]) => number, start: () => void,
 *   onImage: (key: string, bytes: Uint8Array, image: Float32Array | null, fade: boolean) => void,
 *   onRound?: (left: number) => void}} opts
 *   start: puts what is to be decoded into the queue; the others as of `createMany`; fade: the same place, as other
 *   weights decode it
 */
export function createDecoding(note, { ask, start, onImage, onRound = () => {} }) {
  let again = false;
  let fade = false;
  const restart = () => {
    again = false;
    start();
  };
  const many = createMany({
    ask,
    onImage: (key, bytes, image) => onImage(key, bytes, image, fade),
    onRound(left) {
      onRound(left);
      if (left === 0 && again) restart();
    },
  });
  return {
    many,
    /**
     * Decode again. A queue that is being worked off runs to its end first, unless other things are to be decoded: weights
     * that arrive faster than they decode would show only its beginning.
     * @param {boolean} other whether it is other things @param {boolean} fresh whether the weights are others
     */
    refresh(other, fresh) {
      if (other || fresh) fade = fresh;
      if (other || (fresh && many.left === 0)) restart();
      else again ||= fresh;
      showReason(note, many.reason);
    },
  };
}

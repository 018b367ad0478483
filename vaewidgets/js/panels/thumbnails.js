/** The small images that come along with the codes, as bytes. */
import { size, unpack } from "../contract/bytes.js";
import { formatCount } from "../maths/format.js";

/**
 * What the nearest image is the nearest of, in words: where not all travelled, another point may be nearer.
 * @param {number} count images that are here
 * @param {number} n points; 0: not known
 */
export const nearestOf = (count, n) =>
  count && count < n ? `nearest of the ${formatCount(count)} originals in this page` : "nearest original";

export function createThumbnails() {
  let source = /** @type {import("../contract/types.js").Packed | null} */ (null);
  let bytes = /** @type {Uint8Array} */ (new Uint8Array(0));
  let length = 1;
  return {
    /** @param {import("../host/widget.js").State} state */
    read({ frame, originals }) {
      length = size(frame.run.image_shape);
      if (originals === source) return;
      source = originals;
      bytes = originals ? /** @type {Uint8Array} */ (unpack(originals)) : new Uint8Array(0);
    },
    get count() {
      return Math.floor(bytes.length / length);
    },
    /** @param {number} i @returns {Uint8Array | null} */
    image(i) {
      const image = bytes.subarray(i * length, (i + 1) * length);
      return i >= 0 && image.length === length ? image : null;
    },
  };
}

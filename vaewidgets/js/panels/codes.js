/**
 * The codes of a run's images at the moment that is shown, what is known of the space around them, and the images.
 *
 * @typedef {import("../host/widget.js").State} State
 * @typedef {import("../maths/plane.js").Latent} Latent
 * @typedef {ReturnType<typeof import("../maths/plane.js").viewPlane>} ViewPlane
 */
import { size, toFloat32, unpack } from "../contract/bytes.js";
import { onPlane, readLatent } from "../maths/plane.js";

/** @param {((latent: Latent) => ViewPlane) | null} [planeOf] on which the codes are seen */
export function createCodes(planeOf = null) {
  /** What each was read from. @type {any[]} */
  let [latentSource, pointsSource, imagesSource] = [null, null, null];
  let latent = /** @type {Latent | null} */ (null);
  let plane = /** @type {ViewPlane | null} */ (null);
  let points = new Float32Array(0);
  let seen = /** @type {Float32Array | null} */ (points);
  let images = new Uint8Array(0);
  let length = 1;
  return {
    get latent() {
      return latent;
    },
    get plane() {
      return plane;
    },
    /** Flat (n, d). */
    get points() {
      return points;
    },
    /** The same on the plane, flat (n, 2). */
    get seen() {
      seen ??= latent && plane ? onPlane(plane, points, latent.d) : points;
      return seen;
    },
    /**
     * @param {State} state
     * @param {any} [then] the weights of another moment, with the means of then
     * @returns {boolean} whether what is known of the space is new
     */
    read({ frame, originals }, then = null) {
      const data = frame.latent;
      const fresh = Boolean(data && data !== latentSource);
      if (data && fresh) {
        latentSource = data;
        latent = readLatent(data);
        plane = planeOf?.(latent) ?? null;
      }
      length = size(frame.run.image_shape);
      if (originals !== imagesSource) {
        imagesSource = originals;
        images = originals ? /** @type {Uint8Array<ArrayBuffer>} */ (unpack(originals)) : new Uint8Array(0);
      }
      const source = then?.mu ?? data?.points;
      if (fresh) seen = null;
      if (source && source !== pointsSource) {
        pointsSource = source;
        points = /** @type {Float32Array<ArrayBuffer>} */ (toFloat32(source));
        seen = null;
      }
      return fresh;
    },
    /** How many images have a code and, where there are thumbnails, one of them. */
    get count() {
      const coded = latent ? points.length / latent.d : 0;
      return images.length ? Math.min(coded, Math.floor(images.length / length)) : coded;
    },
    /** The code of an image. @param {number} i */
    code: (i) => (latent ? points.slice(i * latent.d, (i + 1) * latent.d) : new Float32Array(0)),
    /** The thumbnail of an image, or null. @param {number} i */
    image(i) {
      const bytes = images.subarray(i * length, (i + 1) * length);
      return i >= 0 && bytes.length === length ? bytes : null;
    },
  };
}

/**
 * The codes of a run's images at the moment that is shown, what is known of the space around them, and the images.
 *
 * @typedef {import("../host/widget.js").State} State
 * @typedef {import("../maths/plane.js").Latent} Latent
 * @typedef {ReturnType<typeof import("../maths/plane.js").viewPlane>} ViewPlane
 */
import { toFloat32 } from "../contract/bytes.js";
import { onPlane, readLatent } from "../maths/plane.js";
import { createThumbnails } from "./thumbnails.js";

/** @param {((latent: Latent) => ViewPlane) | null} [planeOf] on which the codes are seen */
export function createCodes(planeOf = null) {
  /** What each was read from. @type {any[]} */
  let [latentSource, pointsSource] = [null, null];
  let latent = /** @type {Latent | null} */ (null);
  let plane = /** @type {ViewPlane | null} */ (null);
  let points = new Float32Array(0);
  let seen = /** @type {Float32Array | null} */ (points);
  const thumbnails = createThumbnails();
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
    read(state, then = null) {
      thumbnails.read(state);
      const data = state.frame.latent;
      const fresh = Boolean(data && data !== latentSource);
      if (data && fresh) {
        latentSource = data;
        latent = readLatent(data);
        plane = planeOf?.(latent) ?? null;
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
      return thumbnails.count ? Math.min(coded, thumbnails.count) : coded;
    },
    /** The code of an image. @param {number} i */
    code: (i) => (latent ? points.slice(i * latent.d, (i + 1) * latent.d) : new Float32Array(0)),
    /** The thumbnail of an image, or null. */
    image: thumbnails.image,
  };
}

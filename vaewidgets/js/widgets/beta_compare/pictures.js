/**
 * Images of several runs under one noise: what Python decoded, or, after "draw again" in a page that has the
 * decoders, what the page decodes from the same draws.
 *
 * @typedef {import("../../contract/types.js").Frame} Frame
 * @typedef {import("../../contract/types.js").Part} Part
 * @typedef {import("../../contract/types.js").Decoder} Decoder
 * @typedef {import("../../host/widget.js").State} State
 */
import { size, toFloat32, unpack } from "../../contract/bytes.js";
import { normals } from "../../contract/random.js";
import { toBytes } from "../../draw/images.js";
import { openDecoder } from "../../graphs/decoder.js";
import { partsOf } from "../../panels/curves/index.js";

/** Where the decoder of run `i` stands among the live keys. @param {Part} part @param {number} i */
const keyOf = (part, i) => (i === 0 ? "decoder" : `decoder:${part.run.id}`);

/**
 * z = μ + σ·ε of one image, ε being its own stream of the seed.
 * @param {Float32Array} mu @param {Float32Array | null} sigma @param {number} i which image @param {number} d
 * @param {number} seed
 */
export function codeOf(mu, sigma, i, d, seed) {
  const z = mu.slice(i * d, (i + 1) * d);
  if (!sigma) return z;
  const noise = normals(d, seed, i);
  for (let j = 0; j < d; j++) z[j] += sigma[i * d + j] * noise[j];
  return z;
}

export function createPictures() {
  /** Decoders by run, decoded images by what they depend on. @type {Map<string, {decoder: Decoder, opened: ReturnType<typeof openDecoder>}>} */
  const decoders = new Map();
  /** @type {Map<string, {from: object, seed: number, step: number, images: Uint8Array}>} */
  const cache = new Map();

  /** @param {string} id of the run @param {Decoder} decoder */
  function open(id, decoder) {
    const known = decoders.get(id);
    if (known?.decoder === decoder) return known.opened;
    known?.opened.close();
    const opened = openDecoder(decoder);
    decoders.set(id, { decoder, opened });
    return opened;
  }

  /**
   * @param {Part} part @param {Decoder} decoder @param {(z: ArrayLike<number>) => Float32Array} run
   * @param {"recon"|"samples"} what @param {number} seed @param {import("../../contract/types.js").Compare} compare
   */
  function decodeHere(part, decoder, run, what, seed, compare) {
    const { pictures } = part;
    if (!pictures) return null;
    const key = `${part.run.id} ${what}`;
    const known = cache.get(key);
    if (known && known.from === decoder && known.seed === seed && known.step === pictures.step)
      return known.images;
    const [count, d] = what === "recon" ? pictures.mu.shape : [compare.n_samples, pictures.mu.shape[1]];
    const mu = toFloat32(pictures.mu);
    const sigma = pictures.sigma && toFloat32(pictures.sigma);
    const length = size(part.run.image_shape);
    const images = new Uint8Array(count * length);
    for (let i = 0; i < count; i++) {
      const z =
        what === "recon" ? codeOf(mu, sigma, i, d, seed) : normals(d, seed, compare.sample_stream + i);
      images.set(toBytes(run(z), decoder.value_range ?? [0, 1]), i * length);
    }
    cache.set(key, { from: decoder, seed, step: pictures.step, images });
    return images;
  }

  return {
    /**
     * Images of each run, end to end; null where a run has none.
     * @param {State} state @param {"recon"|"samples"} what @param {number} seed
     * @returns {{images: Uint8Array | null, late: boolean}[]} late: they are of another seed, since only a kernel can redraw them
     */
    rows(state, what, seed) {
      const { frame } = state;
      return partsOf(frame).map((part, i) => {
        const { pictures } = part;
        const packed = pictures?.[what];
        if (!pictures || !packed || !frame.compare) return { images: null, late: false };
        const sent = /** @type {Uint8Array} */ (unpack(packed));
        if (pictures.seed === seed) return { images: sent, late: false };
        const decoder = /** @type {Decoder | null} */ (state.get(keyOf(part, i)));
        const run = decoder && open(part.run.id, decoder).run; // the kernel draws where the page cannot
        if (!decoder || !run) return { images: sent, late: true };
        return { images: decodeHere(part, decoder, run, what, seed, frame.compare), late: false };
      });
    },
    destroy() {
      for (const { opened } of decoders.values()) opened.close();
    },
  };
}

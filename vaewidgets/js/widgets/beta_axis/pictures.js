/** Reconstructions at any beta: decoded by a network that is told beta, or faded from one run to the next. No DOM. */

import { size, toFloat32, unpack } from "../../contract/bytes.js";
import { toBytes } from "../../draw/images.js";
import { openNetwork } from "../../graphs/network.js";
import { placeOf, readAt } from "./axis.js";

/**
 * @typedef {import("../../contract/types.js").BetaAxisData} BetaAxisData
 * @typedef {import("../../contract/types.js").Decoder} Decoder
 */
export function createPictures() {
  /** @type {Decoder | null} */
  let given = null;
  let network = /** @type {ReturnType<typeof openNetwork> | null} */ (null);
  /** Why the page cannot decode. */
  let reason = "";

  /** @param {Decoder | null} decoder */
  function open(decoder) {
    if (decoder === given) return;
    network?.close();
    [given, network, reason] = [decoder, null, decoder?.reason ?? ""];
    if (!decoder?.network) return;
    try {
      network = openNetwork(decoder.network);
    } catch (error) {
      reason = error instanceof Error ? error.message : String(error);
    }
  }

  return {
    get reason() {
      return reason;
    },
    /**
     * The shown images at a beta, end to end; null where the page cannot.
     * @param {BetaAxisData} axis @param {number} beta @param {[number, number]} at as of `between`
     * @param {Decoder | null} decoder
     */
    images(axis, beta, at, decoder) {
      if (axis.recon) {
        const length = size(axis.recon.shape.slice(1));
        return Uint8Array.from(
          readAt(/** @type {Uint8Array} */ (unpack(axis.recon)), length, at),
          Math.round,
        );
      }
      open(decoder);
      if (!network || !axis.mu) return null;
      const [, count, d] = axis.mu.shape;
      const mu = readAt(toFloat32(axis.mu), count * d, at);
      const place = Float32Array.of(placeOf(axis.betas, beta));
      const length = size(axis.originals.shape.slice(1));
      const images = new Uint8Array(count * length);
      for (let i = 0; i < count; i++) {
        const [image] = network.run(mu.subarray(i * d, (i + 1) * d), place);
        images.set(toBytes(image, given?.value_range ?? [0, 1]), i * length);
      }
      return images;
    },
    destroy: () => network?.close(),
  };
}

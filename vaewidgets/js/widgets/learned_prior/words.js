/** What is said of holes and of a fitted prior. No DOM. */
import { formatFixed } from "../../maths/format.js";
import { areFound } from "./codes.js";

export const WHY =
  "Latent diffusion does the same: train the autoencoder, leave it as it is, and let a second model (there a diffusion " +
  "model, here a mixture of Gaussians) learn where the codes are. New images are decoded from its samples.";

const percent = (/** @type {number} */ share) =>
  `${(100 * share).toFixed(share > 0 && share < 0.0095 ? 1 : 0)} %`;

/** Behind the name of a prior. @param {import("./codes.js").Holes} holes @param {number} share */
export const inHolesText = (holes, share) =>
  `: ${percent(share)} of its samples fall into holes${areFound(holes, share) ? "" : ", no more than chance"}`;

/**
 * @param {import("./codes.js").Holes} holes
 * @param {{normal: import("./fitting.js").Draws | null}} draws
 * @param {import("./mixture.js").Fit | null} fit
 * @param {number} n codes
 * @returns {string[]}
 */
export function factsOf(holes, { normal }, fit, n) {
  const most = holes.isUpper ? `at most ${formatFixed(holes.kl, 2)}` : formatFixed(holes.kl, 2);
  const few = holes.isUpper ? `; ${n} images are too few to tell more exactly` : "";
  const said = [`KL(q(z) ‖ N(0, I)) is ${most} nats per image${few}.`];
  if (normal) {
    const chance = percent(holes.expected);
    said.push(
      areFound(holes, normal.share)
        ? `${holes.isUpper ? "At least " : ""}${percent(normal.share)} of the samples of N(0, I) fall where q(z) is less dense than at the least likely ` +
            `${chance} of the codes. Without holes it would be ${chance}.`
        : `No holes: ${percent(normal.share)} of the samples of N(0, I) fall where q(z) is less dense than at the ` +
            `least likely ${chance} of the codes, no more than chance.`,
    );
  }
  const gain = fit ? fit.logLikelihood[fit.logLikelihood.length - 1] - fit.normal : null;
  said.push(
    gain === null
      ? "Press “fit” to learn a prior from the codes."
      : gain > 0
        ? `The learned prior gains ${formatFixed(gain, 2)} nats on held-out codes: with it the KL of the ELBO is lower by so much.`
        : `The learned prior gains nothing on held-out codes (${formatFixed(gain, 2)} nats): N(0, I) fits them as well.`,
  );
  return said;
}

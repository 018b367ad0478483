/**
 * One training step as a walk: what happens, in which parts of the picture. No DOM.
 *
 * @typedef {{name: string, in: number[], out: number[], params: number, grad: number}} LayerRow
 * @typedef {import("../../contract/types.js").Packed} Packed
 * @typedef {"ae"|"vae"|"reparameterised"} Kind
 * @typedef {{kind: Kind, image_shape: [number, number, number], items?: import("../../contract/types.js").Items, latent_dim: number, beta: number, lr: number,
 *   unit: string, encoder: LayerRow[], decoder: LayerRow[], heads: Record<string, LayerRow>,
 *   values: Record<string, number[]>, recon: number, kl: number|null, loss: number, after: number, params: number,
 *   grads: Record<string, number>, images: {x: Packed, x_hat: Packed}}} Walked
 *   one training step of one image, as widgets/architecture.py takes it
 * @typedef {{name: string, text: string, parts: string[], edges: string[], back: boolean, stop?: boolean}} Step
 *   parts: what is lit (x, encoder, mu, sigma, eps, z, decoder, x_hat, recon, kl, loss); edges: "from>to"
 */
import { formatCount, formatLoss, formatSetting } from "../../maths/format.js";

/** "1 × 28 × 28" @param {number[]} shape */
export const shapeText = (shape) => shape.join(" × ");

/** @param {Walked} of @returns {Step[]} */
export function stepsOf(of) {
  const variational = of.kind !== "ae";
  const drawn = of.kind === "vae";
  const dims = `${of.latent_dim} number${of.latent_dim === 1 ? "" : "s"}`;
  const unit = of.unit;
  /** @param {string} name @param {string} text @param {string} parts @param {string} edges @param {boolean} [back] */
  const step = (name, text, parts, edges, back = false) => ({
    name,
    text,
    parts: parts.split(" ").filter(Boolean),
    edges: edges.split(" ").filter(Boolean),
    back,
  });
  const heads = "encoder>mu encoder>sigma";
  const terms = variational ? "loss>recon loss>kl" : "loss>recon";
  const backward = "backward: the gradient of the loss with respect to each weight";
  return [
    step("image", `An image x goes in: ${shapeText(of.image_shape)} numbers.`, "x", ""),
    step("encode", "The encoder compresses it layer by layer.", "x encoder", "x>encoder"),
    ...(variational
      ? [
          step(
            "posterior",
            `The result is not a point but a Gaussian: a mean μ and a standard deviation σ for each of ${dims}.`,
            "mu sigma",
            heads,
          ),
          drawn
            ? step("draw", "z is sampled from N(μ, σ²) inside the network.", "mu sigma z", "mu>z sigma>z")
            : step("noise", "Outside the network, ε is sampled from N(0, 1).", "eps", ""),
          ...(drawn
            ? []
            : [
                step(
                  "draw",
                  "z = μ + σ · ε: shifted and stretched noise.",
                  "mu sigma eps z",
                  "mu>z sigma>z eps>z",
                ),
              ]),
        ]
      : [step("code", `The result is the code z: ${dims}.`, "z", "encoder>z")]),
    step("decode", "The decoder expands z into an image x̂.", "z decoder x_hat", "z>decoder decoder>x_hat"),
    step(
      "recon",
      `How far is x̂ from x? recon = ${formatLoss(of.recon)} ${unit}.`,
      "x x_hat recon",
      "x>recon x_hat>recon",
    ),
    ...(variational
      ? [
          step(
            "kl",
            `How far is N(μ, σ²) from the prior N(0, 1)? KL = ${formatLoss(of.kl ?? 0)} nats.`,
            "mu sigma kl",
            "mu>kl sigma>kl",
          ),
        ]
      : []),
    step(
      "loss",
      variational
        ? `loss = recon + β · KL = ${formatLoss(of.recon)} + ${formatSetting(of.beta)} · ${formatLoss(of.kl ?? 0)} = ${formatLoss(of.loss)}.`
        : `loss = recon = ${formatLoss(of.loss)} ${unit}.`,
      variational ? "recon kl loss" : "recon loss",
      variational ? "recon>loss kl>loss" : "recon>loss",
    ),
    step(
      "back to z",
      `Now ${backward}. It flows through x̂ and the decoder to z.`,
      "loss recon x_hat decoder z",
      `${terms.split(" ")[0]} recon>x_hat x_hat>decoder decoder>z`,
      true,
    ),
    ...(variational
      ? [
          drawn
            ? {
                ...step(
                  "back through the sample",
                  "Sampling is not differentiable: the gradient of recon stops here. Only the KL reaches μ and σ.",
                  "z kl mu sigma",
                  "loss>kl kl>mu kl>sigma",
                  true,
                ),
                stop: true,
              }
            : step(
                "back through z",
                "z = μ + σ · ε is plain arithmetic: the gradient passes through to μ and σ. ε needs none.",
                "z kl mu sigma",
                "z>mu z>sigma loss>kl kl>mu kl>sigma",
                true,
              ),
        ]
      : []),
    step(
      "back to the encoder",
      drawn
        ? "The encoder never learns how good x̂ is. It only learns to match the prior, i.e. to carry no information."
        : variational
          ? "It continues through the encoder: both terms train it."
          : "It continues through the encoder, which learns from recon alone.",
      variational ? "mu sigma encoder" : "z encoder",
      variational ? "mu>encoder sigma>encoder" : "z>encoder",
      true,
    ),
    step(
      "update",
      `All ${formatCount(of.params)} weights take a small step (Adam, ${formatSetting(of.lr)}): on this image, loss ${formatLoss(of.loss)} → ${formatLoss(of.after)}.`,
      variational ? "encoder mu sigma decoder loss" : "encoder decoder loss",
      "",
    ),
  ];
}

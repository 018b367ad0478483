/**
 * What is said of a training that went wrong, as engine/faults.py says it. No DOM.
 *
 * @typedef {{step: number, term: string, message: string}} Fault
 */

/** @type {Record<string, string>} */
const CAUSES = {
  kl: "logvar running away: pixels not scaled to value_range, or a learning rate that is too high",
  recon: "a decoder running away, by a learning rate that is too high",
  gradient: "a learning rate that is too high, or sqrt, log or a division at 0 in the model",
};

/**
 * Which term went first, and its usual cause. The KL first: where mu or logvar run away, so does what is decoded from
 * them.
 * @param {number} step
 * @param {{loss: number, recon: number, kl: number}} terms
 * @param {number} beta
 * @returns {Fault}
 */
export function diverged(step, { loss, recon, kl }, beta) {
  const term = [
    ["kl", kl],
    ["recon", recon],
    ["loss", loss],
  ].find(([, value]) => !Number.isFinite(value));
  const name = term ? String(term[0]) : "gradient";
  const message =
    `training diverged: the ${name} was NaN or infinite at step ${step}. The usual cause is ` +
    `${CAUSES[name] ?? causeInLoss(beta, kl)}. The weights are those before that step; the history is kept. ` +
    "Start again with a smaller lr.";
  return { step, term: name, message };
}

/** Why a loss is not finite whose recon and KL are. @param {number} beta @param {number} kl */
function causeInLoss(beta, kl) {
  return Math.abs(beta * kl) < 3.4028234663852886e38
    ? "a term of the objective beside recon and the KL, which were both finite"
    : `beta: ${beta} times a KL of ${kl} is beyond float32`;
}

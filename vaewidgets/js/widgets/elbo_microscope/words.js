/** What the microscope says in words. No DOM. */
import { dimName, formatFixed, formatNumber, formatSetting } from "../../maths/format.js";
import { netOf, norm } from "./balance.js";

/** What is left of two pulls is called nothing below this share of the larger one. */
const CANCELLED = 0.05;
const CLEARLY = 1.25;

/** Sizes of the pulls, in nats for each unit of z. @param {import("./balance.js").Found} found */
export const sizesOf = (found) => ({
  recon: norm(found.ofRecon),
  kl: norm(found.ofKl),
  net: norm(netOf(found)),
});

/** Who pulls harder. @param {import("./balance.js").Found} found @param {number} beta */
export function verdict(found, beta) {
  const { recon, kl, net } = sizesOf(found);
  if (net <= CANCELLED * Math.max(recon, kl))
    return `The two pulls cancel: at β = ${formatSetting(beta)} no mean suits this image better.`;
  const times = (/** @type {number} */ ratio) => formatNumber(Math.min(ratio, 1e6), 2);
  if (recon > CLEARLY * kl)
    return `The likelihood pulls ${kl > 0 ? `${times(recon / kl)} times as hard as the prior` : "alone"}.`;
  if (kl > CLEARLY * recon)
    return `The prior pulls ${times(kl / Math.max(recon, 1e-9))} times as hard as the likelihood.`;
  return "Both pull about as hard, but not in opposite directions.";
}

/** @param {{loss: number} | null} start at the encoder's mean @param {{loss: number} | null} balance */
export function gapText(start, balance) {
  if (!start || !balance) return "";
  return `The encoder’s own μ costs ${formatFixed(Math.max(start.loss - balance.loss, 0), 2)} more than the balance ✕: the amortisation gap of this image’s mean.`;
}

/** @param {string | null} why @param {{score: boolean, gradient: boolean}} can @param {number[]} dims */
export function reasonText(why, can, dims) {
  if (!can.score) return why && `The page cannot run this decoder, so nothing can be scored here: ${why}`;
  if (can.gradient) return null;
  const names = dims.map(dimName).join(" and ");
  return `The page cannot run this decoder backwards, so the pull of recon is measured by central differences, along ${names} alone: ${why}`;
}

/**
 * Shapes of what Python sends of runs that are judged or compared. See types.js.
 *
 * @typedef {import("./types.js").Packed} Packed
 * @typedef {{label: string, name: string|null, value: number|null}} Setting  in which a run differs from its neighbours
 * @typedef {{originals: Packed, labels: Packed|null, n_samples: number, sample_stream: number}} Compare
 * @typedef {{step: number, seed: number, mu: Packed, sigma: Packed|null, recon: Packed, samples: Packed|null}} Pictures
 *   images u8; of an autoencoder there are neither sigma nor samples
 * @typedef {{step: number, rate: number, distortion: number, rate_error: number|null, distortion_error: number|null,
 *   n: number, unit: string, normalised: boolean}} Rate
 *
 * @typedef {{step: number, verdict: string, evidence: string[], advice: string[], notes: string[],
 *   changes: {step: number, verdict: string}[], lives: import("../widgets/diagnosis/unit_lives.js").Lives|null, n_images: number,
 *   explained: number|null}} DiagnosisData
 * @typedef {{latent_dim: number, seed: number|null, epoch: number, recon: number|null, kl: number|null,
 *   loss: number|null, split: "train"|"test"}} Size
 * @typedef {{delta: number, var_threshold: number, elbow: {latent_dim: number|null, limit: number|null,
 *   tolerance: number, notes: string[]}}} SizeSweep
 * @typedef {{step: number, n_codes: number, grid: [number, number], counts: Packed, perplexity: number,
 *   n_used: number, n_images: number, shown: Packed, pictures: Packed, examples: Packed, example_codes: Packed,
 *   history: {step: Packed, perplexity: Packed, used: Packed}}} Codes  shown: which codes have a picture
 * @typedef {{setting?: Setting, codes?: Codes, size?: Size, active?: {step: number, kl: number, var: number, n: number}|null,
 *   diagnosis?: DiagnosisData, pictures?: Pictures, rate?: Rate}} RunsPart  what a frame says of one run
 * @typedef {{value: number, split: "train"|"test"}} Newest
 * @typedef {{run: {id: string, name: string, epoch: number, step: number, unit: string, latent_dim: number},
 *   setting: Setting, curves: {series: import("./types.js").Series[]},
 *   numbers: {loss: Newest|null, recon: Newest|null, kl: Newest|null},
 *   active: {kl: number, var: number}|null}} Ghost  the run before
 * @typedef {{dataset: string, kind: "VAE"|"AE", likelihood: string, latent_dim: number, epochs: number, seed: number,
 *   batch_size: number, beta: number, lr: number, datasets: string[], likelihoods: Record<string, string>,
 *   code: string}} Form  what the next run starts from
 * @typedef {{compare?: Compare, sweep?: SizeSweep, form?: Form, ghost?: Ghost|null}} RunsFrame  and of all
 */
export {};

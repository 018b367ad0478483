/**
 * Shapes of what Python sends. Each mirrors the Python function that makes it; all lengths and units are
 * stated here once.
 *
 * @typedef {"u8"|"u16"|"i32"|"f32"|"f16"|"q16"} Dtype
 * @typedef {DataView | ArrayBuffer | ArrayBufferView} Bytes
 * @typedef {{dtype: Dtype, shape: number[], data: Bytes, lo?: number[], hi?: number[]}} Packed
 *   little endian; q16 holds one [lo, hi] a column of the last axis, 65535 stands for NaN
 *
 * @typedef {{op: string, in: number[], out: number, [parameter: string]: any}} Op
 * @typedef {{inputs: number[][], outputs: number[], ops: Op[], weights: Packed,
 *   optional?: number}} Network  optional: so many inputs at the end may be left out, and are 0 then
 * @typedef {{step: number, network: Network|null, reason: string|null, value_range?: [number, number]}} Decoder
 *
 * @typedef {"created"|"running"|"paused"|"stopped"|"finished"|"failed"} Status
 * @typedef {{id: string, name: string, status: Status, error: string|null, can_train: boolean, step: number,
 *   epoch: number, epochs: number|null, steps_per_epoch: number|null, steps_per_second: number, beta: number,
 *   beta_controllable: boolean, beta_schedule: string, lr: number|null, lr_controllable: boolean,
 *   speed: number|null, unit: string, recon_name: string, likelihood: string, dataset: string, model: string,
 *   device: string, image_shape: [number, number, number], latent_dim: number,
 *   class_names: string[]|null, class_values: (number|string)[]|null}} RunInfo  the last two come once, in the live key
 *   `classes`, and not with each frame: by index of the class, its name, and the label by which Python and the view know
 *   it (as text where a number would be rounded)
 * @typedef {{name: string, split: "train"|"test", step: Packed, mean: Packed, low: Packed|null,
 *   high: Packed|null}} Series
 * @typedef {{mean: Packed, components: Packed}} Projection
 * @typedef {{step: number, mode: "direct"|"pca"|"line", axes: string[], explained: number[]|null, points: Packed,
 *   labels: Packed|null, values: Packed|null, spread?: Packed|null, projection: Projection|null,
 *   prior: {center: [number, number], radii: number[]}|null, n_test: number, n_train: number}} ScatterData
 * @typedef {{step: number, kl: Packed, var_mu: Packed, delta: number, var_threshold: number, n: number}} Units
 * @typedef {{steps: number[], epochs: number[], kl: Packed|null, var_mu: Packed, weights: number[],
 *   points?: Packed, projection?: Projection|null,
 *   prior?: {center: [number, number], radii: number[]}}} TimeLine  one row a frame, the oldest first; points are
 *   (frames, n, 2) on one plane; weights: at which steps the page has some
 * @typedef {{step: number, indices: Packed, labels: Packed|null, originals: Packed, seed?: number|null,
 *   rows: {name: string, images: Packed}[]}} GridData
 * @typedef {{run: RunInfo, curves?: {series: Series[]}|null,
 *   scatter?: ScatterData|null, units?: Units|null, grid?: GridData|null,
 *   framing?: import("../widgets/sketch_encoder/raster.js").Framing, latent?: import("../maths/plane.js").LatentData|null}
 *   & import("./types_runs.js").RunsPart} Part  what a frame says of one run
 * @typedef {Part & {seq: number, ack: number, error?: string|null, others?: Part[]}
 *   & import("./types_runs.js").RunsFrame} Frame
 *   without a run (concepts) it has an error of its own; others: the other runs of a widget that takes several
 *
 * @typedef {{get(key: string): any, on(event: string, fn: Function): void, off(event: string, fn?: Function): void,
 *   send(content: any): void}} Model  the part of anywidget's model that we use
 */
export {};

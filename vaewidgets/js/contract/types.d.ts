/** Written by `python -m vaewidgets.contract.typescript` from vaewidgets/contract. */
export type Bytes = DataView | ArrayBuffer | ArrayBufferView;
export type Draw = "slices" | "bars" | "line" | "heatmap";
export type Dtype = "u8" | "u16" | "i32" | "f32" | "f16" | "q16";
export type Status = "created" | "running" | "paused" | "stopped" | "finished" | "failed";
export type CommandName = "pause" | "resume" | "stop" | "advance" | "beta" | "lr" | "speed" | "epochs" | "new_run" | "presenting";
export type ViewKey = "hover" | "selected" | "classes" | "color" | "time" | "amount" | "answer" | "at" | "axes" | "base" | "beta" | "cells" | "center" | "code" | "collected" | "components" | "cycles" | "delta" | "direction" | "directions" | "ellipses" | "end" | "ends" | "eps" | "f" | "framed" | "game" | "ghost" | "groups" | "image" | "images" | "kept" | "kind" | "kl" | "label" | "log" | "mode" | "mu" | "off" | "path" | "pen" | "picked" | "plane" | "prior_mu" | "prior_sigma" | "projection" | "quantity" | "ratio" | "recon" | "revealed" | "rows" | "samples" | "seed" | "show" | "sigma" | "smoothing" | "span" | "start" | "step" | "steps" | "stop" | "strokes" | "style" | "target_kl" | "target_recon" | "temperature" | "uncertainty" | "var_threshold" | "z";
export type LiveKey = keyof LiveState;
/** A little-endian array; q16 has a `lo` and a `hi` for each column of the last axis, 65535 is NaN. */
export interface Packed {
  dtype: Dtype;
  shape: number[];
  data: Bytes;
  lo?: number[];
  hi?: number[];
}
/** A torch function as ATen operations.

The first tensors are the inputs, then come `tensors` (parameters, buffers and constants, one after the
other in `weights`), then random `draws` that the caller fills, then the results of `ops` in order. A
dimension is a number, or `{"b": [k, c]}` for k times the batch size plus c. */
export interface Graph {
  inputs: ((number | { b: [number, number] })[])[];
  optional?: number;
  tensors: [string, number[]][];
  weights: Packed;
  draws: ["normal" | "uniform", (number | { b: [number, number] })[]][];
  ops: [string, any[], (number | null)[]][];
  outputs: number[];
}
/** A network for the page, or the reason why there is none. */
export interface Decoder {
  step: number;
  network: Graph | null;
  reason: string | null;
  value_range?: [number, number];
}
/** How items that are not grey or color images are drawn; their bytes travel as those of `image_shape`.

"slices": each channel of `image_shape` as a grey plane; the others: numbers from `range` on one axis.
`shape` has the order of the bytes: (d,), (rows, columns) of a heat map, or of a series (t, f), f counting
the lines, which is (f, t) where `channels` is "first". `names` are those of f, or of the last axis. */
export interface Items {
  draw: Draw;
  shape: number[];
  channels: "first" | "last";
  range: [number, number];
  names: string[] | null;
}
/** Who is running, how far, with which controls; `test_name`: of a test split that is perhaps none. */
export interface RunState {
  id: string;
  name: string;
  status: Status;
  error: string | null;
  can_train: boolean;
  step: number;
  epoch: number;
  epochs: number | null;
  steps_per_epoch: number | null;
  steps_per_second: number;
  beta: number;
  beta_controllable: boolean;
  beta_schedule: string;
  lr: number | null;
  lr_controllable: boolean;
  speed: number | null;
  unit: string;
  likelihood: string;
  dataset: string;
  device: string;
  image_shape: [number, number, number];
  items?: Items;
  value_range: [number, number];
  latent_dim: number;
  test_name?: string;
}
/** A run as the page sees it: with `Classes`, which come once and not with each frame. */
export interface RunInfo {
  id: string;
  name: string;
  status: Status;
  error: string | null;
  can_train: boolean;
  step: number;
  epoch: number;
  epochs: number | null;
  steps_per_epoch: number | null;
  steps_per_second: number;
  beta: number;
  beta_controllable: boolean;
  beta_schedule: string;
  lr: number | null;
  lr_controllable: boolean;
  speed: number | null;
  unit: string;
  likelihood: string;
  dataset: string;
  device: string;
  image_shape: [number, number, number];
  items?: Items;
  value_range: [number, number];
  latent_dim: number;
  test_name?: string;
  class_names: string[] | null;
  class_values: (number | string)[] | null;
}
/** By index of a class: its name, and the label by which Python and the view know it; text beyond 2⁵³. */
export interface Classes {
  names: string[];
  values: (number | string)[];
}
/** One curve against the step; `low` and `high` bound its bucket. */
export interface Series {
  name: string;
  split: "train" | "test";
  step: Packed;
  mean: Packed;
  low: Packed | null;
  high: Packed | null;
}
/** Loss, recon, kl and beta. */
export interface Curves {
  series: Series[];
}
/** A plane in latent space: mean (d,), orthonormal components (2, d). */
export interface Projection {
  mean: Packed;
  components: Packed;
}
/** The prior on the plane: circles of 1 and 2 sigma. */
export interface Prior {
  center: [number, number];
  radii: number[];
}
/** Posterior means of the sample on a plane (n, 2); `spread` holds covariances 11, 12, 22 on it (n, 3). */
export interface ScatterData {
  step: number;
  mode: "direct" | "pca" | "line";
  axes: string[];
  explained: number[] | null;
  points: Packed;
  labels: Packed | null;
  spread?: Packed | null;
  projection: Projection | null;
  prior: Prior | null;
  n_test: number;
  n_train: number;
}
/** KL in nats and Var(mu) of each of d units over n images, with both thresholds. */
export interface Units {
  step: number;
  kl: Packed;
  var_mu: Packed;
  delta: number;
  var_threshold: number;
  n: number;
}
/** Mu and logvar of as many images of the sample as the page has room for, at a step. */
export interface Posteriors {
  step?: number;
  mu: Packed;
  logvar: Packed | null;
}
/** A row for each frame, the oldest first; points (frames, n, 2); `weights`: steps that the page has. */
export interface TimeLine {
  steps: number[];
  epochs: number[];
  kl: Packed | null;
  var_mu: Packed;
  weights: number[];
  points?: Packed;
  projection?: Projection | null;
  prior?: Prior;
}
/** Reconstructions by one model, u8 (n, C, H, W). */
export interface GridRow {
  name: string;
  images: Packed;
}
/** Originals, u8, and their reconstructions: from the means, or from draws of `seed`. */
export interface GridData {
  step: number;
  indices: Packed;
  labels: Packed | null;
  originals: Packed;
  seed: number | null;
  rows: GridRow[];
}
/** What is known of a latent space.

`prior`: whether N(0, I) is the model's. Of the posterior means, each (d,): mean, std, low, high, and kl
in nats; total_std, their deviation and that of the posteriors in one. `directions` (k, d): orthonormal
rows by falling variance, with `scales` (k,), their standard deviations, and `along` (3, k), the total
deviation, the least and the greatest coordinate from the mean. */
export interface LatentData {
  step: number;
  prior: boolean;
  n: number;
  mean: Packed;
  std: Packed;
  total_std: Packed;
  low: Packed;
  high: Packed;
  kl: Packed | null;
  directions: Packed;
  scales: Packed;
  along: Packed;
  points: Packed | null;
  labels: Packed | null;
}
/** Medians of images: longer side and centre of mass (x, y) of the ink, as shares; background 1: light. */
export interface Framing {
  extent: number;
  center: [number, number];
  background: number;
}
/** In which setting a run differs from its neighbours; `value` is None where it is no number. */
export interface Setting {
  label: string;
  name: string | null;
  value: number | null;
}
/** The images that several runs reconstruct, and where the streams of prior samples begin. */
export interface Compare {
  originals: Packed;
  labels: Packed | null;
  n_samples: number;
  sample_stream: number;
}
/** Reconstructions and prior samples of one run, u8; an autoencoder has neither sigma nor samples. */
export interface Pictures {
  step: number;
  seed: number;
  mu: Packed;
  sigma: Packed | null;
  recon: Packed;
  samples: Packed | null;
}
/** Rate in nats and distortion in `unit`, means over n images with their standard errors. */
export interface Rate {
  step: number;
  rate: number;
  distortion: number;
  rate_error: number | null;
  distortion_error: number | null;
  n: number;
  unit: string;
  normalised: boolean;
}
/** What a model is at each of k betas, in their order.

Points (k, n, 2) and units (k, d) of n images. Of the m images that are shown: `mu` (k, m, d) where one
network is all of them (`is_one`), which the page decodes at any beta; else reconstructions, u8. */
export interface BetaAxisData {
  step: number;
  is_one: boolean;
  betas: number[];
  names: string[];
  points: Packed;
  labels: Packed | null;
  axes: string[];
  prior: Prior;
  kl: Packed;
  var_mu: Packed;
  rate: number[];
  distortion: number[];
  unit: string;
  n: number;
  is_test: boolean;
  originals: Packed;
  image_labels: Packed | null;
  mu: Packed | null;
  recon: Packed | null;
}
/** A verdict, and the step from which on it held. */
export interface Change {
  step: number;
  verdict: string;
}
/** Steps at which a unit became active and inactive; None: never. */
export interface Life {
  unit: number;
  born: number | null;
  died: number | null;
}
/** When units were born and died, at most so many as fit. */
export interface Lives {
  latent_dim: number;
  delta: number;
  first: number;
  last: number;
  dead: number;
  never: number;
  units: Life[];
}
/** A verdict in words, with evidence and advice; `explained`: share of the variance of the pixels. */
export interface DiagnosisData {
  step: number;
  verdict: string;
  evidence: string[];
  advice: string[];
  notes: string[];
  changes: Change[];
  lives: Lives | null;
  n_images: number;
  explained: number | null;
}
/** How many units are active by each criterion, over n images. */
export interface Active {
  step: number;
  kl: number;
  var: number;
  n: number;
}
/** A run's size and its newest losses; None where there are none yet. */
export interface Size {
  latent_dim: number;
  seed: number | null;
  epoch: number;
  recon: number | null;
  kl: number | null;
  loss: number | null;
  split: "train" | "test";
}
/** The smallest size whose recon is within `tolerance` of the best, or why there is none. */
export interface Elbow {
  latent_dim: number | null;
  limit: number | null;
  tolerance: number;
  notes: string[];
}
/** What is said of all sizes together. */
export interface SizeSweep {
  delta: number;
  var_threshold: number;
  elbow: Elbow;
}
/** Perplexity and used codes over training. */
export interface CodesHistory {
  step: Packed;
  perplexity: Packed;
  used: Packed;
}
/** Use of a codebook; `shown`: which codes have a picture. */
export interface Codes {
  step: number;
  n_codes: number;
  grid: [number, number];
  counts: Packed;
  perplexity: number;
  n_used: number;
  n_images: number;
  shown: Packed;
  pictures: Packed;
  examples: Packed;
  example_codes: Packed;
  history: CodesHistory;
}
/** The newest value of a quantity. */
export interface Newest {
  value: number;
  split: "train" | "test";
}
/** The run before. */
export interface GhostRun {
  id: string;
  name: string;
  epoch: number;
  step: number;
  unit: string;
  latent_dim: number;
}
/** Its last losses. */
export interface GhostNumbers {
  loss: Newest | null;
  recon: Newest | null;
  kl: Newest | null;
}
/** Its active units, by each criterion. */
export interface GhostActive {
  kl: number;
  var: number;
}
/** What stays of the run before. */
export interface Ghost {
  run: GhostRun;
  setting: Setting;
  curves: Curves;
  numbers: GhostNumbers;
  active: GhostActive | null;
}
/** What the next run starts from, and what can be chosen; a page that trains has some models only. */
export interface Form {
  dataset: string;
  kind: string;
  likelihood: string;
  latent_dim: number;
  epochs: number;
  seed: number;
  batch_size: number;
  beta: number;
  lr: number;
  datasets: string[];
  likelihoods: Record<string, string>;
  code: string;
  target_kl?: number | null;
  kinds?: string[];
  latent_dims?: number[];
  batch_sizes?: number[];
}
/** A parameter or buffer: `dtype` as in a safetensors file ("F32", "I64"), `trained` by gradients. */
export interface TrainingTensor {
  name: string;
  shape: number[];
  dtype: string;
  trained: boolean;
}
/** A model that the page can train, by the settings that tell it from the others, and its graphs.

A graph finds the model's `tensors` by name; values of its constants alone are in its `weights`. `step`
and `evaluation` take x, beta, step, n_data and, with `takes_labels`, one-hot rows (zeros: no class); they
return `terms`, `step` then a gradient for each trained tensor. `score`, where a widget wants it, takes z,
x and the rows; it returns x_hat, the cost of each pixel and its gradient by z. `start` takes nothing and
returns every tensor as first drawn; without it a new run goes on from `weights`. `facts` are those of its
run file. */
export interface TrainingChoice {
  kind: string;
  likelihood: string;
  latent_dim: number;
  unit: string;
  takes_labels: boolean;
  tensors: TrainingTensor[];
  terms: string[];
  step: Graph;
  evaluation: Graph;
  encoder: Graph;
  decoder: Graph | null;
  score: Graph | null;
  start: Graph | null;
  facts: Record<string, any>;
}
/** Images (n, C, H, W): u8, to be put on the value range, or floats in it; labels are those of the set.

With `rest`, u8 of `image_shape`, they are smaller: the page enlarges them (see `enlarge` of
publish/training/enlarged.py) and adds `rest` modulo 256. */
export interface TrainingSplit {
  images: Packed;
  rest: Packed | null;
  labels: Packed | null;
}
/** The data set of a page that trains; `whole`: no image of it was left out.

`places`: for each image, in the order of the page's sample, where it stands in that of the run; None: at
the same place. */
export interface TrainingData {
  name: string;
  image_shape: [number, number, number];
  value_range: [number, number];
  class_names: string[] | null;
  n_classes: number;
  train: TrainingSplit;
  test: TrainingSplit | null;
  whole: boolean;
  places: Packed | null;
}
/** Settings of the run: `schedule` of beta as in run files; `optimizer` by name, with torch's defaults. */
export interface TrainingOptions {
  epochs: number | null;
  batch_size: number;
  seed: number;
  lr: number;
  schedule: Record<string, any>;
  optimizer: string;
  eval_every: number;
  drop_last: boolean;
}
/** What was recorded by step (f32) and, as in run files, by epoch: [updates made, values by name]. */
export interface TrainingHistory {
  steps: Packed;
  columns: Record<string, Packed>;
  epochs: any[];
}
/** A run that the page can train: `chosen` is the index of its own model.

`weights` are its newest, its tensors one after the other; None: the page draws them anew. `history` goes
with them; None: too long for a page. */
export interface Trainable {
  name: string;
  choices: TrainingChoice[];
  chosen: number;
  weights: Packed | null;
  history: TrainingHistory | null;
  step: number;
  epoch: number;
  options: TrainingOptions;
  batch_sizes: number[];
  data: TrainingData;
  facts: Record<string, any>;
}
/** Sections of a frame; a widget sends some of them. */
export interface Sections {
  curves?: Curves;
  scatter?: ScatterData;
  units?: Units;
  grid?: GridData;
  framing?: Framing;
  latent?: LatentData;
  setting?: Setting;
  codes?: Codes;
  size?: Size;
  active?: Active | null;
  diagnosis?: DiagnosisData;
  pictures?: Pictures;
  rate?: Rate;
  compare?: Compare;
  axis?: BetaAxisData;
  sweep?: SizeSweep;
  form?: Form;
  ghost?: Ghost | null;
}
/** What a frame says of one run. */
export interface Part {
  curves?: Curves;
  scatter?: ScatterData;
  units?: Units;
  grid?: GridData;
  framing?: Framing;
  latent?: LatentData;
  setting?: Setting;
  codes?: Codes;
  size?: Size;
  active?: Active | null;
  diagnosis?: DiagnosisData;
  pictures?: Pictures;
  rate?: Rate;
  compare?: Compare;
  axis?: BetaAxisData;
  sweep?: SizeSweep;
  form?: Form;
  ghost?: Ghost | null;
  run: RunInfo;
}
/** One complete picture, numbered; without a run (a concept's) it has an error of its own. */
export interface Frame {
  curves?: Curves;
  scatter?: ScatterData;
  units?: Units;
  grid?: GridData;
  framing?: Framing;
  latent?: LatentData;
  setting?: Setting;
  codes?: Codes;
  size?: Size;
  active?: Active | null;
  diagnosis?: DiagnosisData;
  pictures?: Pictures;
  rate?: Rate;
  compare?: Compare;
  axis?: BetaAxisData;
  sweep?: SizeSweep;
  form?: Form;
  ghost?: Ghost | null;
  run: RunInfo;
  seq: number;
  error?: string | null;
  others?: Part[];
}
/** The decoder at an earlier step, and mu and logvar of the sample then. */
export interface TimeWeights {
  step: number;
  network: Graph | null;
  reason: string | null;
  value_range?: [number, number];
  mu?: Packed;
  logvar?: Packed | null;
}
/** A number for each point. */
export interface Item {
  name: string;
  unit: string;
  values: Packed;
}
/** What points can be colored by. */
export interface Values {
  step: number;
  items: Item[];
}
/** t-SNE of the points (n, 2), and their means (n, d); `busy`: the step that is being computed. */
export interface Layout {
  step?: number;
  points?: Packed;
  mu?: Packed;
  busy: number | null;
  error: string | null;
}
/** What switching units off costs: each of them (NaN: not measured), and all of `off` together. */
export interface Ablation {
  step: number;
  unit: string;
  recon: number | null;
  n: number;
  cost: Packed;
  off: number[];
  together: number | null;
  measuring: number[] | null;
}
/** The view, and how often Python has set it; `pages`: by key, the page that turned it, and shows it. */
export interface ViewState {
  set: number;
  values: Record<string, any>;
  pages?: Record<string, string>;
}
/** Live keys; those of a run that is not the widget's first end in a colon and the id of the run. */
export interface LiveState {
  ack?: number;
  news?: number;
  acts?: number;
  frame?: Frame;
  view_state?: ViewState;
  widget_id?: string;
  thinned?: string | null;
  classes?: Classes | null;
  decoder?: Decoder;
  axis_decoder?: Decoder;
  encoder?: Decoder;
  score?: Decoder;
  originals?: Packed | null;
  values?: Values;
  tsne?: Layout | null;
  ablation?: Ablation | null;
  posteriors?: Posteriors;
  sample_labels?: Packed | null;
  time_line?: TimeLine;
  time_weights_0?: TimeWeights | null;
  time_weights_1?: TimeWeights | null;
  time_weights_2?: TimeWeights | null;
  time_weights_3?: TimeWeights | null;
  time_weights_4?: TimeWeights | null;
  time_weights_5?: TimeWeights | null;
  time_weights_6?: TimeWeights | null;
  time_weights_7?: TimeWeights | null;
}
/** From the page: a view opened, in a page that allows workers and WebAssembly, or not. */
export interface Hello {
  type: "hello";
  workers?: boolean;
  wasm?: boolean;
}
/** From the page, where threads do not reach it: what is newer than the live key `news` is to be sent. */
export interface Pull {
  type: "pull";
  have: number;
}
/** From the page: of two messages, one was sent by a thread; whether both have come. */
export interface Reached {
  type: "reached";
  thread: boolean;
}
/** From the page: something is to be done, or was turned (`name` is then "view:" and a key). */
export interface Command {
  type: "command";
  seq: number;
  name: CommandName | `view:${ViewKey}`;
  value: any;
  page?: string;
}
/** From the page: points are to be decoded. */
export interface Question {
  type: "decode";
  seq: number;
  z: number[] | number[][];
  run: string;
}
/** To the page: the answer to a question; the image's data are the message's buffer. */
export interface Decoded {
  type: "decoded";
  seq: number;
  image: Packed | null;
  error: string | null;
}

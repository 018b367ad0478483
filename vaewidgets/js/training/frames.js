/**
 * Sections of a frame from what a trainer holds: the same as those of Python (vaewidgets/sections, live/latent.py), so
 * that every widget of the page moves. Pure functions. No DOM.
 *
 * @typedef {import("../contract/types.js").Curves} Curves
 * @typedef {import("../contract/types.js").ScatterData} ScatterData
 * @typedef {import("../contract/types.js").LatentData} LatentData
 * @typedef {import("../contract/types.js").Posteriors} Posteriors
 * @typedef {import("../contract/types.js").GridData} GridData
 * @typedef {import("../contract/types.js").Units} Units
 * @typedef {import("../contract/types.js").Values} Values
 * @typedef {import("../contract/types.js").Packed} Packed
 * @typedef {import("../maths/axes.js").Plane} Plane
 * @typedef {{step: number, n: number, d: number, mu: Float32Array, logvar: Float32Array | null}} Codes
 *   posteriors of the sample, (n, d)
 * @typedef {{curve(name: string, most: number): {step: ArrayLike<number>, mean: ArrayLike<number>,
 *   low: ArrayLike<number>, high: ArrayLike<number>}, byEpoch(name: string): {step: number[], value: number[]}}} Recorded
 *   what a run has measured, by step and by epoch
 * @typedef {{images: Uint8Array, shape: number[], classes: Int32Array | null, nTest: number, nTrain: number}} Sample
 *   images (n, *shape), test images first; classes: index of each label's class
 */
import { toFloat32 } from "../contract/bytes.js";
import { packBytes, packFloats, packIntegers, packQuantised } from "../contract/packing.js";
import { normals } from "../contract/random.js";
import { along, meanOf, ontoPlane, principalAxes, projectPoints, varianceOf } from "../maths/axes.js";

const POINT_NUMBERS = 262_144; // of all coordinates of one frame's points, and of one set of posteriors
const MOST_DIRECTIONS = 32;
const PRIOR_RADII = [1, 2];
const TURNED = -0.3;
export const TERMS = /** @type {const} */ (["loss", "recon", "kl"]);
export const CURVE_POINTS = 1000;

/**
 * The section `curves`: by step in training, by epoch of the test images.
 * @param {Recorded} history @param {number} [most] @returns {Curves}
 */
export function curvesState(history, most = CURVE_POINTS) {
  /** @type {Curves["series"]} */
  const series = [];
  for (const name of [...TERMS, "beta"]) {
    const { step, mean, low, high } = history.curve(name, most);
    if (step.length === 0) continue;
    const [least, greatest] = name === "beta" ? [null, null] : [packFloats(low), packFloats(high)];
    const [at, values] = [packFloats(step), packFloats(mean)];
    series.push({ name, split: "train", step: at, mean: values, low: least, high: greatest });
  }
  for (const name of TERMS) {
    const { step, value } = history.byEpoch(`test_${name}`);
    if (step.length === 0) continue;
    const [at, values] = [packFloats(step), packFloats(value)];
    series.push({ name, split: "test", step: at, mean: values, low: null, high: null });
  }
  return { series };
}

/** Curves that go on after others. @param {Curves} before @param {Curves} after @returns {Curves} */
export function joinedCurves(before, after) {
  const key = (/** @type {{name: string, split: string}} */ one) => `${one.split} ${one.name}`;
  const old = new Map(before.series.map((one) => [key(one), one]));
  const joined = after.series.map((one) => {
    const first = old.get(key(one));
    if (!first) return one;
    old.delete(key(one));
    const both = (/** @type {Packed | null} */ a, /** @type {Packed | null} */ b) =>
      a && b && packFloats([...toFloat32(a), ...toFloat32(b)]);
    const [step, mean] = [both(first.step, one.step), both(first.mean, one.mean)];
    return {
      ...one,
      step: step ?? one.step,
      mean: mean ?? one.mean,
      low: both(first.low, one.low),
      high: both(first.high, one.high),
    };
  });
  return { series: [...joined, ...old.values()] };
}

/** KL from N(0, I) of each dimension of each image, in nats, (n, d). @param {Codes} codes @returns {Float64Array | null} */
export function klPerDim({ mu, logvar }) {
  return logvar && Float64Array.from(mu, (m, i) => 0.5 * (m * m + Math.expm1(logvar[i]) - logvar[i]));
}

/** KL and Var(mu) of each unit over the sample. @param {Codes} codes */
export function unitNumbers(codes) {
  const kl = klPerDim(codes);
  return { kl: kl && meanOf(kl, codes.d), varMu: varianceOf(codes.mu, codes.d) };
}

/** Where the prior N(0, I) lies on a plane. @param {Plane} plane @returns {import("../contract/types.js").Prior} */
export function priorState(plane) {
  const [x, y] = ontoPlane(new Float64Array(plane.mean.length), plane);
  return { center: [x, y], radii: PRIOR_RADII };
}

/** @param {Plane} plane */
export function projectionState({ mode, mean, components }) {
  if (mode !== "pca") return null;
  return { mean: packFloats(mean), components: packFloats(components, [2, mean.length]) };
}

/** Covariance of each posterior as seen on the plane: entries 11, 12 and 22. @param {Plane} plane @param {Float32Array} logvar */
function planeCovariance({ components }, logvar) {
  const d = components.length / 2;
  const rows = new Float64Array(3 * d);
  for (let j = 0; j < d; j++) {
    const [a, b] = [components[j], components[d + j]];
    rows[j] = a * a;
    rows[d + j] = a * b;
    rows[2 * d + j] = b * b;
  }
  return along(Float64Array.from(logvar, Math.exp), rows, d);
}

/**
 * The section `scatter`, and the plane, so that the next one does not flip.
 * @param {Sample} sample @param {Codes} codes @param {Plane | null} previous
 * @returns {{state: ScatterData, plane: Plane}}
 */
export function scatterState(sample, codes, previous) {
  const { n, logvar } = codes;
  const plane = projectPoints(codes.mu, codes.d, previous);
  return {
    plane,
    state: {
      step: codes.step,
      mode: plane.mode,
      axes: plane.axes,
      explained: plane.mode === "pca" ? plane.explained : null,
      points: packQuantised(plane.points, [n, 2]),
      labels: sample.classes && packIntegers(sample.classes),
      spread: logvar && packQuantised(planeCovariance(plane, logvar), [n, 3]),
      projection: projectionState(plane),
      prior: priorState(plane),
      n_test: sample.nTest,
      n_train: sample.nTrain,
    },
  };
}

/**
 * The section `units`; null without a posterior.
 * @param {Codes} codes @param {{delta: number, var_threshold: number}} thresholds @returns {Units | null}
 */
export function unitsState(codes, { delta, var_threshold }) {
  const { kl, varMu } = unitNumbers(codes);
  if (!kl) return null;
  return {
    step: codes.step,
    kl: packFloats(kl),
    var_mu: packFloats(varMu),
    delta,
    var_threshold,
    n: codes.n,
  };
}

/**
 * Values of the author's own, of the images that the page has: NaN for others.
 * @param {Values["items"]} items of the saved run's sample @param {Int32Array | null} places of the page's images in it
 * @param {number} n @returns {Values["items"]}
 */
export function ownValues(items, places, n) {
  return items.map((item) => {
    const known = toFloat32(item.values);
    const found = Float32Array.from({ length: n }, (_, i) => known[places ? places[i] : i] ?? Number.NaN);
    return { ...item, values: packQuantised(found, [n, 1]) };
  });
}

/**
 * The live key `values`: what points can be colored by.
 * @param {Codes} codes @param {Values["items"]} [own] @returns {Values}
 */
export function valuesState(codes, own = []) {
  const { n, d, mu, step } = codes;
  const kl = klPerDim(codes);
  /** @param {string} name @param {string} unit @param {ArrayLike<number>} all @param {(sum: number) => number} [last] */
  const item = (name, unit, all, last = (sum) => sum) => {
    const sums = new Float64Array(n);
    for (let i = 0; i < n * d; i++) sums[Math.floor(i / d)] += all[i];
    return { name, unit, values: packQuantised(sums.map(last), [n, 1]) };
  };
  const items = [
    item(
      "|mu|",
      "",
      mu.map((m) => m * m),
      Math.sqrt,
    ),
  ];
  return { step, items: [...(kl ? [item("kl", "nats", kl)] : []), ...items, ...own] };
}

/** The live key `posteriors`, of as many images as the page has room for. @param {Codes} codes @returns {Posteriors} */
export function posteriorState({ step, n, d, mu, logvar }) {
  const fit = Math.min(n, Math.max(1, Math.floor(POINT_NUMBERS / d)));
  return { step, mu: packQuantised(mu, [fit, d]), logvar: logvar && packQuantised(logvar, [fit, d]) };
}

/**
 * The section `latent`, and the principal directions, for the next frame.
 * @param {Sample} sample @param {Codes} codes @param {Float64Array | null} previous @param {boolean} points whether means go along
 * @returns {{state: LatentData, directions: Float64Array}}
 */
export function latentState(sample, codes, previous, points) {
  const { n, d, mu, logvar, step } = codes;
  const mean = meanOf(mu, d);
  const variance = logvar ? meanOf(Float64Array.from(logvar, Math.exp), d) : new Float64Array(d);
  const own = varianceOf(mu, d);
  const centered = Float64Array.from(mu, (value, i) => value - mean[i % d]);
  const k = Math.min(d, MOST_DIRECTIONS);
  const directions = principalAxes(centered, d, k);
  if (previous?.length === directions.length) {
    for (let at = 0; at < directions.length; at += d) {
      let same = 0;
      for (let j = at; j < at + d; j++) same += directions[j] * previous[j];
      if (same < TURNED) for (let j = at; j < at + d; j++) directions[j] = -directions[j];
    }
  }
  const seen = along(centered, directions, d);
  const squares = meanOf(
    seen.map((value) => value * value),
    k,
  );
  const spread = along(
    variance,
    directions.map((value) => value * value),
    d,
  );
  const total = squares.map((square, r) => Math.sqrt(square + spread[r]));
  const fit = Math.min(n, Math.max(1, Math.floor(POINT_NUMBERS / d)));
  const kl = unitNumbers(codes).kl;
  return {
    directions,
    state: {
      step,
      prior: logvar !== null,
      n,
      mean: packFloats(mean),
      std: packFloats(own.map(Math.sqrt)),
      total_std: packFloats(own.map((one, j) => Math.sqrt(one + variance[j]))),
      low: packFloats(extremes(mu, d, Math.min)),
      high: packFloats(extremes(mu, d, Math.max)),
      kl: kl && packFloats(kl),
      directions: packFloats(directions, [k, d]),
      scales: packFloats(squares.map(Math.sqrt)),
      along: packFloats([...total, ...extremes(seen, k, Math.min), ...extremes(seen, k, Math.max)], [3, k]),
      points: points ? packQuantised(mu, [fit, d]) : null,
      labels: points && sample.classes ? packIntegers(sample.classes.subarray(0, fit)) : null,
    },
  };
}

/** Least or greatest of each column. @param {ArrayLike<number>} x @param {number} d @param {(a: number, b: number) => number} pick */
function extremes(x, d, pick) {
  const found = Float64Array.from({ length: d }, (_, j) => x[j]);
  for (let i = d; i < x.length; i++) found[i % d] = pick(found[i % d], x[i]);
  return found;
}

/** Latent vectors of some images: their means, or with a seed draws. @param {Codes} codes @param {ArrayLike<number>} index @param {number | null} seed */
export function latentsOf({ d, mu, logvar }, index, seed) {
  const z = new Float32Array(index.length * d);
  for (let i = 0; i < index.length; i++) {
    const eps = seed === null || !logvar ? null : normals(d, seed, index[i]);
    for (let j = 0; j < d; j++) {
      const at = index[i] * d + j;
      z[i * d + j] = mu[at] + (eps && logvar ? Math.exp(logvar[at] / 2) * eps[j] : 0);
    }
  }
  return z;
}

/**
 * The section `grid`: originals over reconstructions.
 * @param {Sample} sample @param {number} step @param {Int32Array} index @param {{name: string, seed: number | null, decoded: Uint8Array}} row
 * @returns {GridData}
 */
export function gridState(sample, step, index, { name, seed, decoded }) {
  const { images, shape, classes } = sample;
  const each = shape.reduce((a, b) => a * b, 1);
  const originals = new Uint8Array(index.length * each);
  index.forEach((from, to) => {
    originals.set(images.subarray(from * each, (from + 1) * each), to * each);
  });
  const packed = (/** @type {Uint8Array} */ bytes) => packBytes(bytes, [index.length, ...shape]);
  return {
    step,
    indices: { dtype: "i32", shape: [index.length], data: new Uint8Array(index.slice().buffer) },
    seed,
    labels: classes && packIntegers(index.map((i) => classes[i])),
    originals: packed(originals),
    rows: [{ name, images: packed(decoded) }],
  };
}

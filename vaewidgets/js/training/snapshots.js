/**
 * Pictures of a run in training: the sample encoded a chunk at a time, and the sections that the widgets of the page
 * want of it. No DOM.
 *
 * @typedef {import("./wants.js").Wants} Wants
 * @typedef {import("./frames.js").Codes} Codes
 * @typedef {import("./trainer.js").Trainer} Trainer
 * @typedef {import("../contract/types.js").Decoder} Decoder
 * @typedef {{step: number, epoch: number, sections: Record<string, any>[], keys: Record<string, any>[]}} Picture
 *   for each widget: sections of its frame, and live keys
 */
import { packIntegers } from "../contract/packing.js";
import { toBytes } from "../draw/images.js";
import * as frames from "./frames.js";
import { chooseSample, firstOf, originalsState } from "./sample.js";
import { createTimeLine } from "./time_line.js";

const CHUNK = 128;
const PER_EPOCH_MS = 500; // between moments of the time line within an epoch

/**
 * @param {Trainer} trainer
 * @param {Wants[]} wants of each widget
 * @param {() => number} now
 */
export function createSnapshots(trainer, wants, now) {
  const sample = chooseSample(trainer.data, Math.max(...wants.map(({ n }) => n)));
  const total = sample.nTest + sample.nTrain;
  const all = Int32Array.from({ length: total }, (_, i) => i);
  const { latentDim: d } = trainer.state();
  /** By number of points: the plane of the picture before, and its directions. @type {Map<number, import("../maths/axes.js").Plane>} */
  const planes = new Map();
  /** @type {Map<number, Float64Array>} */
  const directions = new Map();
  const first = networkOf("decoder");
  const timeLine = createTimeLine({
    n: total,
    d,
    weightsBytes: first.network ? first.network.weights.data.byteLength : 0,
  });
  /** Widgets that have got what does not change from one picture to the next. @type {Set<Wants>} */
  const begun = new Set();
  let moment = { epoch: -1, at: Number.NEGATIVE_INFINITY };

  /** @param {"decoder" | "encoder" | "score"} kind @returns {Decoder} */
  function networkOf(kind) {
    const network = /** @type {any} */ (trainer.network(kind));
    const reason = network ? null : `this page has no ${kind} of this model`;
    return { step: trainer.state().step, network, reason, value_range: trainer.data.valueRange };
  }

  /** @returns {Generator<void, Codes>} */
  function* encode() {
    const { step } = trainer.state();
    const told = oneHot(all);
    const classes = trainer.data.nClasses;
    const mu = new Float32Array(total * d);
    /** @type {Float32Array | null} */
    let logvar = null;
    let at = 0;
    for (const { part, index } of sample.parts) {
      for (let from = 0; from < index.length; from += CHUNK) {
        const chosen = index.subarray(from, from + CHUNK);
        const labels = told?.subarray(at * classes, (at + chosen.length) * classes) ?? null;
        const found = trainer.encode(trainer.images(part, chosen), labels);
        mu.set(found.mu, at * d);
        if (found.logvar) {
          logvar ??= new Float32Array(total * d);
          logvar.set(found.logvar, at * d);
        }
        at += chosen.length;
        yield;
      }
    }
    if (!mu.every(Number.isFinite))
      throw new Error("the encoder has diverged: its means are NaN or infinite.");
    return { step, n: total, d, mu, logvar };
  }

  /** Codes of the first so many. @param {Codes} codes @param {number} n @returns {Codes} */
  function part(codes, n) {
    if (n >= codes.n) return codes;
    const cut = (/** @type {Float32Array} */ all) => all.subarray(0, n * d);
    return { ...codes, n, mu: cut(codes.mu), logvar: codes.logvar && cut(codes.logvar) };
  }

  /** Sections of one widget. @param {Wants} want @param {Codes} whole @param {string} name of the run */
  function sectionsOf(want, whole, name) {
    const codes = part(whole, want.n);
    const seen = firstOf(sample, codes.n);
    /** @type {Record<string, any>} */
    const sections = {};
    if (want.sections.includes("scatter")) {
      const { state, plane } = frames.scatterState(seen, codes, planes.get(want.n) ?? null);
      planes.set(want.n, plane);
      sections.scatter = state;
    }
    if (want.sections.includes("units")) {
      const units = frames.unitsState(codes, want.thresholds);
      if (units) sections.units = units;
    }
    if (want.sections.includes("latent")) {
      const made = frames.latentState(seen, codes, directions.get(want.n) ?? null, want.latentPoints);
      directions.set(want.n, made.directions);
      sections.latent = made.state;
    }
    if (want.grid) {
      const { index, seed } = want.grid;
      const shown = index.filter((i) => i < codes.n);
      const x = trainer.decode(frames.latentsOf(codes, shown, seed), oneHot(shown));
      const decoded = toBytes(x, trainer.data.valueRange);
      sections.grid = frames.gridState(seen, codes.step, shown, { name, seed, decoded });
    }
    return sections;
  }

  /** Classes of images, for a model that is told them. @param {Int32Array} index */
  function oneHot(index) {
    const { labels } = sample;
    const classes = trainer.data.nClasses;
    if (!labels || !classes) return null;
    const out = new Float32Array(index.length * classes);
    index.forEach((from, i) => {
      if (labels[from] >= 0) out[i * classes + labels[from]] = 1;
    });
    return out;
  }

  /** Values of the author's own. @param {Wants} want @param {number} n */
  function own({ values }, n) {
    const { places } = trainer.data;
    return places === undefined ? [] : frames.ownValues(values, places, n);
  }

  /** Live keys of one widget. @param {Wants} want @param {Codes} all @param {{decoder: Decoder, encoder: Decoder | null, score: Decoder | null}} networks */
  function keysOf(want, all, { decoder, encoder, score }) {
    const codes = part(all, want.n);
    const seen = firstOf(sample, codes.n);
    /** @type {Record<string, () => any>} */
    const made = {
      decoder: () => decoder,
      encoder: () => encoder,
      score: () => score,
      values: () => frames.valuesState(codes, own(want, codes.n)),
      posteriors: () => frames.posteriorState(codes),
      originals: () => originalsState(seen),
      sample_labels: () => seen.classes && packIntegers(seen.classes),
    };
    const sent = begun.has(want)
      ? want.keys.filter((key) => key !== "originals" && key !== "sample_labels")
      : want.keys;
    begun.add(want);
    return Object.fromEntries(sent.map((key) => [key, made[key]()]));
  }

  return {
    timeLine,
    /**
     * Encode the sample, giving way between chunks, and build what each widget shows; the trainer must not move
     * meanwhile.
     * @param {string} name of the run
     * @param {boolean} heavy with networks, the time line and what else comes at most once a second
     * @returns {Generator<void, Picture>}
     */
    *take(name, heavy) {
      const codes = yield* encode();
      const { epoch } = trainer.state();
      const isMoment = epoch !== moment.epoch || now() - moment.at >= PER_EPOCH_MS;
      const decoder = heavy || isMoment ? networkOf("decoder") : null;
      if (isMoment && decoder) {
        timeLine.add(codes, epoch, decoder);
        moment = { epoch, at: now() };
      }
      yield;
      const sections = [];
      for (const want of wants) {
        sections.push(sectionsOf(want, codes, name));
        yield;
      }
      if (!heavy || !decoder) return { step: codes.step, epoch, sections, keys: wants.map(() => ({})) };
      const wanted = (/** @type {"encoder" | "score"} */ kind) =>
        wants.some(({ keys }) => keys.includes(kind)) ? networkOf(kind) : null;
      const networks = { decoder, encoder: wanted("encoder"), score: wanted("score") };
      const slots = timeLine.changedSlots();
      const keys = [];
      for (const want of wants) {
        const plane = planes.get(want.n) ?? null;
        const own = keysOf(want, codes, networks);
        keys.push({ ...own, ...("decoder" in own ? slots : {}), time_line: timeLine.line(plane) });
        yield;
      }
      return { step: codes.step, epoch, sections, keys };
    },
  };
}

/** @typedef {ReturnType<typeof createSnapshots>} Snapshots */

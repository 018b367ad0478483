/**
 * What a run of the page keeps of its past: posteriors of the sample, and a few sets of the decoder's weights (as
 * runs/time_line.py and sections/time_line.py). No DOM.
 *
 * @typedef {import("./frames.js").Codes} Codes
 * @typedef {import("../contract/types.js").TimeLine} TimeLine
 * @typedef {import("../contract/types.js").TimeWeights} TimeWeights
 * @typedef {import("../contract/types.js").Packed} Packed
 * @typedef {import("../maths/axes.js").Plane} Plane
 * @typedef {{step: number, epoch: number, kl: Float64Array | null, varMu: Float64Array, mu: Packed}} Moment  mu in 16 bits each
 */
import { toFloat32 } from "../contract/bytes.js";
import { packFloats, packQuantised } from "../contract/packing.js";
import { ontoPlane } from "../maths/axes.js";
import { posteriorState, priorState, projectionState, unitNumbers } from "./frames.js";

const MOST_FRAMES = 64;
const FRAMES_NUMBERS = 4_000_000; // of all frames' means
const MOST_SLOTS = 8;
const PAGE_WEIGHTS_BYTES = 8_000_000;

/**
 * Items in order, at most so many: when they are too many every second goes and the spacing doubles. The first and the
 * newest are always there.
 * @template T
 * @param {number} most
 */
export function createThinned(most) {
  let every = 1;
  let count = 0;
  /** @type {[number, T][]} */
  let items = [];
  return {
    /** @returns {T[]} */
    all: () => items.map(([, item]) => item),
    /** @param {T} item */
    add(item) {
      if (items.length && items[items.length - 1][0] % every) items.pop();
      items.push([count++, item]);
      while (items.length > most) {
        every *= 2;
        const last = items[items.length - 1];
        items = items.filter((one) => one[0] % every === 0 || one === last);
      }
    },
    state: () => ({ every, count, items }),
    /** @param {any} kept */
    restore(kept) {
      ({ every, count, items } = kept);
    },
  };
}

/** @param {{n: number, d: number, weightsBytes: number}} sizes of the sample's means, and of one set of weights */
export function createTimeLine({ n, d, weightsBytes }) {
  const frames = /** @type {ReturnType<typeof createThinned<Moment>>} */ (
    createThinned(Math.max(2, Math.min(MOST_FRAMES, Math.floor(FRAMES_NUMBERS / (n * d)))))
  );
  const fit = Math.min(MOST_SLOTS, Math.floor(PAGE_WEIGHTS_BYTES / Math.max(1, weightsBytes)));
  const sets = /** @type {ReturnType<typeof createThinned<TimeWeights>>} */ (createThinned(Math.max(2, fit)));
  /** @type {Map<TimeWeights, number>} which slot of the page holds a set */
  const slots = new Map();

  return {
    /** @param {Codes} codes @param {number} epoch @param {import("../contract/types.js").Decoder} decoder */
    add(codes, epoch, decoder) {
      const { kl, varMu } = unitNumbers(codes);
      frames.add({ step: codes.step, epoch, kl, varMu, mu: packQuantised(codes.mu, [n, d]) });
      const { mu, logvar } = posteriorState(codes);
      if (fit >= 2 && decoder.network) sets.add({ ...decoder, mu, logvar });
    },
    get steps() {
      return frames.all().map(({ step }) => step);
    },
    /** Slots that changed since the last call, by the name of the live key. @returns {Record<string, TimeWeights | null>} */
    changedSlots() {
      const wanted = sets.all();
      /** @type {Record<string, TimeWeights | null>} */
      const keys = {};
      for (const [set, slot] of [...slots]) {
        if (wanted.includes(set)) continue;
        slots.delete(set);
        keys[`time_weights_${slot}`] = null;
      }
      for (const set of wanted) {
        if (slots.has(set)) continue;
        let slot = 0;
        while ([...slots.values()].includes(slot)) slot++;
        slots.set(set, slot);
        keys[`time_weights_${slot}`] = set;
      }
      return keys;
    },
    /** The live key `time_line`, its points on the newest plane. @param {Plane | null} plane @returns {TimeLine} */
    line(plane) {
      const all = frames.all();
      const kls = all.map(({ kl }) => kl);
      const stacked = (/** @type {Float64Array[]} */ rows) =>
        packFloats(
          rows.flatMap((row) => [...row]),
          [rows.length, d],
        );
      /** @type {TimeLine} */
      const line = {
        steps: all.map(({ step }) => step),
        epochs: all.map(({ epoch }) => epoch),
        kl: kls.some((kl) => kl === null) ? null : stacked(/** @type {Float64Array[]} */ (kls)),
        var_mu: stacked(all.map(({ varMu }) => varMu)),
        weights: sets.all().map(({ step }) => step),
      };
      if (!plane || all.length === 0) return line;
      const points = new Float64Array(all.length * n * 2);
      all.forEach(({ mu }, i) => {
        points.set(ontoPlane(toFloat32(mu), plane), i * n * 2);
      });
      return {
        ...line,
        points: packQuantised(points, [all.length, n, 2]),
        projection: projectionState(plane),
        prior: priorState(plane),
      };
    },
    state: () => ({ frames: frames.state(), sets: sets.state() }),
    /** @param {any} kept */
    restore(kept) {
      frames.restore(kept.frames);
      sets.restore(kept.sets);
    },
  };
}

/** @typedef {ReturnType<typeof createTimeLine>} TimeLineKeeper */

/**
 * The newest codes of a run, what is measured of them, and the fit: made step by step on the browser's clock.
 *
 * @typedef {import("./codes.js").Codes} Codes
 * @typedef {import("./mixture.js").Fit} Fit
 * @typedef {{z: Float64Array, inHole: Uint8Array, share: number}} Draws  flat (PRIOR_DRAWS, d)
 */
import { toFloat32 } from "../../contract/bytes.js";
import { reducedMotion } from "../../host/dom.js";
import { createPainter } from "../../host/painter.js";
import { findHoles, heldLikelihood, inHoles, normalDraws, PRIOR_DRAWS, priorCodes } from "./codes.js";
import { createFit, mixtureDraws } from "./mixture.js";

/** Of EM, once "fit" is pressed. */
export const STEPS = 40;
/** Between two steps that one watches. */
const PAUSE_MS = 60;
/** Of each frame, for those that nobody watches. */
const BUDGET_MS = 8;

/** @param {HTMLElement} el @param {() => void} onChange */
export function createFitting(el, onChange) {
  let source = /** @type {any} */ (null);
  let codes = /** @type {Codes | null} */ (null);
  let holes = /** @type {import("./codes.js").Holes | null} */ (null);
  /** The fit that is shown, and the one that is under way on newer codes. @type {Fit | null} */
  let shown = null;
  let next = /** @type {Fit | null} */ (null);
  /** Those that it is made on. */
  let begun = codes;
  let normalLikelihood = 0;
  let wanted = { steps: 0, components: 0, seed: -1 };
  let watched = false;
  let due = 0;
  /** @type {{normal: Draws | null, learned: Draws | null}} */
  const draws = { normal: null, learned: null };

  /** @param {Float64Array} z @returns {Draws | null} */
  function measured(z) {
    if (!codes || !holes) return null;
    const inHole = inHoles(codes, holes, z);
    return { z, inHole, share: inHole.reduce((sum, one) => sum + one, 0) / inHole.length };
  }

  const drawNormal = () => {
    draws.normal = codes && measured(normalDraws(PRIOR_DRAWS, codes.d, wanted.seed));
  };
  const drawLearned = () => {
    draws.learned = shown && measured(mixtureDraws(shown.mixture, PRIOR_DRAWS, wanted.seed));
  };
  const stepsOf = (/** @type {Fit} */ fit) => fit.logLikelihood.length - 1;

  const painter = createPainter(el, (now) => {
    if (!next) return false;
    const isSeen = watched && !reducedMotion();
    if (isSeen && now < due) return true;
    due = now + PAUSE_MS;
    const start = performance.now();
    while (stepsOf(next) < wanted.steps) {
      next.step();
      if (isSeen || performance.now() - start > BUDGET_MS) break;
    }
    const ended = stepsOf(next) >= wanted.steps;
    if (isSeen || ended) {
      shown = next;
      drawLearned();
    }
    if (ended) {
      next = null;
      watched = false;
    }
    if (ended && begun !== codes) restart();
    if (isSeen || ended) onChange();
    return next !== null;
  });

  function restart() {
    begun = codes;
    next = codes && wanted.steps > 0 ? createFit(codes, wanted.components) : null;
    if (wanted.steps === 0) shown = draws.learned = null;
    if (next) painter.request();
  }

  return {
    draws,
    get codes() {
      return codes;
    },
    get holes() {
      return holes;
    },
    /** Mean log density of the held-out codes under N(0, I). */
    get normalLikelihood() {
      return normalLikelihood;
    },
    get fit() {
      return shown;
    },
    /** Whether steps are being made that one watches. */
    get running() {
      return watched;
    },
    /** Whether what is shown is not yet what is asked for. */
    get pending() {
      return next !== null;
    },
    /** Steps that the shown fit has made. */
    get steps() {
      return shown ? stepsOf(shown) : 0;
    },
    /** Fit, to be watched. */
    watch() {
      watched = true;
      wanted = { ...wanted, steps: STEPS };
      restart();
    },
    /** End what is watched where it is. @returns {number} steps made */
    stop() {
      watched = false;
      next = null;
      wanted.steps = shown ? stepsOf(shown) : 0;
      return wanted.steps;
    },
    /**
     * @param {import("../../contract/types.js").Posteriors} posteriors
     * @param {{steps: number, components: number, seed: number}} asked
     */
    update({ mu, logvar }, asked) {
      const fresh = mu !== source;
      if (fresh) {
        source = mu;
        codes = logvar && priorCodes(toFloat32(mu), toFloat32(logvar), mu.shape[1]);
        holes = codes && findHoles(codes);
        normalLikelihood = codes ? heldLikelihood(codes) : 0;
        if (shown && shown.mixture.d !== codes?.d) shown = null;
        if (next && next.mixture.d !== codes?.d) next = null;
      }
      const steps = watched ? STEPS : asked.steps;
      const other = steps !== wanted.steps || asked.components !== wanted.components;
      const redrawn = asked.seed !== wanted.seed;
      wanted = { ...asked, steps };
      // Steps that one watches go on with the codes that they began with; the newest are fitted after them.
      if (other || (fresh && !watched && !next)) restart();
      if (fresh || redrawn) {
        drawNormal();
        drawLearned();
      }
    },
    destroy: () => painter.destroy(),
  };
}

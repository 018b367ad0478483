/** A place among codes as the answer of an exercise: one class is left out, and appears when it is revealed. */

import { toFloat32, toInt32 } from "../../contract/bytes.js";
import { h, setText, show } from "../../host/dom.js";
import { formatFixed } from "../../maths/format.js";
import { extent } from "../../maths/statistics.js";
import { createLatentMap } from "../../panels/latent_map.js";

/** So many times an arrow key leads from one border to the other. */
const STEPS = 80;

/**
 * @param {HTMLElement} el
 * @param {{exercise: import("./predict.js").Place, theme: import("../../host/theme.js").Theme,
 *   onAnswer: (answer: [number, number]) => void}} opts
 */
export function createPlace(el, { exercise, theme, onAnswer }) {
  const { name, label, class_names: classNames } = exercise;
  const wrap = h("div", "vw-predict-place");
  const waiting = h("p", "vw-note", { text: "The codes appear here when the run has ended." });
  wrap.append(waiting);
  el.append(wrap);
  let locked = false;
  /** @type {[number, number]} */
  let shown = [0, 0];
  /** @param {[number, number]} at */
  function say(at) {
    // At once, not when it is drawn: the next key goes on from here.
    shown = [Number(at[0].toFixed(3)), Number(at[1].toFixed(3))];
    onAnswer(shown);
  }
  const map = createLatentMap(wrap, {
    theme,
    label: `codes of all classes but ${name}`,
    onDrag: (_, at) => !locked && say(at),
    onKey(_, dx, dy) {
      const { x0, x1 } = inSight();
      if (!locked) say([shown[0] + (dx * (x1 - x0)) / STEPS, shown[1] + (dy * (x1 - x0)) / STEPS]);
    },
  });
  const canvas = /** @type {HTMLCanvasElement} */ (map.wrap.querySelector("canvas"));
  const onClick = (/** @type {MouseEvent} */ event) => {
    const at = locked ? null : map.under(event);
    if (at) say(at);
  };
  canvas.addEventListener("click", onClick);

  /** @type {import("./predict.js").PlaceMap | null} */
  let read = null;
  let all = new Float32Array();
  let labels = new Int32Array();
  let others = { points: all, labels };

  /** @param {import("./predict.js").PlaceMap} next */
  function take(next) {
    read = next;
    all = Float32Array.from(toFloat32(next.points));
    labels = Int32Array.from(toInt32(next.labels));
    const kept = [...labels.keys()].filter((i) => labels[i] !== label);
    others = {
      points: Float32Array.from(kept.flatMap((i) => [all[2 * i], all[2 * i + 1]])),
      labels: Int32Array.from(kept, (i) => labels[i]),
    };
  }

  /** A square around the middle: its size tells how far out the hidden class may be, and not where. */
  function inSight() {
    const [u, v] = read?.prior?.center ?? middle();
    const far = all.reduce((most, x, i) => Math.max(most, Math.abs(x - (i % 2 ? v : u)) || 0), 0);
    const reach = 1.1 * Math.max(far, 2.2);
    return { x0: u - reach, x1: u + reach, y0: v - reach, y1: v + reach };
  }

  /** Short of an end, where a name stands. @param {[number, number]} end @param {[number, number]} from
   * @param {number} gap @returns {[number, number]} */
  function before(end, from, gap) {
    const share = Math.min(gap / Math.hypot(from[0] - end[0], from[1] - end[1]) || 1, 1);
    return [end[0] + share * (from[0] - end[0]), end[1] + share * (from[1] - end[1])];
  }

  function middle() {
    const [xs, ys] = [0, 1].map((axis) => extent(all.filter((_, i) => i % 2 === axis)) ?? [0, 0]);
    return [(xs[0] + xs[1]) / 2, (ys[0] + ys[1]) / 2];
  }

  return {
    /** @param {import("./asks.js").Stand & {map?: any}} stand */
    update({ answer, truth, revealed, map: codes }) {
      show(waiting, !codes);
      show(map.wrap, Boolean(codes));
      if (!codes) return;
      if (codes.step !== read?.step) take(codes);
      locked = revealed;
      const sight = inSight();
      // A corner of the square is farther out than any code: there the question mark waits in plain sight.
      shown = answer ?? [0.12 * sight.x0 + 0.88 * sight.x1, 0.12 * sight.y0 + 0.88 * sight.y1];
      map.wrap.classList.toggle("is-unset", answer === null);
      map.wrap.classList.toggle("is-locked", revealed);
      const [u, v] = shown;
      map.update({
        ...(revealed ? { points: all, labels } : others),
        classNames,
        axes: ["z₁", "z₂"],
        prior: codes.prior,
        path: revealed ? [shown, before(truth, shown, 0.05 * (sight.x1 - sight.x0))] : [],
        extent: sight,
        handles: [
          {
            at: shown,
            text: "?",
            label: `where ${name} will lie`,
            value: answer === null ? "not placed yet" : `z₁ ${formatFixed(u, 2)}, z₂ ${formatFixed(v, 2)}`,
          },
        ],
      });
      setText(canvas, "");
      canvas.setAttribute(
        "aria-label",
        revealed
          ? `codes of all classes; the center of ${name} lies at z₁ ${formatFixed(truth[0], 2)}, z₂ ${formatFixed(truth[1], 2)}`
          : `codes of all classes but ${name}`,
      );
    },
    toClient: (/** @type {number} */ u, /** @type {number} */ v) => map.toClient(u, v),
    destroy() {
      canvas.removeEventListener("click", onClick);
      map.destroy();
      wrap.remove();
    },
  };
}

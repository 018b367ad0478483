/**
 * The time line of a run: a slider over the moments that the run remembers, bound to the view's `time` (a step, or
 * null for now), and what the page knows of that moment. While `time` is set, live frames go on arriving and the
 * picture stays.
 *
 * For tests: `.vw-time` holds `.vw-time-play` and `.vw-time-slider` (its right end is "now").
 *
 * @typedef {import("../contract/types.js").Packed} Packed
 * @typedef {import("../contract/types.js").Decoder} Decoder
 * @typedef {import("../contract/types.js").TimeLine} TimeLine
 * @typedef {import("../host/widget.js").State} State
 * @typedef {import("../contract/types.js").TimeWeights} TimeWeights
 * @typedef {{index: number, step: number, epoch: number}} Moment
 */

import { toFloat32 } from "../contract/bytes.js";
import { createPress, ICONS } from "../host/controls.js";
import { assign, h, OWN_KEYS, setAttributes, setText, show } from "../host/dom.js";
import { formatCount } from "../maths/format.js";

const SLOTS = 8;
const PLAY_MS = 260;
/** A run in one of these will have moments to go back to. */
const EXPECTED = ["created", "running", "paused"];

/**
 * The frame nearest at or before a step.
 * @param {number[]} steps ascending, not empty
 * @param {number} time
 */
export function frameAt(steps, time) {
  let index = 0;
  while (index + 1 < steps.length && steps[index + 1] <= time) index++;
  return index;
}

/** "epoch 3, step 700" @param {{step: number, epoch: number}} moment */
export function momentText({ step, epoch }) {
  return step === 0 ? "before training" : `epoch ${formatCount(epoch)}, step ${formatCount(step)}`;
}

/**
 * The sets of weights that came along, the oldest first.
 * @param {State} state
 * @param {string} [run] the id of one that is not the widget's first
 * @returns {TimeWeights[]}
 */
export function timeWeights(state, run = "") {
  const suffix = run ? `:${run}` : "";
  /** @type {TimeWeights[]} */
  const found = [];
  for (let slot = 0; slot < SLOTS; slot++) {
    const weights = state.get(`time_weights_${slot}${suffix}`);
    if (weights) found.push(weights);
  }
  return found.sort((a, b) => a.step - b.step);
}

/**
 * The decoder as it was: the newest weights at or before a step, else the oldest there are; of now where time is null.
 * @param {State} state
 * @param {number | null} time
 * @param {string} [run]
 * @returns {TimeWeights | null}
 */
export function decoderAt(state, time, run = "") {
  const now = run ? state.get(`decoder:${run}`) : state.decoder;
  if (time === null) return now;
  const sets = timeWeights(state, run);
  return sets.filter(({ step }) => step <= time).pop() ?? sets[0] ?? now;
}

/**
 * What a time line says of the moment that is chosen; unpacked once a moment.
 */
export function createTimeReader() {
  /** @type {TimeLine | null} */
  let line = null;
  /** @type {Float32Array | null} */
  let all = null;
  return {
    /** @param {TimeLine | null} next */
    read(next) {
      if (next !== line) all = null;
      line = next;
    },
    get line() {
      return line;
    },
    /** @param {number | null} time @returns {Moment | null} null: now */
    at(time) {
      if (time === null || !line || line.steps.length === 0) return null;
      const index = frameAt(line.steps, time);
      return { index, step: line.steps[index], epoch: line.epochs[index] };
    },
    /**
     * Points of a frame; places beyond those that the time line keeps hold NaN.
     * @param {number} index
     * @param {number} count points wanted
     * @returns {Float32Array | null} flat (count, 2)
     */
    points(index, count) {
      if (!line?.points) return null;
      all ??= toFloat32(line.points);
      const n = line.points.shape[1];
      const frame = all.subarray(2 * n * index, 2 * n * (index + 1));
      if (n >= count) return frame.slice(0, 2 * count);
      const out = new Float32Array(2 * count).fill(Number.NaN);
      out.set(frame);
      return out;
    },
    /** KL and Var(mu) of each unit. @param {number} index */
    units(index) {
      if (!line?.kl) return null;
      const d = line.kl.shape[1];
      const row = (/** @type {Packed} */ packed) => toFloat32(packed).slice(d * index, d * (index + 1));
      return { kl: row(line.kl), varMu: row(line.var_mu) };
    },
  };
}

/**
 * @param {HTMLElement} el
 * @param {{view: import("../host/view.js").ViewState}} context
 */
export function createTimeLine(el, { view }) {
  const reader = createTimeReader();
  const slider = h("input", "vw-slider vw-time-slider", {
    type: "range",
    min: 0,
    max: 0,
    step: 1,
    "aria-label": "training time",
  });
  const place = h("output", "vw-time-place");
  const note = h("span", "vw-note vw-time-note", { hidden: true });
  const wrap = h("div", "vw-time", { ...OWN_KEYS, hidden: true });
  el.append(wrap);
  const play = createPress(wrap, { name: "time-play", onPress: () => (timer ? stop() : start()) });
  wrap.append(slider, place, note);
  let timer = 0;
  /** Whether its place is kept: moments are on their way. */
  let isExpected = false;

  const count = () => reader.line?.steps.length ?? 0;
  const time = () => /** @type {number | null} */ (view.get("time"));
  const moment = () => reader.at(time());

  /** @param {number} index the right end, beyond the last frame, is now */
  function go(index) {
    view.set("time", index >= count() ? null : (reader.line?.steps[index] ?? null));
    draw();
  }

  function stop() {
    clearInterval(timer);
    timer = 0;
    draw();
  }

  function start() {
    go(moment()?.index ?? 0);
    timer = window.setInterval(() => {
      const at = moment();
      if (!wrap.isConnected || !at) return stop();
      go(at.index + 1);
      return at.index + 1 >= count() ? stop() : undefined;
    }, PLAY_MS);
    draw();
  }

  slider.addEventListener("input", () => {
    if (timer) stop();
    go(Number(slider.value));
  });

  function draw() {
    const n = count();
    const isEmpty = n < 2;
    show(wrap, !isEmpty || isExpected);
    const at = isEmpty ? null : moment();
    const value = String(at ? at.index : n);
    assign(slider, { max: String(Math.max(n, 1)), value: isEmpty ? "1" : value, disabled: isEmpty });
    const text = at ? momentText(at) : "now";
    setText(place, text);
    setAttributes(slider, { "aria-valuetext": text });
    play.update({
      disabled: isEmpty,
      text: "",
      icon: timer ? ICONS.pause : ICONS.train,
      title: timer ? "pause" : "play the training from here",
    });
    setAttributes(play.button, { "aria-label": timer ? "pause" : "play the training" });
  }

  return {
    /** @param {State} state @param {string} [run] the id of one that is not the widget's first */
    update(state, run = "") {
      reader.read(state.get(run ? `time_line:${run}` : "time_line"));
      isExpected ||= EXPECTED.includes(state.frame.run?.status ?? "");
      draw();
      const at = moment();
      const decoder = at && decoderAt(state, time(), run);
      const other = at && decoder && decoder.step !== at.step;
      show(note, Boolean(other));
      setText(note, other ? `decoder of step ${formatCount(decoder.step)}` : "");
    },
    /** The moment that is chosen; null: now. */
    get moment() {
      return moment();
    },
    /** @param {number} n points wanted @returns {Float32Array | null} null: now, or not known */
    points(n) {
      const at = moment();
      return at && reader.points(at.index, n);
    },
    /** KL and Var(mu) then; null: now, or not known. */
    units() {
      const at = moment();
      return at && reader.units(at.index);
    },
    reader,
    destroy() {
      clearInterval(timer);
      play.destroy();
      wrap.remove();
    },
  };
}

/** @typedef {ReturnType<typeof createTimeLine>} TimeLinePart */

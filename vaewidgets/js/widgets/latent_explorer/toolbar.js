/**
 * The controls of a run. Each shows only where it works: an attached run has no train button, a schedule no slider,
 * a saved page no button at all.
 *
 * @typedef {import("../../contract/types.js").RunInfo} RunInfo
 * @typedef {import("../../host/commands.js").Commands} Commands
 */

import { createChoice, createPress, createSlider, ICONS } from "../../host/controls.js";
import { h, setText } from "../../host/dom.js";
import { formatCount, formatNumber } from "../../maths/format.js";

const SETTLE_MS = 400;

const SPEEDS = [
  { text: "½ epoch/s", value: 0.5 },
  { text: "1 epoch/s", value: 1 },
  { text: "2 epochs/s", value: 2 },
  { text: "5 epochs/s", value: 5 },
  { text: "full speed", value: null },
];

/**
 * What the main button does in each status.
 * @param {RunInfo} run
 * @param {number} more epochs that "train more" adds
 * @returns {{text: string, icon: "train"|"pause", action: "pause"|"resume"|"more"} | null} null: no button
 */
export function mainAction(run, more) {
  if (run.status === "running") return { text: "pause", icon: "pause", action: "pause" };
  if (run.status === "paused") return { text: "resume", icon: "train", action: "resume" };
  if (!run.can_train || run.status === "failed") return null;
  if (run.status === "created") return { text: "train", icon: "train", action: "resume" };
  const complete = run.epochs !== null && run.epoch >= run.epochs;
  if (run.status === "stopped" && !complete) return { text: "resume", icon: "train", action: "resume" };
  return { text: `train ${more} more`, icon: "train", action: "more" };
}

/** @param {RunInfo} run */
const isActive = ({ status }) => status === "running" || status === "paused";

/** "epoch 12/30", its share, and how fast. @param {RunInfo} run */
export function progressOf({ epoch, epochs, step, steps_per_epoch: perEpoch }) {
  if (epochs !== null && perEpoch) {
    return { text: `epoch ${epoch}/${epochs}`, share: Math.min(step / Math.max(epochs * perEpoch, 1), 1) };
  }
  if (epochs !== null) return { text: `epoch ${epoch}/${epochs}`, share: Math.min(epoch / epochs, 1) };
  return {
    text: epoch > 0 ? `epoch ${epoch}, step ${formatCount(step)}` : `step ${formatCount(step)}`,
    share: null,
  };
}

/** @param {HTMLElement} el */
function createProgress(el) {
  const text = h("span", "vw-progress-text");
  const fill = h("div", "vw-progress-fill");
  const bar = h("div", "vw-progress-bar", { role: "progressbar", "aria-valuemin": 0, "aria-valuemax": 100 }, [
    fill,
  ]);
  const wrap = h("div", "vw-progress", {}, [text, bar]);
  el.append(wrap);
  return {
    /** @param {{text: string, share: number|null}} state share 0…1, null when the end is not known */
    update({ text: label, share }) {
      setText(text, label);
      bar.hidden = share === null;
      if (share === null) return;
      fill.style.transform = `scaleX(${share.toFixed(4)})`;
      bar.setAttribute("aria-valuenow", (share * 100).toFixed(0));
      bar.setAttribute("aria-label", label);
    },
    destroy() {
      wrap.remove();
    },
  };
}

/**
 * @param {HTMLElement} el
 * @param {Commands} commands
 */
export function createToolbar(el, commands) {
  /** @type {RunInfo | null} */
  let run = null;
  let knownRun = "";
  let more = 10;
  /** Newest command of each name sent from here, and when.
   * @type {Map<string, {seq: number, at: number, step: number|undefined}>} */
  const sent = new Map();

  /** @param {import("../../contract/types.js").CommandName} name @param {any} [value] */
  const command = (name, value) => {
    sent.set(name, { seq: commands.send(name, value), at: performance.now(), step: run?.step });
  };
  /**
   * What is set here counts from the next step on; until then frames carry the old value, for long in a pause.
   * @param {string} name
   */
  const onItsWay = (name) => {
    const last = sent.get(name);
    if (last === undefined) return false;
    return commands.isPending(last.seq) || performance.now() - last.at < SETTLE_MS || last.step === run?.step;
  };

  const actions = h("div", "vw-group vw-group-train");
  const status = h("div", "vw-group vw-group-progress");
  const knobs = h("div", "vw-group vw-group-knobs");
  el.append(actions, status, knobs);

  const main = createPress(actions, {
    name: "main-button",
    onPress() {
      const next = run && mainAction(run, more);
      if (!run || !next) return;
      if (next.action === "more") command("epochs", Math.max(run.epochs ?? run.epoch, run.epoch) + more);
      command(next.action === "pause" ? "pause" : "resume");
    },
  });
  const again = createPress(actions, {
    name: "again",
    title: "begin again from random weights; this run stays as a ghost to compare",
    onPress: () => command("new_run", {}),
  });
  const step = createPress(actions, { name: "step", onPress: () => command("advance", 1) });
  const stop = createPress(actions, { name: "stop", onPress: () => command("stop") });
  const progress = createProgress(status);
  const rate = h("span", "vw-note vw-rate");
  const wait = h("span", "vw-note vw-wait", {
    role: "status",
    text: commands.offline ? "getting ready …" : "waiting for the kernel",
  });
  status.append(rate, wait);
  const beta = createSlider(knobs, {
    name: "beta",
    label: "β",
    title: "weight of the KL in the loss",
    min: 0.01,
    max: 10,
    zero: true,
    onChange: (value) => command("beta", value),
  });
  const lr = createSlider(knobs, {
    name: "lr",
    label: "lr",
    title: "learning rate",
    min: 1e-5,
    max: 1e-1,
    zero: false,
    onChange: (value) => command("lr", value),
  });
  const speed = createChoice(knobs, {
    name: "speed",
    label: "speed",
    choices: SPEEDS,
    textOf: (value) => `${formatNumber(Number(value), 2)} epochs/s`,
    onChange: (value) => command("speed", value),
  });
  const parts = [main, again, step, stop, progress, beta, lr, speed];

  /** @param {RunInfo} next */
  function updateButtons(next) {
    const action = commands.rests ? null : mainAction(next, more);
    const over = next.status === "finished" || next.status === "failed";
    const active = isActive(next);
    main.update(action ? { text: action.text, icon: ICONS[action.icon] } : { hidden: true });
    // who opens a page that trains wants to see it from the beginning
    const fresh = commands.offline && !commands.rests && next.status !== "created" && !active;
    again.update({ text: "train from scratch", icon: ICONS.again, hidden: !fresh });
    const leads = fresh && (action === null || action.action === "more");
    again.button.classList.toggle("vw-lead", leads);
    main.button.classList.toggle("vw-plain", leads);
    step.update({
      text: "step",
      icon: ICONS.step,
      title: "train one step, then pause",
      hidden: !next.can_train || over || commands.rests,
      disabled: next.status === "running",
    });
    stop.update({
      text: "stop",
      icon: ICONS.stop,
      hidden: over || (!next.can_train && !active) || commands.rests,
      disabled: !active,
    });
    actions.hidden = main.button.hidden && step.button.hidden && stop.button.hidden;
  }

  return {
    /** @param {RunInfo} next */
    update(next) {
      run = next;
      if (next.id !== knownRun) {
        knownRun = next.id;
        more = next.epochs ?? 10;
      }
      updateButtons(next);
      const failed = next.status === "failed";
      progress.update(progressOf(next));
      const fast = next.status === "running" && next.steps_per_second > 0;
      const status = next.status === "created" ? "not trained yet" : next.status;
      if (commands.rests) setText(rate, isActive(next) ? "saved during training" : status);
      else setText(rate, fast ? `${formatNumber(next.steps_per_second, 3)} steps/s` : status);
      rate.title = `trained on ${next.device}`;
      beta.update({
        value: next.beta,
        editable: next.beta_controllable && !failed && !commands.rests,
        note: next.beta_schedule,
        hold: onItsWay("beta"),
      });
      lr.update({
        value: next.lr ?? 0,
        editable: next.lr_controllable && !failed && !commands.rests,
        hidden: next.lr === null || next.lr === undefined,
        hold: onItsWay("lr"),
      });
      speed.update({
        value: next.speed,
        hidden: !next.can_train || failed || commands.rests,
        hold: onItsWay("speed"),
      });
    },
    destroy() {
      for (const part of parts) part.destroy();
    },
  };
}

/**
 * A stand-in for the kernel: takes the commands of the page's widgets, drives a trainer and publishes the same live
 * keys as Python does, at most ten times a second. Runs in a worker, or in slices on the page's main thread. No DOM.
 *
 * @typedef {import("./trainer.js").Trainer} Trainer
 * @typedef {import("../contract/types.js").Trainable} Trainable
 * @typedef {import("../contract/types.js").RunState} RunState
 * @typedef {import("../contract/types.js").Ghost} Ghost
 * @typedef {import("./wants.js").Wants} Wants
 * @typedef {import("./own_set.js").OwnData} OwnData
 * @typedef {import("./batches.js").DataSet} DataSet
 * @typedef {Generator<void, import("./snapshots.js").Picture>} Picturing  a picture under way
 * @typedef {{run: RunState, form: import("../contract/types.js").Form | null,
 *   curves: import("../contract/types.js").Curves | null, units: import("../contract/types.js").Units | null,
 *   classes: import("../contract/types.js").Classes | null}} Saved
 *   what the page was saved with
 * @typedef {{trainer: Trainer, payload: Trainable, wants: Wants[], saved: Saved, sliceMs: number,
 *   post: (updates: Record<string, any>[]) => void, keep: (kept: any) => void,
 *   now?: () => number, later?: (fn: () => void, ms: number) => void}} Options
 *   wants: of each widget; post: live keys for each widget; keep: takes what `restore` goes on from
 */
import { curvesState, joinedCurves } from "./frames.js";
import { epochsFor, MOST_KEPT_BYTES, OWN_NAME, ownSet } from "./own_set.js";
import { createPace } from "./pace.js";
import { formState, ghostState, runState, settingsOf } from "./run_info.js";
import { createSnapshots } from "./snapshots.js";

const FRAME_MS = 100;
const WEIGHTS_MS = 1000;
const KEEP_MS = 5000;
/** After so long a new run is kept for the first time. */
const FIRST_KEEP_MS = 1000;
/** Of the time, that pictures may take while it trains; of a run that has just begun more: its first steps are the ones
 * worth seeing. */
const PICTURE_SHARE = 0.25;
const BEGINNING_MS = 3000;
const LEAST_WAIT = 0.3;
/** What a widget's view holds when another run is shown; and when its images are others. */
const FRESH_VIEW = { ghost: true, path: null, off: [], time: null, hover: null };
const OTHER_IMAGES = { selected: null, classes: null };

/** @param {Options} options */
export function createPageKernel({
  trainer,
  payload,
  wants,
  saved,
  sliceMs,
  post,
  keep,
  now = () => performance.now(),
  later = (fn, ms) => void setTimeout(fn, ms),
}) {
  const given = trainer.data;
  /** Images of the reader's own, as they came and as a data set. @type {{images: OwnData, set: DataSet} | null} */
  let own = null;
  let snapshots = createSnapshots(trainer, wants, now);
  const pace = createPace(now);
  /** @type {RunState["status"]} */
  let status = saved.run.status;
  /** @type {string | null} */
  let error = null;
  let id = saved.run.id;
  let ack = 0;
  let views = 0;
  let until = Number.POSITIVE_INFINITY; // the step at which it pauses
  let { speed } = saved.run;
  let hidden = false;
  let ticking = false;
  let isNews = false;
  /** Whether it is the saved run that goes on: its curves were measured by Python. */
  let continued = true;
  /** @type {Ghost | null} */
  let ghost = null;
  let task = /** @type {Picturing | null} */ (null);
  /** @type {{cost: number, heavy: boolean}} */
  let taking = { cost: 0, heavy: false };
  /** @type {Record<string, any>[]} */
  let sections = wants.map(() => ({}));
  let begun = now();
  let drawnStep = -1;
  let weightsStep = -1;
  const next = { frame: 0, picture: 0, weights: 0, keep: 0 };
  const seqs = wants.map(({ seq }) => seq);

  const state = () => trainer.state();
  const isRunning = () => status === "running" && !hidden;

  /** Whether the run that is shown is in the trainer: the weights of the saved one may not have come along. */
  const canGoOn = () => !continued || Boolean(payload.weights);

  function curves() {
    const own = curvesState(trainer.history);
    return continued && saved.curves && !payload.history ? joinedCurves(saved.curves, own) : own;
  }

  const run = () =>
    runState(saved.run, payload, state(), { id, status, error, speed, rate: isRunning() ? pace.rate : 0 });

  /** Send a whole frame to each widget. @param {Record<string, any>[]} [keys] others, of each */
  function publish(keys = wants.map(() => ({}))) {
    isNews = false;
    next.frame = now() + FRAME_MS;
    const [who, drawn] = [run(), curves()];
    const form = saved.form && formState(saved.form, payload, state(), datasets());
    post(
      wants.map((want, i) => {
        /** @type {Record<string, any>} */
        const frame = { seq: ++seqs[i], run: who, ...sections[i] };
        const known = { curves: drawn, form, ghost };
        for (const name of /** @type {const} */ (["curves", "form"]))
          if (want.sections.includes(name)) frame[name] = known[name];
        if (frame.form) frame.ghost = ghost;
        return { ...keys[i], ack, frame };
      }),
    );
  }

  /** Whether a picture of the weights as they are is due. */
  function isPictureDue() {
    const { step } = state();
    if (!isRunning()) return step !== drawnStep || weightsStep !== step;
    return now() >= next.picture && step !== drawnStep;
  }

  function beginPicture() {
    const heavy = !isRunning() || now() >= next.weights;
    taking = { cost: 0, heavy };
    task = snapshots.take(run().name, heavy);
  }

  /** One piece of the picture under way. @param {Picturing} picture */
  function advancePicture(picture) {
    const start = now();
    const { done, value } = picture.next();
    taking.cost += now() - start;
    if (!done || !value) return;
    task = null;
    ({ sections } = value);
    drawnStep = value.step;
    const age = Math.min(1, Math.max(LEAST_WAIT, (now() - begun) / BEGINNING_MS));
    next.picture = now() + Math.max(FRAME_MS, (age * taking.cost) / PICTURE_SHARE);
    if (taking.heavy) {
      weightsStep = value.step;
      next.weights = now() + WEIGHTS_MS;
    }
    publish(value.keys);
  }

  /** Make steps until `end`; ends the run where it is over. @param {number} end */
  function train(end) {
    const { step } = state();
    const most = Math.min(pace.allowance(step), until - step);
    if (most > 0) pace.note(step + trainer.advance(Math.max(1, end - now()), most));
    const { fault, isFinished, step: reached } = state();
    if (fault) fail(fault.message);
    else if (isFinished) settle("finished");
    else if (reached >= until) settle("paused");
    isNews ||= reached > step;
    return most > 0 && !trainer.pending;
  }

  /** @param {RunState["status"]} to */
  function settle(to) {
    status = to;
    until = Number.POSITIVE_INFINITY;
    isNews = true;
    pace.rest();
    next.keep = to === "running" ? now() + (drawnStep < 0 ? FIRST_KEEP_MS : KEEP_MS) : 0;
  }

  /** @param {unknown} fault */
  function fail(fault) {
    task = null;
    settle("failed");
    error = fault instanceof Error ? fault.message : String(fault);
    drawnStep = weightsStep = state().step; // of a model that has run away there is no picture
  }

  function slice() {
    const end = now() + sliceMs;
    do {
      const picture = /** @type {Picturing | null} */ (task);
      if (picture) advancePicture(picture);
      else if (isPictureDue()) beginPicture();
      else if (!isRunning() || !train(end)) break;
    } while (now() < end);
  }

  function tick() {
    ticking = false;
    try {
      slice();
    } catch (fault) {
      fail(fault);
    }
    // a new run is shown with its first picture: what was drawn of the one before would not fit it
    const isShown = drawnStep >= 0 || id === saved.run.id;
    if (isNews && isShown && now() >= next.frame) publish();
    if (now() >= next.keep && (isRunning() || next.keep === 0)) save();
    if (task || isPictureDue()) wake();
    else if (isRunning() && trainer.pending) trainer.pending.then(() => wake());
    else if (isRunning()) wake(pace.wait());
    else if (isNews && isShown) wake(Math.max(0, next.frame - now()));
  }

  /** @param {number} [ms] */
  function wake(ms = 0) {
    if (ticking) return;
    ticking = true;
    later(tick, ms);
  }

  function save() {
    next.keep = now() + KEEP_MS;
    const images = own?.images ?? null;
    const isSmall = !images || images.images.length <= MOST_KEPT_BYTES;
    if (!isSmall && trainer.data === own?.set) return keep(null);
    const facts = { id, status, error, speed, ghost, continued, views, own: isSmall ? images : null };
    return keep({ facts, run: trainer.save(), timeLine: snapshots.timeLine.state(), at: Date.now() });
  }

  /** Names of what a new run can be trained on. */
  const datasets = () => (own ? [given.name, OWN_NAME] : [given.name]);

  /** Classes of the images that are trained on. */
  function classes() {
    if (!own || trainer.data !== own.set) return saved.classes;
    const { classNames } = own.images;
    return classNames && { names: classNames, values: classNames };
  }

  /** Another run is shown from now on. */
  function renew() {
    task = null;
    snapshots = createSnapshots(trainer, wants, now);
    sections = wants.map(() => ({}));
    drawnStep = weightsStep = -1;
    next.picture = next.weights = next.keep = 0;
    error = null;
    begun = now();
    pace.rest();
  }

  /** Show another run; this one stays as a ghost. @param {() => void} change puts it into the trainer, or fails */
  function replaceRun(change) {
    const old = {
      run: canGoOn() ? run() : saved.run,
      curves: curves(),
      units: sections.find((one) => one.units)?.units ?? saved.units,
      settings: settingsOf(state(), trainer.history.length ? trainer.history.columns.beta[0] : undefined),
    };
    const before = trainer.data;
    change();
    const others = trainer.data !== before;
    ghost = old.run.step > 0 ? ghostState(old, settingsOf(state())) : null;
    continued = false;
    id = `page-${Date.now().toString(36)}-${++views}`;
    renew();
    const values = { ...FRESH_VIEW, ...(others ? OTHER_IMAGES : {}) };
    const keys = {
      ...(others ? { classes: classes() } : {}),
      view_state: { set: 1_000_000 + views, values },
    };
    post(wants.map(() => keys));
  }

  /** @param {any} value settings of the form */
  function newRun(value) {
    const { dataset, ...settings } = value ?? {};
    replaceRun(() => trainer.newRun(settings, dataset === OWN_NAME && own ? own.set : given));
    settle("running");
  }

  /** @type {Record<string, (value: any) => void>} */
  const commands = {
    resume() {
      if (!canGoOn()) newRun({});
      if (status === "failed" || state().isFinished) return;
      settle("running");
      until = Number.POSITIVE_INFINITY;
    },
    pause: () => status === "running" && settle("paused"),
    stop: () => (status === "running" || status === "paused") && settle("stopped"),
    advance(value) {
      if (!canGoOn()) newRun({});
      if (status === "failed" || state().isFinished) return;
      settle("running");
      until = state().step + Math.max(1, Number(value) || 1);
    },
    beta: (value) => trainer.setBeta(Number(value)),
    lr: (value) => trainer.setLr(Number(value)),
    epochs: (value) => trainer.setEpochs(Number(value)),
    speed(value) {
      speed = value === null ? null : Number(value);
    },
    new_run: newRun,
  };

  /** Do what a reader asks for; what goes wrong is said in the widgets' panels. @param {() => void} change */
  function attempt(change) {
    try {
      if (status !== "failed") error = null;
      change();
    } catch (fault) {
      error = fault instanceof Error ? fault.message : String(fault);
    }
    pace.set(speed, state().stepsPerEpoch);
    isNews = true;
    next.frame = 0;
    wake();
  }

  return {
    /** Obey a command of a widget. @param {{seq: number, name: string, value: any}} message */
    obey({ seq, name, value }) {
      ack = Math.max(ack, seq);
      if (task && name === "new_run") task = null;
      attempt(() => commands[name]?.(value));
    },
    /** A hidden page rests: phones would stop it anyhow. @param {boolean} now */
    hide(now) {
      if (now === hidden) return;
      hidden = now;
      pace.rest();
      if (hidden) next.keep = 0;
      wake();
    },
    /** A widget that came later: its picture is made from now on, too. @param {Wants} want */
    join(want) {
      wants.push(want);
      seqs.push(want.seq);
      sections.push({});
      task = null;
      drawnStep = weightsStep = -1;
      next.picture = next.weights = 0;
      isNews = true;
      wake();
    },
    /** No picture is made of a widget that has gone; its place stays. @param {number} at */
    leave(at) {
      wants[at] = { ...wants[at], sections: [], keys: [], grid: null };
    },
    runFile: () => trainer.runFile(),
    /** Show the run of a file, to go on from. @param {Uint8Array} bytes */
    openRunFile(bytes) {
      attempt(() => {
        replaceRun(() => trainer.openRunFile(bytes));
        settle(state().isFinished ? "finished" : "paused");
      });
    },
    /** Train from scratch on images of the reader's own. @param {OwnData} images */
    takeImages(images) {
      attempt(() => {
        const told = payload.choices.some((choice) => choice.takes_labels);
        const [{ batchSize, epochs, seed }, before] = [state(), own];
        own = { images, set: ownSet(given, images, told) };
        try {
          newRun({ dataset: OWN_NAME, seed, epochs: epochsFor(own.set.train.n, batchSize, epochs) });
        } catch (fault) {
          own = before;
          throw fault;
        }
      });
    },
    /** Go on from what `keep` was given. @param {any} kept */
    restore({ facts, run: kept, timeLine }) {
      own = facts.own && { images: facts.own, set: ownSet(given, facts.own) };
      trainer.restore(kept, own && kept.dataset === OWN_NAME ? own.set : null);
      renew();
      ({ id, error, speed, ghost, continued, views } = facts);
      if (own) post(wants.map(() => ({ classes: classes() })));
      status = facts.status === "running" ? "paused" : facts.status;
      snapshots.timeLine.restore(timeLine);
      next.keep = now() + KEEP_MS;
      isNews = true;
      wake();
    },
  };
}

/** @typedef {ReturnType<typeof createPageKernel>} PageKernel */

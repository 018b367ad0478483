/**
 * Training in a page without a kernel: what the widgets send goes to a trainer in a worker, or in slices on this
 * thread where the host forbids workers, and what it publishes goes into the widgets' models.
 *
 * @typedef {import("./content.js").Parted & Omit<import("./content.js").Training, "state">} Training  with its state
 * @typedef {import("./model.js").PageModel} Model
 * @typedef {import("../../training/worker.js").Request} Request
 * @typedef {import("../../training/worker.js").Answer} Answer
 */
import { unpack } from "../../contract/bytes.js";
import { dataSet } from "../../training/batches.js";
import { unbundled } from "../../training/kept.js";
import { chooseSample, firstOf, originalsState } from "../../training/sample.js";
import { countOf, staleKeys, wantsOf } from "../../training/wants.js";
import { importBlob } from "./content.js";
import { createStorage } from "./storage.js";

const STILL = "as it was saved: this picture needs Python";
/** In place of small pictures that the data hold, as live/save.py writes it. */
const OF_THE_DATA = "of the data";
const PROGRAM = Symbol.for("vaewidgets.training.1");

/**
 * A program that answers requests: a worker made of its text, or itself in this thread.
 * @param {Uint8Array<ArrayBuffer>} code
 * @param {(answer: Answer) => void} onAnswer
 * @returns {Promise<(request: Request) => void>}
 */
async function start(code, onAnswer) {
  const url = URL.createObjectURL(new Blob([code], { type: "text/javascript" }));
  try {
    return await inWorker(url, onAnswer);
  } catch {
    await importBlob(url);
    return /** @type {any} */ (globalThis)[PROGRAM](onAnswer);
  } finally {
    URL.revokeObjectURL(url);
  }
}

/** @param {string} url @param {(answer: Answer) => void} onAnswer @returns {Promise<(request: Request) => void>} */
function inWorker(url, onAnswer) {
  return new Promise((resolve, reject) => {
    const worker = new Worker(url); // throws, or fails later, where it is forbidden
    let ready = false;
    worker.onerror = (event) => {
      if (ready) onAnswer({ type: "fault", message: event.message });
      else reject(new Error(event.message));
    };
    worker.onmessage = ({ data }) => {
      if (data.type !== "ready") return onAnswer(data);
      ready = true;
      return resolve((request) => worker.postMessage(request));
    };
  });
}

/** A short name of what a page can train: a page that was saved anew does not go on from what the one before kept.
 * @param {Training} training */
export function nameOf(training) {
  let hash = 0x811c9dc5;
  for (const letter of JSON.stringify(training)) hash = Math.imul(hash ^ letter.charCodeAt(0), 0x01000193);
  return (hash >>> 0).toString(36);
}

/** Where a page keeps the run. @param {Training} training */
const storageOf = (training) => createStorage(`${location.pathname} ${training.run} ${nameOf(training)}`);

/**
 * A run as it was saved, with the controls that the page has.
 * @param {import("../../contract/types.js").RunState} run
 * @param {any} payload its plain part
 */
function readied(run, { options, weights, choices, chosen }) {
  const over = run.status === "finished" || run.status === "created";
  return {
    ...run,
    status: !weights ? "created" : over ? run.status : "stopped",
    error: null,
    can_train: true,
    epochs: options.epochs,
    lr: run.lr ?? options.lr,
    lr_controllable: true,
    beta_controllable: choices[chosen].kind !== "AE",
    steps_per_second: 0,
  };
}

/** 1 where the corners of images are light, else 0. @param {import("../../contract/types.js").Packed | null} [originals] */
function groundOf(originals) {
  if (!originals) return 0;
  const [, , height, width] = originals.shape;
  const bytes = /** @type {Uint8Array} */ (unpack(originals));
  const ends = Array.from({ length: bytes.length / (height * width) }, (_, i) => bytes[i * height * width]);
  return ends.sort((a, b) => a - b)[ends.length >> 1] > 127 ? 1 : 0;
}

/**
 * @param {import("./content.js").Content} content
 * @param {Training} training
 * @param {Model[]} shown of the widgets that show its run
 * @param {{read(): Promise<any>, write(kept: any): Promise<any>}} storage
 */
export function createTraining(content, training, shown, storage = storageOf(training)) {
  /** @type {Model[]} */
  const models = [];
  /** Those whose pictures the page makes; one that has left keeps its place. @type {(Model | null)[]} */
  const live = [];
  /** @type {import("../../training/wants.js").Wants[]} */
  const wants = [];
  /** @type {Promise<(request: Request) => void> | null} */
  let opening = null;
  let isRenewed = false;
  /** The step up to which a reload loses nothing. @type {number | null} */
  let keptStep = null;
  /** Whether a run would be lost with the page: the browser's store does not take it. */
  let isAtRisk = false;

  /** What it was saved with, from the widgets that say it. */
  function saved() {
    const frames = models.map((model) => model.get("frame") ?? {});
    const from = (/** @type {string} */ name) => frames.find((frame) => frame[name])?.[name] ?? null;
    return {
      run: from("run"),
      form: from("form"),
      curves: from("curves"),
      units: from("units"),
      classes: models[0]?.get("classes") ?? null,
    };
  }

  /** What was saved speaks of another moment from now on. @param {Model} model */
  function renew(model) {
    for (const key of staleKeys(model.all())) model.set(key, null);
    if (!live.includes(model)) model.set("thinned", STILL);
  }

  /** @param {Record<string, any>[]} updates */
  function update(updates) {
    if (!isRenewed) models.forEach(renew);
    isRenewed = true;
    updates.forEach((state, i) => {
      const model = live[i];
      if (!model) return;
      const { frame, ...others } = state;
      const drawn = model.get("frame");
      for (const [key, value] of Object.entries(others)) model.set(key, value);
      // until the first picture is there, that of the page as it was saved stays
      if (frame) model.set("frame", frame.run.id === drawn.run.id ? { ...drawn, ...frame } : frame);
    });
  }

  /** @param {string} message */
  function fail(message) {
    for (const model of live) {
      if (!model) continue;
      const frame = model.get("frame");
      const error = `This page cannot train here. ${message}`;
      model.set("frame", { ...frame, run: { ...frame.run, status: "failed", error } });
    }
  }

  /** @param {Answer} answer */
  function onAnswer(answer) {
    if (answer.type === "update") update(answer.updates);
    else if (answer.type === "keep") keep(answer.kept);
    else if (answer.type === "fault") fail(answer.message);
    else if (answer.type === "file") onFile?.(answer.bytes, saved().run.name);
  }

  /** @param {import("../../training/kept.js").Bundle | null} bundle null: of images that are too large to be kept */
  async function keep(bundle) {
    isAtRisk = (await storage.write(bundle)) === null || bundle === null;
    keptStep = isAtRisk ? null : (bundle?.step ?? null);
  }

  // the browser then asks whether to leave
  const onLeave = (/** @type {Event} */ event) => isAtRisk && event.preventDefault();

  /** @typedef {(bytes: Uint8Array<ArrayBuffer>, name: string) => void} TakeFile */
  /** @type {TakeFile | null} */
  let onFile = null;

  /** @param {any} [kept] */
  async function open(kept = null) {
    const [code, payload] = await Promise.all([content.bytes(training.program), content.state(training)]);
    const send = await start(code, onAnswer);
    send({
      type: "open",
      payload,
      wants: [...wants],
      saved: saved(),
      kept,
    });
    addEventListener("beforeunload", onLeave);
    document.addEventListener("visibilitychange", () => send({ type: "hide", hidden: document.hidden }));
    return send;
  }

  /** @param {Request} request */
  function request(request) {
    opening ??= open();
    opening.then(
      (send) => send(request),
      (error) => fail(error.message),
    );
  }

  /** Draw a widget along from now on, as it was saved until then. @param {Model} model */
  function join(model) {
    models.push(model);
    const want = wantsOf(model.all());
    if (!want) return;
    wants.push(want);
    live.push(model);
    const frame = model.get("frame");
    model.set("frame", { ...frame, run: readied(frame.run, training.state) });
    model.trainBy((message) => {
      if (message.type === "command") request({ type: "command", message });
    });
  }
  shown.forEach(join);

  return {
    /** A widget that comes later. @param {Model} model */
    join(model) {
      const before = wants.length;
      join(model);
      if (isRenewed) renew(model);
      if (opening && wants.length > before) request({ type: "join", want: wants[before] });
    },
    /** A widget that is drawn no more; returns whether it was the last: then all is let go. @param {Model} model */
    leave(model) {
      models.splice(models.indexOf(model), 1);
      const at = live.indexOf(model);
      if (at >= 0) live[at] = null;
      if (opening && models.length === 0) request({ type: "close" });
      else if (opening && at >= 0) request({ type: "leave", at });
      if (models.length === 0) removeEventListener("beforeunload", onLeave);
      return models.length === 0;
    },
    get keptStep() {
      return keptStep;
    },
    /** Give the widgets the small pictures that the data hold already. */
    async fillOriginals() {
      const lacking = models.filter((model) => model.get("originals") === OF_THE_DATA);
      if (!lacking.length) return;
      const data = dataSet((await content.state(training)).data);
      for (const model of lacking) {
        const n = countOf(model.all()); // those that do not train along have pictures, too
        model.set("originals", originalsState(firstOf(chooseSample(data, n), n)));
      }
    },
    /** Show the run that was kept when the page was left, if there is one. */
    async restore() {
      const kept = await storage.read();
      if (!kept) return;
      opening ??= unbundled(kept).then(open);
      opening.catch((error) => fail(error.message));
    },
    /** Offer training on the reader's own images, where the models' input is a picture. @param {HTMLElement} el */
    async offerImages(el) {
      const { image_shape: shape, items } = models[0]?.get("frame").run ?? {};
      if (!shape || items || ![1, 3].includes(shape[0])) return;
      const { createOwnImages } = await content.module(training.panel);
      createOwnImages(el, {
        shape,
        background: groundOf(live.find((model) => model?.get("originals"))?.get("originals")),
        onStart: (/** @type {any} */ data) => request({ type: "images", data }),
      });
    },
    /** Show the run of a file. @param {Uint8Array} bytes */
    openFile: (bytes) => request({ type: "open file", bytes }),
    /** The run file. @param {TakeFile} then */
    file(then) {
      onFile = then;
      request({ type: "file" });
    },
  };
}

/**
 * A saved run in a notebook whose Python cannot train: what `vaewidgets.replay` opens. Its widgets are drawn as in a
 * saved page, and the page trains; those of one run are linked, and trained together, in whichever cells they stand.
 *
 * @typedef {import("./training.js").Training} Training
 * @typedef {import("./model.js").PageModel} PageModel
 * @typedef {ReturnType<typeof createTraining>} Trainer
 * @typedef {import("../widget.js").Model & {set(key: string, value: any): void, save_changes(): void}} Given
 * @typedef {{content: import("./content.js").Content, models: PageModel[], trainers: Map<string, Trainer>, close(): void}}
 *   Opened  trainers: by run
 */
import { h } from "../dom.js";
import { contentOf } from "./content.js";
import { showFault } from "./draw.js";
import { createModel } from "./model.js";
import { createSave } from "./run_files.js";
import { createTraining, nameOf } from "./training.js";

const page = /** @type {any} */ (globalThis);
const TRAINERS = Symbol.for("vaewidgets.trainers.1");
page[TRAINERS] ??= new Map();
/** Of all cells, by the run and what can be trained of it. @type {Map<string, Trainer>} */
const trainers = page[TRAINERS];

/** By the widget's name: its views show the same. @type {Map<string, Promise<Opened>>} */
const opened = new Map();

/** A notebook shows what its file holds: only a page of its own goes on from what was left in the browser. */
const NO_STORAGE = { read: async () => null, write: async () => {} };

/** @param {DataView | ArrayBuffer} data of a message that may hold others too */
function own(data) {
  const bytes = ArrayBuffer.isView(data)
    ? new Uint8Array(data.buffer, data.byteOffset, data.byteLength)
    : new Uint8Array(data);
  return bytes.slice();
}

/**
 * Train with the widgets of this run that other cells show.
 * @param {import("./content.js").Content} content @param {Training} training @param {PageModel[]} models
 */
async function train(content, training, models) {
  const name = `${training.run} ${nameOf(training)}`;
  const known = trainers.get(name);
  const trainer = known ?? createTraining(content, training, models, NO_STORAGE);
  if (known) models.forEach(known.join);
  else trainers.set(name, trainer);
  await trainer.fillOriginals();
  function leave() {
    for (const model of models) if (trainer.leave(model)) trainers.delete(name);
  }
  return { trainer, leave };
}

/**
 * Keep what is turned where Python reads it, and take over what Python sets.
 * @param {Given} given @param {PageModel[]} models @returns {() => void} ends it
 */
function shareView(given, models) {
  let known = JSON.stringify(given.get("view") ?? {});
  let set = 0;
  function show(/** @type {string[]} */ unset = []) {
    set += 1;
    const values = { ...Object.fromEntries(unset.map((key) => [key, null])), ...JSON.parse(known) };
    for (const model of models) model.set("view_state", { set, values });
  }
  for (const model of models) {
    model.hearBy(({ seq, name, value }) => {
      model.set("ack", Math.max(model.get("ack") ?? 0, seq));
      const key = name.slice("view:".length);
      if (key === "hover") return; // marimo runs cells again at each change
      const view = { ...given.get("view"), [key]: value };
      known = JSON.stringify(view);
      given.set("view", view);
      given.save_changes();
    });
  }
  const onView = () => {
    const news = JSON.stringify(given.get("view") ?? {});
    if (news === known) return;
    const before = Object.keys(JSON.parse(known));
    known = news;
    show(before); // None of JupyterLite's kernel is left out
  };
  if (known !== "{}") show();
  given.on("change:view", onView);
  return () => given.off("change:view", onView);
}

/** @param {Given} given @returns {Promise<Opened>} */
async function open(given) {
  const { plain, blobs } = given.get("content");
  const content = contentOf(
    () => JSON.parse(plain),
    async (ref) => own(blobs[String(ref)]),
  );
  const saved = content.read();
  const models = await Promise.all(saved.widgets.map(async (one) => createModel(await content.state(one))));
  const ends = [shareView(given, models)];
  const byRun = new Map();
  for (const training of saved.trainings ?? []) {
    const shown = models.filter((model) => model.get("frame")?.run?.id === training.run);
    const state = await content.json(training.state);
    const { trainer, leave } = await train(content, { ...training, state }, shown);
    ends.push(leave);
    byRun.set(training.run, trainer);
  }
  return {
    content,
    models,
    trainers: byRun,
    close() {
      for (const end of ends) end();
    },
  };
}

export default {
  /** @param {{model: Given}} host */
  initialize({ model }) {
    const id = model.get("replay_id");
    const promise = open(model);
    promise.catch(() => {}); // said where it is drawn
    opened.set(id, promise);
    return () => {
      opened.delete(id);
      promise.then(({ close }) => close());
    };
  },
  /** @param {{model: Given, el: HTMLElement}} host */
  async render({ model, el }) {
    try {
      const {
        content,
        models,
        trainers: byRun,
      } = await /** @type {Promise<Opened>} */ (opened.get(model.get("replay_id")));
      const ends = await Promise.all(
        content.read().widgets.map(async ({ module: ref }, i) => {
          const place = el.appendChild(h("div"));
          if (i > 0) place.style.marginTop = "32px";
          const { default: widget } = await content.module(ref);
          const end = widget.render({ model: models[i], el: place });
          const trainer = byRun.get(models[i].get("frame")?.run?.id);
          const body = place.querySelector(".vw-main-button")?.closest(".vw-body"); // where training is begun
          if (trainer) body?.append(h("div", "vw-offer vw-actions", {}, [createSave(trainer, "vw-button")]));
          return end;
        }),
      );
      return () => {
        for (const end of ends) end?.();
      };
    } catch (error) {
      return showFault(el, error);
    }
  },
};

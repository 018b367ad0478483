/**
 * Binds a widget's model to its views: newest state in, on the browser's clock; numbered commands out.
 *
 * Handle for tests, as the property `vaewidgets` of `.vw-root` (read-only):
 *   frame        the frame that is drawn (as Python sent it), or null
 *   status, step of the drawn frame; also `data-status` and `data-step` on the root
 *   view         what the reader turned, chose and points at, as JSON
 *   waiting      whether a command has gone unanswered for a second; also class `vw-waiting` on the root
 * and what the widget adds: see its file.
 *
 * @typedef {{get(key: string): any, on(event: string, fn: Function): void, off(event: string, fn?: Function): void,
 *   send(content: any): void, set?(key: string, value: any): void, save_changes?(): void}} Model  the part of
 *   anywidget's model that is used here
 * @typedef {import("../contract/types.js").Frame} Frame
 * @typedef {import("../contract/types.js").Decoder} Decoder
 * @typedef {import("../contract/types.js").Packed} Packed
 * @typedef {{frame: Frame, decoder: Decoder|null, originals: Packed|null, options: Record<string, any>,
 *   get: (key: string) => any}} State  get: any other live key, null where there is none
 * @typedef {{shell: import("./shell.js").Shell, commands: import("./commands.js").Commands,
 *   view: import("./view.js").ViewState, model: Model}} Context
 * @typedef {{
 *   update(state: State): void,
 *   destroy(): void,
 *   message?(content: any, buffers: DataView[]): void,
 *   caption(state: State): string,
 *   handle?: object,
 * }} View
 */

import { toFloat32 } from "../contract/bytes.js";
import { formatCount, formatLoss } from "../maths/format.js";
import { createActs } from "./acts.js";
import { createCommands } from "./commands.js";
import { createPainter } from "./painter.js";
import { createPull } from "./pull.js";
import { createShell } from "./shell.js";
import { modelInForce, watchTaken } from "./taken.js";
import { createView } from "./view.js";

// Other live keys come in one message with a frame.
const KEYS = ["frame", "decoder", "originals", "options", "view_state", "thinned"];

/**
 * Views that are drawn, by widget. JupyterLab draws an output anew when its saved picture is renewed, and drops the
 * view before without a word: the new one then takes the drawn elements over, and nobody sees it happen.
 * @type {Map<string, Set<{isLeft(): boolean, move(model: Model, el: HTMLElement): () => unknown}>>}
 */
const drawnViews = new Map();

/** @param {Frame | null} frame @param {{names: string[], values: (number|string)[]} | null | undefined} classes @returns {Frame | null} */
function withClasses(frame, classes) {
  if (!frame?.run) return frame;
  const run = { ...frame.run, class_names: classes?.names ?? null, class_values: classes?.values ?? null };
  return { ...frame, run };
}

/** What says "image" of items that are none. @param {Frame} frame @param {string} text */
const worded = ({ run }, text) =>
  run?.items && run.items.draw !== "slices" ? text.replaceAll("image", "item") : text;

/** What a screen reader hears of a frame. @param {Frame} frame */
function spoken({ run, curves }) {
  if (!run) return "";
  const loss = curves?.series.find((series) => series.name === "loss" && series.split === "train");
  const values = loss ? toFloat32(loss.mean) : [];
  const last = values.length ? `, loss ${formatLoss(values[values.length - 1])} ${run.unit}` : "";
  const state = run.status === "running" ? "" : `${run.status}, `;
  // a loop that says nothing of epochs
  const far =
    run.epoch === 0 && run.epochs === null && run.step > 0 ? `step ${run.step}` : `epoch ${run.epoch}`;
  return `${state}${far}${last}`;
}

/**
 * @param {{name: string, label: string, help: string[], build: (context: Context) => View}} widget
 *   help: what is seen, what can be done, what to try
 */
export function defineWidget({ name, label, help, build }) {
  /** @param {{model: Model, el: HTMLElement}} host @returns {() => unknown} clean-up */
  function render({ model: own, el }) {
    const given = modelInForce(own);
    const id = given.get("widget_id") ?? "";
    const siblings = drawnViews.get(id) ?? new Set();
    const left = [...siblings].find((one) => one.isLeft());
    if (left) return left.move(given, el);

    let model = given;
    let place = el;
    const shell = createShell(el, {
      name,
      label,
      help,
      // The picture is not renewed meanwhile: what is moved in the page falls out of full screen.
      onPresent: (on) => commands.send("presenting", on),
      fileName: () => (drawn?.run ? `${name} ${drawn.run.name} step ${drawn.run.step}` : name),
      pictureTitle: () =>
        drawn?.run ? `${label}: ${drawn.run.name}, step ${formatCount(drawn.run.step)}` : label,
    });
    let waiting = false;
    const acts = createActs(() => model);
    const tell = (/** @type {any} */ message) => {
      model.send(message);
      acts.note(message);
    };
    const commands = createCommands(tell, {
      offline: model.get("offline") === true,
      trains: model.get("trains") === true,
      heard: model.get("heard") === true,
      onRefused(why) {
        refusal = why;
        painter.request();
      },
      onWaiting(now) {
        waiting = now;
        shell.root.classList.toggle("vw-waiting", now);
      },
    });
    const pull = createPull(
      () => (commands.offline ? null : model.get("news")),
      (message) => model.send(message),
    );
    const viewState = createView(
      model,
      (key, value) => commands.send(`view:${key}`, value),
      () => painter.request(),
    );
    /** Of the view that was drawn in place of this one. @type {(() => unknown) | null} */
    let cleanUp = null;
    const endWatch = watchTaken(() => {
      const next = modelInForce(model);
      if (next === model) return;
      destroy();
      cleanUp = render({ model: next, el: place });
    });
    const view = build({ shell, commands, view: viewState, model });
    /** @type {Frame | null} */
    let drawn = null;
    /** Why Python could not answer the newest question of this view; its next answer clears it. @type {string|null} */
    let refusal = null;
    Object.defineProperty(shell.root, "vaewidgets", {
      value: Object.defineProperties(
        {},
        {
          ...Object.getOwnPropertyDescriptors(view.handle ?? {}),
          frame: { get: () => drawn, enumerable: true },
          view: { get: () => viewState.all(), enumerable: true },
          status: { get: () => drawn?.run?.status ?? null, enumerable: true },
          step: { get: () => drawn?.run?.step ?? null, enumerable: true },
          waiting: { get: () => waiting, enumerable: true },
        },
      ),
    });

    function paint() {
      const frame = withClasses(model.get("frame") ?? null, model.get("classes"));
      shell.setReady(frame !== null);
      if (!frame) return;
      if (frame.run) viewState.bind(frame.run.id);
      viewState.adopt(model.get("view_state"));
      const state = {
        frame,
        decoder: model.get("decoder") ?? null,
        originals: model.get("originals") ?? null,
        options: model.get("options") ?? {},
        get: (/** @type {string} */ key) => model.get(key) ?? null,
      };
      shell.setNote(model.get("thinned") ?? "");
      shell.setCaption(state.options.caption === false ? "" : worded(frame, view.caption(state)));
      try {
        view.update(state);
        shell.setError((frame.run ? frame.run.error : frame.error) ?? refusal);
      } catch (error) {
        // Junk in the page's address: it is drawn without.
        if (viewState.leaveOutLinked()) painter.request();
        // Text in the widget: a console message in a browser is a message to nobody.
        shell.setError(`This picture could not be drawn.\n${error instanceof Error ? error.message : error}`);
      }
      drawn = frame;
      shell.root.dataset.status = frame.run?.status ?? "ready";
      if (!frame.run) return;
      shell.root.dataset.step = String(frame.run.step);
      shell.announce(`${frame.run.id} ${frame.run.epoch} ${frame.run.status}`, spoken(frame));
    }

    const painter = createPainter(shell.root, paint);
    const onFrame = () => painter.request();
    // Not when drawn: an acknowledgement also counts while nothing is on screen. Older saved states have none.
    const onAck = () => commands.acknowledge(model.get("ack") ?? 0);
    /** @param {any} content @param {DataView[]} [buffers] */
    const onMessage = (content, buffers = []) => {
      pull.message(content);
      if (content?.type === "decoded" && commands.asked(content.seq)) {
        refusal = content.error ?? null;
        painter.request();
      }
      view.message?.(content, buffers);
    };
    function listen() {
      for (const key of KEYS) model.on(`change:${key}`, onFrame);
      model.on("change:ack", onAck);
      model.on("change:news", pull.start);
      model.on("msg:custom", onMessage);
      onAck();
      onFrame();
      pull.start();
    }
    function stopListening() {
      for (const key of KEYS) model.off(`change:${key}`, onFrame);
      model.off("change:ack", onAck);
      model.off("change:news", pull.start);
      model.off("msg:custom", onMessage);
    }
    listen();
    commands.hello();

    function destroy() {
      endWatch();
      siblings.delete(self);
      if (siblings.size === 0) drawnViews.delete(id);
      stopListening();
      painter.destroy();
      pull.destroy();
      acts.destroy();
      commands.destroy();
      viewState.destroy();
      view.destroy();
      shell.destroy();
    }
    const endOf = (/** @type {HTMLElement} */ at) => () => (cleanUp ? cleanUp() : place === at && destroy());
    const self = {
      // Scrolled out of a long notebook, its ancestors are taken out of the page; dropped, it is itself.
      isLeft: () => drawn !== null && id !== "" && place.parentNode === null,
      move(/** @type {Model} */ next, /** @type {HTMLElement} */ nextPlace) {
        stopListening();
        model = next;
        place = nextPlace;
        place.append(shell.root);
        listen();
        return endOf(nextPlace);
      },
    };
    drawnViews.set(id, siblings.add(self));
    return endOf(el);
  }
  return { render };
}

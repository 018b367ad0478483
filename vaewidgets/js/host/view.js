/**
 * What the reader turns, chooses and points at: one small JSON a widget. Some keys are one for all widgets of a run
 * on the page, without a kernel in between; the others are one for all views of a widget. No DOM.
 *
 * @typedef {import("../contract/types.js").ViewKey} ViewKey
 * @typedef {(key: string, value: any) => void} Listener
 * @typedef {{values: Map<string, any>, listeners: Set<Listener>, set: number | null, run: string, linked: Set<string>}} Store  run: of a widget, the run whose keys it shares; linked: keys that came from a page's address
 * @typedef {{runs: Map<string, Store>, models: Map<string|object, Store>}} Bus  models: by `widget_id`
 */
import { SHARED } from "../contract/keys.js";
import { pageName } from "./place.js";

const page = /** @type {any} */ (globalThis);
const BUS = Symbol.for("vaewidgets.view.1");
// Each bundle has its own copy of this module; the page has one bus.
page[BUS] ??= { runs: new Map(), models: new Map() };
const bus = /** @type {Bus} */ (page[BUS]);

/** @returns {Store} */
const newStore = () => ({ values: new Map(), listeners: new Set(), set: null, run: "", linked: new Set() });

/** Each view gets a model of its own from its host: only the widget's name says that they belong together.
 * @param {HasState} model */
const nameOf = (model) => model.get?.("widget_id") ?? model;

/** @param {Store} store @param {string} key @param {any} value @returns {boolean} whether it is new */
function putInto(store, key, value) {
  const before = store.values.get(key);
  if (Object.is(before, value) || JSON.stringify(before) === JSON.stringify(value)) return false;
  store.values.set(key, value);
  store.linked.delete(key);
  for (const listener of store.listeners) listener(key, value);
  return true;
}

/** The name of the model that takes a widget's place while the page trains its run. @param {string} name its `widget_id` */
export const inPlaceOf = (name) => `in place ${name}`;

/**
 * Turn another widget of this page by its name, and what took its place; Python is not told. Nothing happens where it
 * is not on the page.
 * @param {string} name its `widget_id`
 * @param {Record<string, any>} values
 */
export function turnWidget(name, values) {
  for (const own of [bus.models.get(name), bus.models.get(inPlaceOf(name))]) {
    for (const [key, value] of own ? Object.entries(values) : []) {
      const store = SHARED.includes(key) ? bus.runs.get(/** @type {Store} */ (own).run) : own;
      if (store) putInto(store, key, value);
    }
  }
}

/**
 * @typedef {{get?: (key: string) => any}} HasState
 * @param {HasState} model the widget's model: its views have one store
 * @param {(key: ViewKey, value: any) => void} send sends to Python what was set here
 * @param {() => void} [onChange] called when a key changes that was read with `get`
 */
export function createView(model, send, onChange = () => {}) {
  const name = nameOf(model);
  const own = bus.models.get(name) ?? newStore();
  bus.models.set(name, own);
  /** @type {Store} */
  let shared = newStore();
  let runId = "";
  /** @type {Map<string, Set<(value: any) => void>>} */
  const listeners = new Map();
  /** Keys that were read: a change of any other changes no picture of this view. @type {Set<string>} */
  const read = new Set();
  /** @type {Listener} */
  const relay = (key, value) => {
    for (const fn of listeners.get(key) ?? []) fn(value);
    if (read.has(key)) onChange();
  };
  own.listeners.add(relay);
  shared.listeners.add(relay);

  /** @param {string} key */
  const storeOf = (key) => (SHARED.includes(key) ? shared : own);

  const put = (/** @type {string} */ key, /** @type {any} */ value) => putInto(storeOf(key), key, value);

  function leaveRun() {
    shared.listeners.delete(relay);
    if (shared.listeners.size === 0) bus.runs.delete(runId);
  }

  return {
    /** Share with the other widgets of this run from now on. @param {string} id */
    bind(id) {
      if (id === runId) return;
      leaveRun();
      runId = id;
      own.run = id;
      shared = bus.runs.get(id) ?? newStore();
      bus.runs.set(id, shared);
      shared.listeners.add(relay);
    },
    /**
     * Take over what Python set, what was saved, or what was turned in another page; our own echo is ignored.
     * @param {import("../contract/types.js").ViewState | null | undefined} state
     */
    adopt(state) {
      if (!state || own.set === state.set) return;
      const first = own.set === null;
      own.set = state.set;
      for (const [key, value] of Object.entries(state.values)) {
        // A widget that joins late does not turn back what the reader has turned meanwhile.
        if (first && storeOf(key).values.has(key)) continue;
        if (state.pages?.[key] === pageName) continue;
        put(key, value);
      }
    },
    /** @param {ViewKey} key @param {any} [fallback] */
    get(key, fallback = null) {
      read.add(key);
      return storeOf(key).values.get(key) ?? fallback;
    },
    /** Several at once. @param {ViewKey[]} keys @returns {any[]} */
    values(...keys) {
      return keys.map((key) => this.get(key));
    },
    /** Set a key from this page. @param {ViewKey} key @param {any} value */
    set(key, value) {
      if (put(key, value)) send(key, value);
    },
    /**
     * @param {ViewKey} key
     * @param {(value: any) => void} fn called at each change of `key`, also by this view
     * @returns {() => void} ends it
     */
    on(key, fn) {
      const fns = listeners.get(key) ?? new Set();
      listeners.set(key, fns.add(fn));
      return () => fns.delete(fn);
    },
    /** Leave out what came from the page's address. @returns {boolean} whether there was any */
    leaveOutLinked: () => [own, shared].map(leaveOutOf).some((any) => any),
    /** All that is set. @returns {Record<string, any>} */
    all: () => Object.fromEntries([...own.values, ...shared.values]),
    destroy() {
      own.listeners.delete(relay);
      // What was turned in a widget with a name is still there when it is shown again.
      if (typeof name !== "string" && own.listeners.size === 0) bus.models.delete(name);
      leaveRun();
      listeners.clear();
    },
  };
}

/** @typedef {ReturnType<typeof createView>} ViewState */

/**
 * What is turned on a page that shows several models: `runs` in the order in which they first appear, since their
 * names change from one training to the next.
 * @typedef {{runs: Record<string, any>[], widgets: Record<string, any>[]}} PageView
 */

/** The runs that models show, each once; the first of each model is the one whose view it shares. @param {HasState[]} models */
function runsOf(models) {
  const ids = models.map((model) => model.get?.("frame")?.run?.id).filter((id) => id !== undefined);
  return /** @type {string[]} */ ([...new Set(ids)]);
}

/** @param {HasState[]} models @returns {PageView} */
export function readPage(models) {
  const values = (/** @type {Store | undefined} */ store) => Object.fromEntries(store?.values ?? []);
  return {
    runs: runsOf(models).map((id) => values(bus.runs.get(id))),
    widgets: models.map((model) => values(bus.models.get(nameOf(model)))),
  };
}

/**
 * Put a view back, also before the widgets are drawn: they then start from it. Keys of the wrong kind are left out.
 * @param {HasState[]} models
 * @param {PageView} view
 */
export function restorePage(models, view) {
  for (const [i, id] of runsOf(models).entries()) {
    if (!bus.runs.has(id)) bus.runs.set(id, newStore());
    fill(/** @type {Store} */ (bus.runs.get(id)), view.runs[i] ?? {}, true);
  }
  for (const [i, model] of models.entries()) {
    if (!bus.models.has(nameOf(model))) bus.models.set(nameOf(model), newStore());
    fill(/** @type {Store} */ (bus.models.get(nameOf(model))), view.widgets[i] ?? {}, false);
  }
}

/** Leave out what came from the address, of a widget and of its run: it could not be drawn. @param {HasState} model @returns {boolean} whether there was any */
export function leaveOutLinked(model) {
  const stores = [bus.models.get(nameOf(model)), ...runsOf([model]).map((id) => bus.runs.get(id))];
  return stores.map((store) => store !== undefined && leaveOutOf(store)).some((any) => any);
}

/** @param {Store} store */
function leaveOutOf(store) {
  const keys = [...store.linked];
  store.linked.clear();
  for (const key of keys) tell(store, key, null);
  return keys.length > 0;
}

/** Set a key that came from outside; what a listener cannot take is left out. @param {Store} store @param {string} key @param {any} value */
function tell(store, key, value) {
  if (value === null) store.values.delete(key);
  else store.values.set(key, value);
  try {
    for (const listener of store.listeners) listener(key, value);
  } catch {
    store.values.delete(key);
    store.linked.delete(key);
  }
}

const isCount = (/** @type {any} */ value) => Number.isSafeInteger(value) && value >= 0;
const isListOf = (/** @type {any} */ value, /** @type {(one: any) => boolean} */ is) =>
  Array.isArray(value) && value.every(is);

/** What a key that widgets share may be, as in live/view.py; null is nothing. @type {Record<string, (value: any) => boolean>} */
const FITS = {
  hover: (value) => isListOf(value, Number.isFinite),
  selected: (value) => isListOf(value, isCount),
  classes: (value) => isListOf(value, (one) => Number.isSafeInteger(one) || typeof one === "string"),
  color: (value) => typeof value === "string" && value.length <= 100,
  time: isCount,
};

/** @param {Store} store @param {Record<string, any>} values @param {boolean} shared */
function fill(store, values, shared) {
  for (const [key, value] of Object.entries(values)) {
    if (SHARED.includes(key) !== shared) continue;
    if (shared && value !== null && !FITS[key](value)) continue;
    store.linked.add(key);
    tell(store, key, value);
  }
}

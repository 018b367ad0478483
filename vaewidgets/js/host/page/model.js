/**
 * The model of a widget in a page without a kernel: its saved state. What is sent goes to whoever trains in the page,
 * or to nobody. No DOM.
 *
 * It answers `get("offline")` with true, and what only a kernel can do is then hidden; `get("trains")` is true where the
 * page trains, `get("heard")` where somebody keeps what is turned.
 */
import { isTurn } from "../commands.js";

/**
 * @param {Record<string, any>} state
 */
export function createModel(state) {
  /** @type {Record<string, any>} */
  const values = { ...state, offline: true };
  /** @type {Map<string, Set<Function>>} */
  const listeners = new Map();
  let read = (/** @type {any} */ _content) => {};
  let hear = read;
  const model = {
    /** @param {string} key */
    get: (key) => values[key],
    /** @param {string} key @param {any} value */
    set(key, value) {
      if (values[key] === value) return;
      values[key] = value;
      for (const fn of [...(listeners.get(`change:${key}`) ?? [])]) fn();
    },
    /** @param {string} event @param {Function} fn */
    on(event, fn) {
      const of = listeners.get(event) ?? new Set();
      listeners.set(event, of.add(fn));
    },
    /** @param {string} event @param {Function} [fn] none: all */
    off(event, fn) {
      if (fn) listeners.get(event)?.delete(fn);
      else listeners.delete(event);
    },
    /** @param {any} [content] */
    send(content) {
      if (isTurn(content)) hear(content);
      else read(content);
    },
    save_changes() {},
    /** All keys with their values. */
    all: () => ({ ...values }),
    /** Have what is sent from now on read by a trainer of the page. @param {(content: any) => void} fn */
    trainBy(fn) {
      read = fn;
      model.set("trains", true);
    },
    /** Have what is turned from now on read by somebody. @param {(content: any) => void} fn */
    hearBy(fn) {
      hear = fn;
      model.set("heard", true);
    },
  };
  return model;
}

/** @typedef {ReturnType<typeof createModel>} PageModel */

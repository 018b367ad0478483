/**
 * What goes from the page to Python: numbered commands, the newest of each name, on a timer. No DOM.
 *
 * @typedef {import("../contract/types.js").Hello} Hello
 * @typedef {import("../contract/types.js").Command | import("../contract/types.js").Question} Message
 */

import { pageAllows, pageName } from "./place.js";

/** One counter for all views of a module: numbers must rise whichever view sends. */
let counter = 0;

export const FLUSH_MS = 50;
export const PATIENCE_MS = 1000;
const SECOND_HELLO_MS = 600;
/** Some hosts lose a message of about a megabyte without a word. */
export const MOST_LETTERS = 900_000;

/** Whether a message says what a reader turned, chose or points at. @param {any} message */
export const isTurn = (message) => message?.type === "command" && message.name.startsWith("view:");

/**
 * @param {(message: Hello | Message) => void} send
 * @param {{onWaiting?: (waiting: boolean) => void, onRefused?: (why: string) => void, offline?: boolean,
 *   trains?: boolean, heard?: boolean}} [options]
 *   onRefused: called when a message is too large to be sent; onWaiting: called when an acknowledgement takes longer than `PATIENCE_MS`, and when it has come; offline: there is
 *   no kernel, nothing is sent; trains: but the page itself can train, and takes what concerns its run; heard:
 *   and somebody keeps what is turned
 */
export function createCommands(
  send,
  { onWaiting = () => {}, onRefused = () => {}, offline = false, trains = false, heard = false } = {},
) {
  /** Commands not yet sent, newest a name. @type {Map<string, Message>} */
  const queue = new Map();
  /** Commands sent but not acknowledged: number → time sent. @type {Map<number, number>} */
  const pending = new Map();
  /** @type {Set<ReturnType<typeof setTimeout>>} */
  const timers = new Set();
  /** The newest question about each run. @type {Map<string, number>} */
  const questions = new Map();
  let lastFlush = Number.NEGATIVE_INFINITY;
  let flushTimer = /** @type {ReturnType<typeof setTimeout> | null} */ (null);
  let waiting = false;
  let closed = false;

  /** @param {() => void} fn @param {number} ms */
  function later(fn, ms) {
    const timer = setTimeout(() => {
      timers.delete(timer);
      fn();
    }, ms);
    timers.add(timer);
    return timer;
  }

  /** @param {boolean} now */
  function setWaiting(now) {
    if (now === waiting) return;
    waiting = now;
    onWaiting(now);
  }

  function checkPatience() {
    const oldest = Math.min(...pending.values());
    setWaiting(pending.size > 0 && performance.now() - oldest >= PATIENCE_MS);
  }

  function flush() {
    flushTimer = null;
    lastFlush = performance.now();
    for (const message of queue.values()) {
      const letters = JSON.stringify(message).length;
      if (letters > MOST_LETTERS) {
        const size = `${letters.toLocaleString("en")} letters; at most ${MOST_LETTERS.toLocaleString("en")} can be`;
        onRefused(`Not sent to the kernel: it takes ${size}. Choose fewer points.`);
        continue;
      }
      if (message.type === "command") {
        pending.set(message.seq, lastFlush);
        later(checkPatience, PATIENCE_MS + 10);
      }
      send(message);
    }
    queue.clear();
  }

  /** Whether there is somebody whom a message concerns. @param {Message} message */
  const hasReader = (message) =>
    !offline ||
    (isTurn(message) ? heard : trains && message.type === "command" && message.name !== "presenting");

  /** @param {string} key @param {Message} message */
  function post(key, message) {
    if (closed || !hasReader(message)) return;
    // Deleted first so that the newest also stands last: commands arrive in the order given.
    queue.delete(key);
    queue.set(key, message);
    if (flushTimer) return;
    const wait = lastFlush + FLUSH_MS - performance.now();
    if (wait <= 0) flush();
    else flushTimer = later(flush, wait);
  }

  return {
    /** Whether there is no kernel: a saved page. */
    offline,
    /** Whether nobody can train: a saved page that does not do so itself. */
    rests: offline && !trains,
    /** Announce a new view; twice, since the subshell's id travels only after the first message. */
    hello() {
      if (offline) return;
      pageAllows();
      send({ type: "hello" });
      later(() => send({ type: "hello", ...pageAllows() }), SECOND_HELLO_MS);
    },
    /**
     * @param {import("../contract/types.js").Command["name"]} name
     * @param {any} [value]
     * @returns {number} its sequence number
     */
    send(name, value = null) {
      const seq = ++counter;
      post(`command:${name}`, { type: "command", seq, name, value, page: pageName });
      return seq;
    },
    /**
     * Ask for a decoded image, or several.
     * @param {number[] | number[][]} z
     * @param {string} [run] the id of one that is not the widget's first
     * @returns {number}
     */
    decode(z, run = "") {
      const seq = ++counter;
      questions.set(run, seq);
      post(`decode:${run}`, { type: "decode", seq, z, run });
      return seq;
    },
    /** All commands up to `ack` have been handled. @param {number} ack */
    acknowledge(ack) {
      // Another page may have counted further than this one.
      counter = Math.max(counter, ack);
      for (const seq of [...pending.keys()]) if (seq <= ack) pending.delete(seq);
      checkPatience();
    },
    /** Whether this view asked the question of this number, and none about the same run since. @param {number} seq */
    asked: (seq) => [...questions.values()].includes(seq),
    /** Whether a command with this number may still be on its way. @param {number} seq */
    isPending: (seq) => pending.has(seq) || [...queue.values()].some((message) => message.seq === seq),
    destroy() {
      closed = true;
      for (const timer of timers) clearTimeout(timer);
      timers.clear();
      queue.clear();
      pending.clear();
    },
  };
}

/** @typedef {ReturnType<typeof createCommands>} Commands */

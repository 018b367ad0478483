/**
 * Asks the kernel for what is new, where nothing that its threads send reaches the page: the live key `news`, which
 * counts changes, is there then. And finds out whether that is so, where the kernel does not know: of two messages of
 * type "probe", a thread sent the second. No DOM.
 *
 * @typedef {import("../contract/types.js").Pull | import("../contract/types.js").Reached} Question
 */

export const EVERY_MS = 200;
/** After so long a question is taken for lost: a cell that keeps the kernel busy answers none. */
export const LOST_MS = 30_000;
export const PROBE_MS = 5000;

/**
 * @param {() => number | null | undefined} news the newest change that the page has; none: the kernel sends by itself
 * @param {(message: Question) => void} send
 */
export function createPull(news, send) {
  let asked = Number.NEGATIVE_INFINITY;
  let timer = /** @type {ReturnType<typeof setInterval> | null} */ (null);
  let probe = /** @type {ReturnType<typeof setTimeout> | null} */ (null);

  function ask() {
    if (performance.now() - asked < LOST_MS) return;
    asked = performance.now();
    send({ type: "pull", have: news() ?? 0 });
  }

  /** @param {boolean} thread */
  function tell(thread) {
    if (probe !== null) clearTimeout(probe);
    probe = null;
    send({ type: "reached", thread });
  }

  return {
    /** Begin to ask, if that is needed; called whenever `news` may have come. */
    start() {
      if (news() != null) timer ??= setInterval(ask, EVERY_MS);
    },
    /** A message came. @param {any} content */
    message(content) {
      if (content?.type === "pulled") asked = Number.NEGATIVE_INFINITY;
      if (content?.type !== "probe") return;
      if (content.thread) tell(true);
      else probe ??= setTimeout(() => tell(false), PROBE_MS);
    },
    destroy() {
      if (timer !== null) clearInterval(timer);
      if (probe !== null) clearTimeout(probe);
    },
  };
}

/**
 * What every widget has around its picture: the root, a caption, full screen, the quiet state before the first
 * picture, the error panel, and a voice for screen readers.
 *
 * For tests: the root is `.vw-root` with `data-status` and `data-step`, and carries the property `vaewidgets`,
 * a read-only handle that each widget documents.
 */
import { h, icon, setText, show } from "./dom.js";
import { createTheme } from "./theme.js";

const EXPAND = "M2 6V2h4v1.5H3.5V6zM10 2h4v4h-1.5V3.5H10zM2 10h1.5v2.5H6V14H2zM12.5 12.5V10H14v4h-4v-1.5z";
const SHRINK = "M4.5 2H6v4H2V4.5h2.5zM10 2h1.5v2.5H14V6h-4zM2 10h4v4H4.5v-2.5H2zM10 10h4v1.5h-2.5V14H10z";
const SPEAK_EVERY_MS = 5000;

/**
 * @param {HTMLElement} el
 * @param {{name: string, label: string, onPresent?: (on: boolean) => void}} opts
 *   name: the widget's, in lower case with dashes; onPresent: told when full screen begins and ends
 */
export function createShell(el, { name, label, onPresent = () => {} }) {
  const abort = new AbortController();
  const { signal } = abort;
  const caption = h("p", "vw-caption");
  const expand = h("button", "vw-button vw-fullscreen", { type: "button", "aria-label": "full screen" });
  expand.title = "full screen, with large type";
  expand.append(icon(EXPAND));
  const head = h("div", "vw-head", {}, [caption, expand]);
  const error = h("div", "vw-error", { role: "alert", hidden: true });
  const empty = h("p", "vw-empty", { text: "waiting for the first picture" });
  const body = h("div", "vw-body", { hidden: true });
  const voice = h("div", "vw-voice", { "aria-live": "polite", role: "status" });
  const root = h("section", `vw-root vw-${name}`, { "aria-label": label, "data-status": "empty" }, [
    head,
    error,
    empty,
    body,
    voice,
  ]);
  el.append(root);
  const theme = createTheme(root);
  theme.refresh();

  if (!document.fullscreenEnabled) expand.remove();
  expand.addEventListener(
    "click",
    () => {
      const change =
        document.fullscreenElement === root ? document.exitFullscreen() : root.requestFullscreen();
      // A host may forbid it; the widget then stays as it is.
      change.catch(() => show(expand, false));
    },
    { signal },
  );
  document.addEventListener(
    "fullscreenchange",
    () => {
      const full = document.fullscreenElement === root;
      expand.replaceChildren(icon(full ? SHRINK : EXPAND));
      expand.setAttribute("aria-label", full ? "leave full screen" : "full screen");
      if (root.classList.contains("vw-projector") !== full) onPresent(full);
      root.classList.toggle("vw-projector", full);
      theme.refresh();
    },
    { signal },
  );

  let lastSpoken = Number.NEGATIVE_INFINITY;
  let lastKey = "";
  return {
    root,
    body,
    theme,
    /** @param {string} text */
    setCaption: (text) => setText(caption, text),
    /** @param {string | null} text */
    setError(text) {
      show(error, text !== null && text !== "");
      setText(error, text ?? "");
    },
    /** Whether there is a picture to show. @param {boolean} ready */
    setReady(ready) {
      show(empty, !ready);
      show(body, ready);
    },
    /** Say something once a `key`, and not more often than every five seconds. @param {string} key @param {string} text */
    announce(key, text) {
      const now = performance.now();
      if (key === lastKey || now - lastSpoken < SPEAK_EVERY_MS) return;
      lastKey = key;
      lastSpoken = now;
      setText(voice, text);
    },
    destroy() {
      abort.abort();
      if (document.fullscreenElement === root) document.exitFullscreen().catch(() => {});
      theme.destroy();
      root.remove();
    },
  };
}

/** @typedef {ReturnType<typeof createShell>} Shell */

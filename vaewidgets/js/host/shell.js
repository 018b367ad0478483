/**
 * What every widget has around its picture: the root, a caption, help, a button that saves the picture, full screen, the
 * quiet state before the first picture, the error panel, and a voice for screen readers.
 *
 * For tests: the root is `.vw-root` with `data-status` and `data-step`, and carries the property `vaewidgets`,
 * a read-only handle that each widget documents.
 */
import { h, icon, OWN_KEYS, setAttributes, setText, show } from "./dom.js";
import { createHelp } from "./help.js";
import { rove } from "./rove.js";
import { download, pictureOf, slug } from "./still_image.js";
import { createTheme } from "./theme.js";

const EXPAND = "M2 6V2h4v1.5H3.5V6zM10 2h4v4h-1.5V3.5H10zM2 10h1.5v2.5H6V14H2zM12.5 12.5V10H14v4h-4v-1.5z";
const SHRINK = "M4.5 2H6v4H2V4.5h2.5zM10 2h1.5v2.5H14V6h-4zM2 10h4v4H4.5v-2.5H2zM10 10h4v1.5h-2.5V14H10z";
const SAVE = "M7.2 2h1.6v5.9l2.3-2.3 1.1 1.1L8 10.9 3.8 6.7l1.1-1.1 2.3 2.3zM2.5 12.4h11V14h-11z";
const SPEAK_EVERY_MS = 5000;

/**
 * @param {HTMLElement} el
 * @param {{name: string, label: string, help: string[], onPresent?: (on: boolean) => void, fileName?: () => string,
 *   pictureTitle?: () => string}} opts
 *   name: the widget's, in lower case with dashes; help: its three lines, see help.js; onPresent: told when full screen begins and ends; fileName: what the
 *   saved picture is called, without its ending; pictureTitle: what stands above it
 */
export function createShell(
  el,
  { name, label, help: lines, onPresent = () => {}, fileName = () => name, pictureTitle = () => label },
) {
  const abort = new AbortController();
  const { signal } = abort;
  const caption = h("p", "vw-caption");
  /** @param {string} name @param {string} path @param {string} label @param {string} title @param {() => void} onPress */
  const tool = (name, path, label, title, onPress) => {
    const button = h("button", `vw-button vw-${name}`, { type: "button", "aria-label": label, title });
    button.append(icon(path));
    button.addEventListener("click", onPress);
    return button;
  };
  const expand = tool("fullscreen", EXPAND, "full screen", "full screen, with large type", () => {
    const change = document.fullscreenElement === root ? document.exitFullscreen() : root.requestFullscreen();
    // A host may forbid it; the widget then stays as it is.
    change.catch(() => show(expand, false));
  });
  const save = tool("save-picture", SAVE, "save as picture", "save as picture (PNG)", async () => {
    try {
      setText(title, pictureTitle());
      download(await pictureOf(root, { title, redraw: theme.refresh }), `${slug(fileName())}.png`);
    } catch (fault) {
      setError(`This picture could not be saved.\n${fault instanceof Error ? fault.message : fault}`);
    }
  });
  const help = createHelp(lines, signal);
  const tools = h("div", "vw-tools", { role: "toolbar", "aria-label": "help and picture" }, [
    help.mark,
    save,
    expand,
  ]);
  const head = h("div", "vw-head", {}, [caption, tools, help.panel]);
  const title = h("p", "vw-picture-title", { hidden: true });
  const error = h("div", "vw-error", { role: "alert", hidden: true });
  const empty = h("p", "vw-empty", { text: "waiting for the first picture" });
  const body = h("div", "vw-body", { hidden: true });
  const note = h("p", "vw-note vw-thinned", { hidden: true });
  const voice = h("div", "vw-voice", { "aria-live": "polite", role: "status" });
  const root = h("section", `vw-root vw-${name}`, { "aria-label": label, "data-status": "empty" }, [
    title,
    head,
    error,
    empty,
    body,
    note,
    voice,
  ]);
  // Our width is that of the room, never of what is inside; a box of the host asks for the latter, and gave us none.
  el.classList.add("vw-host");
  el.append(root);
  const theme = createTheme(root);
  theme.refresh();

  if (!document.fullscreenEnabled) expand.remove();
  const stops = rove(tools, ".vw-button");
  /** @param {string | null} text */
  function setError(text) {
    show(error, Boolean(text));
    setText(error, text ?? "");
  }
  document.addEventListener(
    "fullscreenchange",
    () => {
      const full = document.fullscreenElement === root;
      expand.replaceChildren(icon(full ? SHRINK : EXPAND));
      setAttributes(expand, { "aria-label": full ? "leave full screen" : "full screen" });
      if (root.classList.contains("vw-projector") !== full) onPresent(full);
      root.classList.toggle("vw-projector", full);
      theme.refresh();
    },
    { signal },
  );

  // JupyterLab's shortcuts ask the focused element before those around it: what stands inside an element that uses
  // its keys itself has to say so, too, or the arrow keys of a slider never reach it.
  root.addEventListener(
    "focusin",
    ({ target }) => {
      const [name, value] = Object.entries(OWN_KEYS)[0];
      if (target instanceof HTMLElement && target.closest(`[${name}]`)) target.setAttribute(name, value);
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
    /** What the picture leaves out. @param {string} text */
    setNote(text) {
      show(note, text !== "");
      setText(note, text);
    },
    setError,
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
      stops.destroy();
      if (document.fullscreenElement === root) document.exitFullscreen().catch(() => {});
      theme.destroy();
      root.remove();
    },
  };
}

/** @typedef {ReturnType<typeof createShell>} Shell */

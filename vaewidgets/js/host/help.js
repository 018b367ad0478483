/**
 * The help of a widget: a "?" that opens three short lines, by pointer or by keys. Escape and a press elsewhere close it.
 *
 * For tests: .vw-help-mark opens .vw-help, which holds three .vw-help-line.
 */
import { uniqueId } from "./controls.js";
import { h, setAttributes, show } from "./dom.js";
import { takeKey } from "./input.js";

const TITLES = ["What you see", "What you can do", "Try this"];

/**
 * @param {string[]} lines what is seen, what can be done, what to try
 * @param {AbortSignal} signal
 */
export function createHelp(lines, signal) {
  const id = uniqueId("help");
  const mark = h("button", "vw-button vw-help-mark", {
    type: "button",
    "aria-label": "help",
    "aria-expanded": false,
    "aria-controls": id,
    title: "what this shows, and what can be done with it",
    text: "?",
  });
  const texts = TITLES.map((title, i) =>
    h("p", "vw-help-line", {}, [h("strong", "", { text: `${title}. ` }), lines[i]]),
  );
  const panel = h("div", "vw-help", { id, role: "note", "aria-label": "help", hidden: true }, texts);

  /** @param {boolean} on */
  function open(on) {
    show(panel, on);
    setAttributes(mark, { "aria-expanded": on });
  }

  mark.addEventListener("click", () => open(panel.hidden));
  window.addEventListener(
    "keydown",
    (event) => {
      if (event.key !== "Escape" || panel.hidden) return;
      takeKey(event);
      open(false);
      mark.focus();
    },
    { signal, capture: true },
  );
  window.addEventListener(
    "pointerdown",
    (event) => {
      const path = event.composedPath();
      if (!path.includes(panel) && !path.includes(mark)) open(false);
    },
    { signal, capture: true },
  );
  return { mark, panel };
}

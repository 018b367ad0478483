/**
 * Tour: a text for each stop, and the view of other widgets that it speaks of.
 *
 * View: stop, from 0.
 * Handle: see host/widget.js; stops, their texts.
 * Controls: .vw-back, .vw-next, .vw-tour-dot; arrow keys, Page Up and Page Down, Home and End.
 */

import { clamp } from "../../draw/scales.js";
import { createPress, ICONS } from "../../host/controls.js";
import { assign, h, setAttributes, setText, show } from "../../host/dom.js";
import { ARROWS, takeKey } from "../../host/input.js";
import { turnWidget } from "../../host/view.js";
import { defineWidget } from "../../host/widget.js";
import help from "./help.json" with { type: "json" };

/** @typedef {{text: string, views: Record<string, any>[]}} Stop  views: one for each widget */

const EMPTY =
  'No stops yet. Turn the widgets as the first stop is to show them, then, in Python: tour.add("what to look at")';

export default defineWidget({
  name: "tour",
  label: "Tour",
  help,
  build({ shell, view }) {
    /** @type {Stop[]} */
    let stops = [];
    /** @type {string[]} */
    let widgets = [];
    const text = h("div", "vw-tour-text", { "aria-live": "polite" });
    const steps = h("div", "vw-tour-steps");
    const card = h("div", "vw-tour-card", {}, [text, steps]);
    shell.body.append(card);

    const at = () => clamp(view.get("stop", 0), 0, Math.max(stops.length - 1, 0));

    /** @param {number} stop */
    function go(stop) {
      const next = clamp(stop, 0, stops.length - 1);
      view.set("stop", next);
      for (const [i, values] of stops[next].views.entries()) turnWidget(widgets[i], values);
    }

    const back = createPress(steps, { name: "back", onPress: () => go(at() - 1) });
    const next = createPress(steps, { name: "next", main: true, onPress: () => go(at() + 1) });
    const dots = h("div", "vw-tour-dots", { role: "group", "aria-label": "stops" });
    const count = h("span", "vw-tour-count");
    steps.append(dots, count);

    /** @param {KeyboardEvent} event */
    function onKey(event) {
      if (event.ctrlKey || event.metaKey || event.altKey || event.shiftKey || !stops.length) return;
      /** @type {Record<string, number>} */
      const places = { PageUp: at() - 1, PageDown: at() + 1, Home: 0, End: stops.length - 1 };
      const [dx, dy] = ARROWS[event.key] ?? [0, 0];
      const to = places[event.key] ?? (dx || dy ? at() + dx - dy : null);
      if (to === null) return;
      takeKey(event); // slides and notebooks have the same keys
      go(to);
    }
    card.addEventListener("keydown", onKey);

    /** The dots, one for each stop; those that are there stay, with the focus. */
    function drawDots() {
      while (dots.children.length > stops.length) dots.lastChild?.remove();
      for (let i = dots.children.length; i < stops.length; i++) {
        const dot = h("button", "vw-tour-dot", { type: "button" });
        dot.addEventListener("click", () => go(i));
        dots.append(dot);
      }
      for (const [i, dot] of /** @type {HTMLElement[]} */ ([...dots.children]).entries()) {
        const [title] = stops[i].text.split("\n");
        assign(dot, { title });
        setAttributes(dot, {
          "aria-label": `stop ${i + 1}: ${title}`,
          "aria-current": i === at() ? "step" : "false",
        });
      }
    }

    return {
      update({ frame }) {
        const content = /** @type {{stops: Stop[], widgets: string[]}} */ (/** @type {any} */ (frame));
        ({ stops, widgets } = content);
        const [first, ...rest] = (stops[at()]?.text ?? EMPTY).split(/\n\s*\n/);
        const parts = [h("p", "vw-tour-first"), ...rest.map(() => h("p"))];
        for (const [i, part] of parts.entries()) setText(part, [first, ...rest][i].trim());
        if (text.textContent !== parts.map((part) => part.textContent).join(""))
          text.replaceChildren(...parts);
        drawDots();
        setText(count, stops.length ? `${at() + 1} of ${stops.length}` : "");
        const held = [back, next].find(({ button }) => button === document.activeElement);
        back.update({ icon: ICONS.back, text: "back", disabled: at() === 0 });
        next.update({ icon: ICONS.step, text: "next", disabled: at() >= stops.length - 1 });
        // A button that can no longer be pressed would lose the keyboard.
        if (held?.button.disabled) (held === next ? back : next).button.focus({ preventScroll: true });
        show(steps, stops.length > 0);
      },
      caption: () => "",
      handle: {
        get stops() {
          return stops.map((stop) => stop.text);
        },
      },
      destroy() {
        card.removeEventListener("keydown", onKey);
        back.destroy();
        next.destroy();
      },
    };
  },
});

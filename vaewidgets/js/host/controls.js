/**
 * Controls as plain elements: buttons, sliders, choices, progress.
 */
import { logSlider } from "../draw/scales.js";
import { formatSetting } from "../maths/format.js";
import { h, icon, OWN_KEYS, setText } from "./dom.js";

export const ICONS = {
  train: "M4 2.5v11l9-5.5z",
  pause: "M4 3h3v10H4zM9 3h3v10H9z",
  step: "M3 3v10l7-5zM11 3h2v10h-2z",
  back: "M13 3v10L6 8zM3 3h2v10H3z",
  stop: "M3.5 3.5h9v9h-9z",
};

/**
 * @param {HTMLElement} el
 * @param {{name: string, onPress: () => void}} opts
 */
export function createButton(el, { name, onPress }) {
  const text = h("span", "vw-button-text");
  const button = h("button", `vw-button vw-${name}`, { type: "button" });
  el.append(button);
  let path = "";
  button.addEventListener("click", onPress);
  return {
    button,
    /** @param {{text: string, icon: keyof typeof ICONS, title?: string, disabled?: boolean, hidden?: boolean}} state */
    update({ text: label, icon: name, title = "", disabled = false, hidden = false }) {
      if (path !== ICONS[name]) {
        path = ICONS[name];
        button.replaceChildren(icon(path), text);
      }
      setText(text, label);
      if (button.title !== title) button.title = title;
      if (button.disabled !== disabled) button.disabled = disabled;
      if (button.hidden !== hidden) button.hidden = hidden;
    },
    destroy() {
      button.removeEventListener("click", onPress);
      button.remove();
    },
  };
}

/**
 * A button that says what it does in words.
 * @param {HTMLElement} el
 * @param {{name: string, text: string, title?: string, main?: boolean, onPress: () => void}} opts
 */
export function createPress(el, { name, text, title = "", main = false, onPress }) {
  const button = h("button", `vw-button vw-${name}${main ? " vw-main-button" : ""}`, {
    type: "button",
    text,
  });
  if (title) button.title = title;
  el.append(button);
  button.addEventListener("click", onPress);
  return {
    button,
    /** @param {{text?: string, disabled?: boolean, hidden?: boolean, pressed?: boolean}} state pressed: of a switch */
    update({ text: label = text, disabled = false, hidden = false, pressed }) {
      if (pressed !== undefined) button.setAttribute("aria-pressed", String(pressed));
      setText(button, label);
      if (button.disabled !== disabled) button.disabled = disabled;
      if (button.hidden !== hidden) button.hidden = hidden;
    },
    destroy() {
      button.removeEventListener("click", onPress);
      button.remove();
    },
  };
}

const page = /** @type {any} */ (globalThis);
const IDS = Symbol.for("vaewidgets.ids.1");

/**
 * A name that nothing else on the page has: each bundle has its own copy of this module, the page one count.
 * @param {string} name
 */
export function uniqueId(name) {
  page[IDS] = (page[IDS] ?? 0) + 1;
  return `vw-${name}-${page[IDS]}`;
}

/**
 * One of a few, all in sight: radio buttons in a row.
 * @param {HTMLElement} el
 * @param {{name: string, label: string, choices: {text: string, value: string, title?: string}[],
 *   onChange: (value: string) => void}} opts
 */
export function createSegments(el, { name, label, choices, onChange }) {
  const group = uniqueId(name);
  const inputs = choices.map(({ value }) =>
    h("input", "vw-segment-input", { type: "radio", name: group, value }),
  );
  const wrap = h("div", `vw-segments vw-${name}`, { role: "radiogroup", "aria-label": label, ...OWN_KEYS }, [
    ...choices.map(({ text, title }, i) =>
      h("label", "vw-segment", { title }, [inputs[i], h("span", "", { text })]),
    ),
  ]);
  el.append(wrap);
  const onInput = (/** @type {Event} */ event) =>
    onChange(/** @type {HTMLInputElement} */ (event.target).value);
  wrap.addEventListener("change", onInput);
  return {
    el: wrap,
    /** @param {{value: string, disabled?: boolean, hidden?: boolean}} state */
    update({ value, disabled = false, hidden = false }) {
      wrap.hidden = hidden;
      for (const input of inputs) {
        if (input.checked !== (input.value === value)) input.checked = input.value === value;
        if (input.disabled !== disabled) input.disabled = disabled;
      }
    },
    destroy() {
      wrap.removeEventListener("change", onInput);
      wrap.remove();
    },
  };
}

/** @type {Record<string, number>} */
const STEPS_OF_KEYS = { ArrowRight: 1, ArrowUp: 1, ArrowLeft: -1, ArrowDown: -1 };

/**
 * A slider with an exact number beside it, over a logarithmic scale unless another is given. What a person sets
 * stays until `settle` says that Python has taken it.
 * @param {HTMLElement} el
 * @param {{name: string, label: string, title: string, min: number, max: number, zero?: boolean,
 *   scale?: {value(position: number): number, position(value: number): number}, unit?: string,
 *   onChange: (value: number) => void}} opts
 *   scale: where the values stand on 0…1000 (`linearSlider`); with one, `min` and `max` bound the exact number too
 */
export function createSlider(el, opts) {
  const { name, label, title, min, max, zero = false, unit = "", onChange } = opts;
  const scale = opts.scale ?? logSlider({ min, max, zero });
  const id = uniqueId(name);
  const slider = h("input", "vw-slider", {
    type: "range",
    min: 0,
    max: 1000,
    step: 1,
    value: 500,
    id,
    title,
  });
  const number = h("input", "vw-number", {
    type: "text",
    inputmode: "decimal",
    "aria-label": `${name}, exact value`,
    title,
    size: 6,
  });
  const fixed = h("output", "vw-fixed", { hidden: true });
  const wrap = h("div", `vw-control vw-${name}`, OWN_KEYS, [
    h("label", "vw-control-label", { for: id, text: label }),
    slider,
    number,
    unit ? h("span", "vw-slider-unit", { text: unit }) : null,
    fixed,
  ]);
  el.append(wrap);
  const abort = new AbortController();
  const { signal } = abort;
  let current = Number.NaN;

  /** @param {number} value NaN: none yet, the slider then stands in its middle */
  function showValue(value) {
    current = value;
    wrap.classList.toggle("is-none", Number.isNaN(value));
    if (Number.isNaN(value)) {
      slider.value = "500";
      slider.setAttribute("aria-valuetext", "none yet");
      number.value = "";
      return setText(fixed, "");
    }
    const position = String(scale.position(value));
    if (slider.value !== position) slider.value = position;
    slider.setAttribute("aria-valuetext", formatSetting(value));
    const text = formatSetting(value);
    // Without groups of three: read back, their comma would be a decimal one.
    const bare = text.replaceAll(",", "");
    if (document.activeElement !== number && number.value !== bare) number.value = bare;
    return setText(fixed, text);
  }

  /** @param {number} value */
  function change(value) {
    const allowed = opts.scale ? value >= min && value <= max : value >= 0 && (value !== 0 || zero);
    if (!Number.isFinite(value) || !allowed) return showValue(current);
    if (value === current) return undefined;
    showValue(value);
    onChange(value);
    return undefined;
  }

  slider.addEventListener("input", () => change(scale.value(Number(slider.value))), { signal });
  slider.addEventListener(
    "keydown",
    (event) => {
      const by = STEPS_OF_KEYS[event.key];
      if (!by) return;
      event.preventDefault();
      // The smallest step that is one: rounded to what is shown, the next place of the slider may be the same value.
      let place = Number(slider.value) + by;
      while (place > 0 && place < 1000 && scale.value(place) === current) place += by;
      change(scale.value(Math.min(Math.max(place, 0), 1000)));
    },
    { signal },
  );
  const commit = () => change(Number.parseFloat(number.value.replace("−", "-").replace(",", ".")));
  number.addEventListener("change", commit, { signal });
  // JupyterLab's notebook cancels Enter, and with it the browser's own "change".
  number.addEventListener("keydown", (event) => event.key === "Enter" && commit(), { signal });
  number.addEventListener("blur", () => showValue(current), { signal });

  return {
    /**
     * @param {{value: number|null, editable: boolean, note?: string, hold: boolean, hidden?: boolean}} state
     *   value: null where there is none yet; hold: a change made here is still on its way, do not overwrite it
     */
    update({ value, editable, note = "", hold, hidden = false }) {
      wrap.hidden = hidden;
      slider.hidden = !editable;
      number.hidden = !editable;
      fixed.hidden = editable;
      if (fixed.title !== note) fixed.title = note;
      const next = value ?? Number.NaN;
      if (!hold && (value === null || next !== current)) showValue(next);
    },
    destroy() {
      abort.abort();
      wrap.remove();
    },
  };
}

/**
 * One of a list, of which only the chosen one is in sight.
 * @template {string | number | null} T
 * @param {HTMLElement} el
 * @param {{name: string, label: string, choices?: {text: string, value: T}[],
 *   textOf?: (value: T) => string, onChange: (value: T) => void}} opts
 *   textOf: of a value that is none of the choices
 */
export function createChoice(el, { name, label, choices = [], textOf = String, onChange }) {
  const id = uniqueId(name);
  const select = h("select", "vw-select", { id });
  const wrap = h("div", `vw-control vw-${name}`, OWN_KEYS, [
    h("label", "vw-control-label", { for: id, text: label }),
    select,
  ]);
  el.append(wrap);
  /** @type {Map<string, T>} */
  const values = new Map();
  /** @param {string} text @param {T} value */
  function add(text, value) {
    values.set(String(value), value);
    select.append(h("option", "", { value: String(value), text }));
  }
  /** @param {{text: string, value: T}[]} list */
  function fill(list) {
    values.clear();
    select.replaceChildren();
    for (const { text, value } of list) add(text, value);
  }
  fill(choices);
  let filled = JSON.stringify(choices);
  const onSelect = () => onChange(/** @type {T} */ (values.get(select.value)));
  select.addEventListener("change", onSelect);
  return {
    el: wrap,
    /** @param {{value: T, hold?: boolean, hidden?: boolean, choices?: {text: string, value: T}[]}} state */
    update({ value, hold = false, hidden = false, choices: next }) {
      wrap.hidden = hidden;
      if (hold) return;
      if (next && JSON.stringify(next) !== filled) {
        fill(next);
        filled = JSON.stringify(next);
      }
      const wanted = String(value);
      if (!values.has(wanted)) add(textOf(value), value);
      if (select.value !== wanted) select.value = wanted;
    },
    destroy() {
      select.removeEventListener("change", onSelect);
      wrap.remove();
    },
  };
}

/** @param {HTMLElement} el */
export function createProgress(el) {
  const text = h("span", "vw-progress-text");
  const fill = h("div", "vw-progress-fill");
  const bar = h("div", "vw-progress-bar", { role: "progressbar", "aria-valuemin": 0, "aria-valuemax": 100 }, [
    fill,
  ]);
  const wrap = h("div", "vw-progress", {}, [text, bar]);
  el.append(wrap);
  return {
    /** @param {{text: string, share: number|null}} state share 0…1, null when the end is not known */
    update({ text: label, share }) {
      setText(text, label);
      bar.hidden = share === null;
      if (share === null) return;
      fill.style.transform = `scaleX(${share.toFixed(4)})`;
      bar.setAttribute("aria-valuenow", (share * 100).toFixed(0));
      bar.setAttribute("aria-label", label);
    },
    destroy() {
      wrap.remove();
    },
  };
}

/**
 * A linear slider with its value in words beside it.
 * @param {HTMLElement} el
 * @param {{name: string, label: string, min: number, max: number, step: number, unit?: string,
 *   title?: string, describe?: (value: number) => string, onChange: (value: number) => void}} opts
 */
export function createRange(el, { name, label, min, max, step, unit = "", title = "", describe, onChange }) {
  const id = uniqueId(`${name}-range`);
  const input = h("input", "vw-slider", { type: "range", min, max, step, id, title });
  const output = h("output", "vw-range-value", { for: id });
  const wrap = h("div", `vw-control vw-${name}`, OWN_KEYS, [
    h("label", "vw-control-label", { for: id, text: label }),
    input,
    output,
  ]);
  el.append(wrap);
  const say =
    describe ?? ((/** @type {number} */ value) => `${formatSetting(value)}${unit ? ` ${unit}` : ""}`);

  /** @param {number} value */
  function showValue(value) {
    const text = say(value);
    setText(output, text);
    if (input.getAttribute("aria-valuetext") !== text) input.setAttribute("aria-valuetext", text);
  }

  const onInput = () => {
    const value = Number(input.value);
    showValue(value);
    onChange(value);
  };
  input.addEventListener("input", onInput);
  return {
    el: wrap,
    input,
    /** @param {{value: number, min?: number, max?: number, hidden?: boolean}} state */
    update({ value, min: low, max: high, hidden = false }) {
      wrap.hidden = hidden;
      if (low !== undefined && input.min !== String(low)) input.min = String(low);
      if (high !== undefined && input.max !== String(high)) input.max = String(high);
      if (Number(input.value) !== value) input.value = String(value);
      showValue(value);
    },
    destroy() {
      input.removeEventListener("input", onInput);
      wrap.remove();
    },
  };
}

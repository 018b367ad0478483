/**
 * Controls as plain elements: buttons, sliders, choices.
 */
import { clamp, logSlider } from "../draw/scales.js";
import { formatSetting } from "../maths/format.js";
import { assign, h, icon, OWN_KEYS, setAttributes, setText } from "./dom.js";
import { ARROWS } from "./input.js";

/** Icons of buttons, as paths. */
export const ICONS = {
  train: "M4 2.5v11l9-5.5z",
  pause: "M4 3h3v10H4zM9 3h3v10H9z",
  step: "M3 3v10l7-5zM11 3h2v10h-2z",
  back: "M13 3v10L6 8zM3 3h2v10H3z",
  stop: "M3.5 3.5h9v9h-9z",
  again: "M8 3V.8L12 4 8 7.2V5a3.6 3.6 0 1 0 3.5 4.5h2A5.6 5.6 0 1 1 8 3z",
};

/**
 * A button that says what it does, in words or by an icon.
 * @param {HTMLElement} el
 * @param {{name: string, text?: string, title?: string, main?: boolean, onPress: () => void}} opts
 */
export function createPress(el, { name, text = "", title = "", main = false, onPress }) {
  const className = `vw-button vw-${name}${main ? " vw-main-button" : ""}`;
  const button = h("button", className, { type: "button", text });
  assign(button, { title });
  const words = h("span", "vw-button-text");
  let shown = "";
  button.addEventListener("click", onPress);
  el.append(button);
  return {
    button,
    /**
     * @param {{text?: string, icon?: string, title?: string, disabled?: boolean, hidden?: boolean,
     *   pressed?: boolean}} state  icon: one of ICONS; pressed: of a switch
     */
    update({ text: label = text, icon: path = "", title: says = title, pressed, disabled, hidden }) {
      if (path !== shown) {
        shown = path;
        button.replaceChildren(icon(path), words);
      }
      setText(path ? words : button, label);
      assign(button, { title: says, disabled: disabled ?? false, hidden: hidden ?? false });
      if (pressed !== undefined) setAttributes(button, { "aria-pressed": pressed });
    },
    destroy: () => button.remove(),
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
  const wrap = h("div", `vw-segments vw-${name}`, { role: "radiogroup", "aria-label": label, ...OWN_KEYS });
  const inputs = choices.map(({ value, text, title }) => {
    const input = h("input", "vw-segment-input", { type: "radio", name: group, value });
    input.addEventListener("change", () => onChange(value));
    wrap.append(h("label", "vw-segment", { title }, [input, h("span", "", { text })]));
    return input;
  });
  el.append(wrap);
  return {
    el: wrap,
    /** @param {{value: string, disabled?: boolean, hidden?: boolean}} state */
    update({ value, disabled = false, hidden = false }) {
      wrap.hidden = hidden;
      for (const input of inputs) assign(input, { checked: input.value === value, disabled });
    },
    destroy: () => wrap.remove(),
  };
}

/**
 * A control after its label.
 * @param {HTMLElement} el @param {string} name @param {string} label @param {HTMLElement} control
 * @param {(HTMLElement | null)[]} rest
 */
function labelled(el, name, label, control, ...rest) {
  control.id = uniqueId(name);
  const says = h("label", "vw-control-label", { for: control.id, text: label });
  const wrap = h("div", `vw-control vw-${name}`, OWN_KEYS, [says, control, ...rest]);
  el.append(wrap);
  return wrap;
}

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
  const slider = h("input", "vw-slider", { type: "range", min: 0, max: 1000, step: 1, value: 500, title });
  const number = h("input", "vw-number", { type: "text", inputmode: "decimal", title, size: 6 });
  number.setAttribute("aria-label", `${name}, exact value`);
  const fixed = h("output", "vw-fixed", { hidden: true });
  const units = unit ? h("span", "vw-slider-unit", { text: unit }) : null;
  const wrap = labelled(el, name, label, slider, number, units, fixed);
  let current = Number.NaN;

  /** @param {number} value NaN: none yet, the slider then stands in its middle */
  function showValue(value) {
    current = value;
    const isNone = Number.isNaN(value);
    wrap.classList.toggle("is-none", isNone);
    const text = isNone ? "" : formatSetting(value);
    assign(slider, { value: isNone ? "500" : String(scale.position(value)) });
    setAttributes(slider, { "aria-valuetext": text || "none yet" });
    // Without groups of three: read back, their comma would be a decimal one.
    if (isNone || document.activeElement !== number) assign(number, { value: text.replaceAll(",", "") });
    setText(fixed, text);
  }

  /** @param {number} value */
  function change(value) {
    const allowed = opts.scale ? value >= min && value <= max : value >= 0 && (value !== 0 || zero);
    const before = current;
    showValue(Number.isFinite(value) && allowed ? value : current);
    if (!Object.is(current, before)) onChange(current);
  }

  showValue(current);
  slider.addEventListener("input", () => change(scale.value(Number(slider.value))));
  slider.addEventListener("keydown", (event) => {
    const arrow = ARROWS[event.key];
    if (!arrow) return;
    event.preventDefault();
    // The smallest step that is one: rounded to what is shown, the next place of the slider may be the same value.
    const by = arrow[0] + arrow[1];
    let place = Number(slider.value) + by;
    while (place > 0 && place < 1000 && scale.value(place) === current) place += by;
    change(scale.value(clamp(place, 0, 1000)));
  });
  const commit = () => change(Number.parseFloat(number.value.replace("−", "-").replace(",", ".")));
  number.addEventListener("change", commit);
  // JupyterLab's notebook cancels Enter, and with it the browser's own "change".
  number.addEventListener("keydown", (event) => event.key === "Enter" && commit());
  number.addEventListener("blur", () => showValue(current));

  return {
    /**
     * @param {{value: number|null, editable?: boolean, note?: string, hold?: boolean, hidden?: boolean}} state
     *   value: null where there is none yet; hold: a change made here is still on its way, do not overwrite it
     */
    update({ value, editable = true, note = "", hold = false, hidden = false }) {
      wrap.hidden = hidden;
      slider.hidden = number.hidden = !editable;
      assign(fixed, { hidden: editable, title: note });
      const next = value ?? Number.NaN;
      if (!hold && !Object.is(next, current)) showValue(next);
    },
    destroy: () => wrap.remove(),
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
  const select = h("select", "vw-select");
  const wrap = labelled(el, name, label, select);
  /** @type {Map<string, T>} */
  const values = new Map();
  let filled = "";
  /** @param {string} text @param {T} value */
  function add(text, value) {
    values.set(String(value), value);
    select.append(h("option", "", { value: String(value), text }));
  }
  /** @param {{text: string, value: T}[]} list */
  function fill(list) {
    const wanted = JSON.stringify(list);
    if (wanted === filled) return;
    filled = wanted;
    values.clear();
    select.replaceChildren();
    for (const { text, value } of list) add(text, value);
  }
  fill(choices);
  select.addEventListener("change", () => onChange(/** @type {T} */ (values.get(select.value))));
  return {
    el: wrap,
    /** @param {{value: T, hold?: boolean, hidden?: boolean, choices?: {text: string, value: T}[]}} state */
    update({ value, hold = false, hidden = false, choices: next }) {
      wrap.hidden = hidden;
      if (hold) return;
      if (next) fill(next);
      if (!values.has(String(value))) add(textOf(value), value);
      assign(select, { value: String(value) });
    },
    destroy: () => wrap.remove(),
  };
}

/**
 * A linear slider with its value in words beside it.
 * @param {HTMLElement} el
 * @param {{name: string, label: string, min: number, max: number, step: number,
 *   title?: string, describe?: (value: number) => string, onChange: (value: number) => void}} opts
 */
export function createRange(el, { name, label, min, max, step, title = "", describe, onChange }) {
  const input = h("input", "vw-slider", { type: "range", min, max, step, title });
  const output = h("output", "vw-range-value");
  const wrap = labelled(el, name, label, input, output);
  output.htmlFor.add(input.id);

  /** @param {number} value */
  function showValue(value) {
    const text = (describe ?? formatSetting)(value);
    setText(output, text);
    setAttributes(input, { "aria-valuetext": text });
  }

  input.addEventListener("input", () => {
    showValue(Number(input.value));
    onChange(Number(input.value));
  });
  return {
    el: wrap,
    input,
    /** @param {{value: number, max?: number, hidden?: boolean}} state */
    update({ value, max: high = max, hidden = false }) {
      wrap.hidden = hidden;
      assign(input, { max: String(high), value: String(value) });
      showValue(value);
    },
    destroy: () => wrap.remove(),
  };
}

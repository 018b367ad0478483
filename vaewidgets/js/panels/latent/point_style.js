/**
 * How the points of a scatter look: what colors them, which classes are shown, on which plane, with which ellipses;
 * the controls for it, and the legend. Bound to the view's `color`, `classes`, `projection` and `ellipses`.
 *
 * @typedef {import("../../contract/types.js").Packed} Packed
 * @typedef {import("../../host/widget.js").State} State
 * @typedef {import("../../contract/types.js").Values} Values
 * @typedef {import("../../contract/types.js").Layout} Layout
 */

import { toFloat32 } from "../../contract/bytes.js";
import { createLegend } from "../../draw/legend.js";
import { createChoice, createPress } from "../../host/controls.js";
import { h, setText, show } from "../../host/dom.js";
import { MOST_NAMED, namedClasses, pressClass, toIndices, toLabels } from "../../maths/classes.js";
import { formatCount } from "../../maths/format.js";
import { createScale, rampBytes, readValues } from "./ramp.js";

/** What the page calls the built-in values. @type {Record<string, string>} */
const NAMES = { recon: "reconstruction error", kl: "KL", "|mu|": "|μ|" };

/**
 * @param {HTMLElement} el
 * @param {import("../../host/widget.js").Context} context
 */
export function createLook(el, { shell, commands, view }) {
  /** Indices of the classes that occur among the points. @type {number[]} */
  let present = [];
  /** @type {import("../../contract/types.js").RunInfo | null} */
  let run = null;
  const legend = createLegend(el, { theme: shell.theme, onPress: press });
  const row = h("div", "vw-look");
  el.append(row);
  const color = createChoice(row, {
    name: "color",
    label: "color",
    choices: /** @type {{text: string, value: string}[]} */ ([]),
    onChange: (value) => view.set("color", value),
  });
  const only = createChoice(row, {
    name: "only",
    label: "class",
    choices: /** @type {{text: string, value: number|null}[]} */ ([]),
    onChange: (value) => choose(value === null ? null : [value]),
  });
  const plane = createChoice(row, {
    name: "projection",
    label: "projection",
    choices: /** @type {{text: string, value: string}[]} */ ([]),
    onChange: (value) => view.set("projection", value),
  });
  const ellipses = createPress(row, {
    name: "ellipses",
    text: "posteriors",
    title: "the posterior of every image, at 1σ",
    onPress: () => view.set("ellipses", !view.get("ellipses", false)),
  });
  const note = h("p", "vw-note vw-look-note", { hidden: true, role: "status" });
  const scale = createScale(row);
  el.append(note);

  /** Indices of the classes that are shown; null: all. @returns {number[] | null} */
  const chosen = () => run && toIndices(run, view.get("classes"));

  /** @param {number[] | null} indices */
  const choose = (indices) => view.set("classes", run ? toLabels(run, indices) : indices);

  /** A class's name was pressed. @param {number} label @param {boolean} add */
  function press(label, add) {
    choose(pressClass(chosen(), label, add, present));
  }

  /** @param {State} state @returns {Values | null} */
  const valuesOf = (state) => state.get("values");

  /** @param {State} state */
  function chosenValues(state) {
    const name = view.get("color", "label");
    return valuesOf(state)?.items.find((item) => item.name === name) ?? null;
  }

  /** @param {State} state @returns {Layout | null} */
  function layoutOf(state) {
    const layout = /** @type {Layout | null} */ (state.get("tsne"));
    return view.get("projection") === "tsne" ? (layout ?? { busy: null, error: null }) : null;
  }

  /** @param {State} state */
  function explain(state) {
    const layout = layoutOf(state);
    if (!layout) return view.get("color") === "recon" && !chosenValues(state) ? "decoding every image …" : "";
    if (layout.error) return layout.error;
    const busy = layout.busy ?? null;
    if (busy !== null) return `computing t-SNE of step ${formatCount(busy)} …`;
    if (!layout.points)
      return commands.offline ? "t-SNE was not computed when this page was saved" : "computing t-SNE …";
    return `t-SNE of step ${formatCount(layout.step ?? 0)}: neighbors are meaningful, larger distances are not`;
  }

  return {
    /**
     * @param {State} state
     * @param {{labels: Int32Array|null, names: string[]|null, past: boolean}} data
     */
    update(state, { labels, names, past }) {
      const { frame } = state;
      run = frame.run;
      present = labels ? [...new Set(labels)].filter((label) => label >= 0).sort((a, b) => a - b) : [];
      const items = valuesOf(state)?.items ?? [];
      const wanted = view.get("color", "label");
      color.update({
        value: wanted,
        hidden: items.length === 0,
        choices: [
          { text: labels ? "class" : "none", value: "label" },
          // Decoding every image takes a kernel.
          ...(items.some(({ name }) => name === "recon") || commands.offline
            ? []
            : [{ text: NAMES.recon, value: "recon" }]),
          ...items.map(({ name }) => ({ text: NAMES[name] ?? name, value: name })),
        ],
      });
      const nameOf = (/** @type {number} */ label) => names?.[label] ?? String(label);
      const classes = chosen();
      only.update({
        value: classes?.length === 1 ? classes[0] : null,
        hidden: present.length <= MOST_NAMED,
        choices: [
          { text: "all", value: null },
          ...present.map((label) => ({ text: nameOf(label), value: label })),
        ],
      });
      const { named, others } = namedClasses(labels ?? [], classes);
      const isOn = (/** @type {number} */ label) => !classes || classes.includes(label);
      legend.update(labels && { named, others, nameOf, isOn, plain: chosenValues(state) !== null });
      const ready = Boolean(state.get("tsne")?.points);
      plane.update({
        value: view.get("projection", "plane"),
        hidden: commands.offline && !ready,
        choices: [
          { text: frame.run.latent_dim > 2 ? "PCA" : "latent plane", value: "plane" },
          { text: "t-SNE", value: "tsne" },
        ],
      });
      const spread = frame.scatter?.spread && !past && !layoutOf(state)?.points;
      ellipses.update({ pressed: Boolean(view.get("ellipses", false)), hidden: !spread });
      const text = explain(state);
      show(note, text !== "");
      setText(note, text);
    },
    /**
     * Colors a point, in place of its class's; draws their scale.
     * @param {State} state
     * @param {number} count
     * @returns {Uint8Array | null}
     */
    colors(state, count) {
      const chosen = chosenValues(state);
      const values = chosen && toFloat32(chosen.values);
      const read = values && readValues(values);
      if (!chosen || !values || !read || values.length < count) {
        scale.update(null);
        return null;
      }
      const scheme = shell.root.dataset.theme === "dark" ? "dark" : "light";
      scale.update({ name: NAMES[chosen.name] ?? chosen.name, unit: chosen.unit, scheme, ...read });
      return rampBytes(values, read.range, scheme);
    },
    /** Which points are shown; null: all. @param {Int32Array | null} labels @returns {Uint8Array | null} */
    shown(labels) {
      const classes = chosen();
      if (!labels || !classes) return null;
      const set = new Set(classes);
      return Uint8Array.from(labels, (label) => (set.has(label) ? 1 : 0));
    },
    /** t-SNE's points and means, where it is chosen and there. @param {State} state */
    layout(state) {
      const layout = layoutOf(state);
      return layout?.points && layout.mu ? { points: layout.points, mu: layout.mu } : null;
    },
    chosen,
    press,
    destroy() {
      for (const part of [legend, color, only, plane, ellipses, scale]) part.destroy();
      row.remove();
      note.remove();
    },
  };
}

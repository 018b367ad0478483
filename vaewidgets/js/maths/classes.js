/**
 * Classes of a data set. In frames a class is its index among the label values that occur; in the view, which Python
 * reads and sets, it is that label.
 *
 * @typedef {{class_names: string[]|null, class_values: (number|string)[]|null}} Named  part of RunInfo
 */

/** So many classes are named and have a color of their own; the same number stands in figures/classes.py. */
export const MOST_NAMED = 20;

/** What the class of a label is called. @param {Named} run @param {number} label */
export function nameOfLabel({ class_names: names, class_values: values }, label) {
  const index = values?.indexOf(label) ?? -1;
  return names?.[index] ?? String(label);
}

/** Labels as indices; null: all. @param {Named} run @param {(number|string)[] | null | undefined} labels */
export function toIndices({ class_values: values }, labels) {
  return labels ? labels.map((label) => (values ? values.indexOf(label) : Number(label))) : null;
}

/** Indices as labels, for the view; null: all. @param {Named} run @param {number[] | null} indices */
export function toLabels({ class_values: values }, indices) {
  return indices?.map((index) => values?.[index] ?? index) ?? null;
}

/**
 * The classes that are named and colored apart: all where there are few, else the most frequent ones.
 * @param {ArrayLike<number>} labels indices of classes; negative: none
 * @param {number[] | null} [chosen] to be among them in any case
 * @returns {{named: number[], others: number}} indices in ascending order; how many classes are left
 */
export function namedClasses(labels, chosen = null) {
  /** @type {Map<number, number>} */
  const counts = new Map();
  for (let i = 0; i < labels.length; i++) {
    if (labels[i] >= 0) counts.set(labels[i], (counts.get(labels[i]) ?? 0) + 1);
  }
  const wanted = new Set(chosen && chosen.length <= MOST_NAMED ? chosen : []);
  const first = (/** @type {[number, number]} */ [label]) => (wanted.has(label) ? 1 : 0);
  const named = [...counts]
    .sort((a, b) => first(b) - first(a) || b[1] - a[1] || a[0] - b[0])
    .slice(0, MOST_NAMED)
    .map(([label]) => label)
    .sort((a, b) => a - b);
  return { named, others: counts.size - named.length };
}

/**
 * The named classes of some points, and their labels with −1 in place of all others.
 * @param {Int32Array | null} labels null: no classes
 * @param {number[] | null} [chosen] as of `namedClasses`
 */
export function coloredLabels(labels, chosen = null) {
  const { named, others } = namedClasses(labels ?? [], chosen);
  const apart = new Set(named);
  return { named, others, labels: labels && (others ? labels.map((c) => (apart.has(c) ? c : -1)) : labels) };
}

/**
 * The classes shown after a press: alone that one, or all again if it was alone; with `add` it is put in or taken out.
 * @param {number[] | null} classes null: all
 * @param {number} label
 * @param {boolean} add
 * @param {number[]} all
 * @returns {number[] | null}
 */
export function pressClass(classes, label, add, all) {
  const shown = classes ?? all;
  if (!add) return classes !== null && shown.length === 1 && shown[0] === label ? null : [label];
  const next = shown.includes(label) ? shown.filter((other) => other !== label) : [...shown, label];
  next.sort((a, b) => a - b);
  return next.length === 0 || next.length === all.length ? null : next;
}

/**
 * A recorded function as Python sends it, for tests.
 * @typedef {number | number[] | number[][]} Values
 */

/** @param {Values} values @returns {number[]} */
const shapeOf = (values) =>
  Array.isArray(values) ? [values.length, ...(Array.isArray(values[0]) ? [values[0].length] : [])] : [];

/**
 * @param {any[]} inputs shapes
 * @param {any[]} ops the last result is the output
 * @param {Record<string, Values>} [tensors] their ids follow those of the inputs
 * @param {any[]} [draws]
 * @returns {import("../contract/types.js").Graph}
 */
export function graph(inputs, ops, tensors = {}, draws = []) {
  const numbers = Float32Array.from(Object.values(tensors).flat(2));
  const last = ops[ops.length - 1];
  return {
    inputs,
    tensors: Object.entries(tensors).map(([name, values]) => [name, shapeOf(values)]),
    weights: { dtype: "f32", shape: [numbers.length], data: numbers },
    draws,
    ops,
    outputs: last[2],
  };
}

/** Reading and writing at places that are themselves numbers. No DOM. */
import { axisOf, broadcast, count, createTensor, expand, offsetsOf, permute, viewOf } from "../tensor.js";
import { scaled } from "./elementwise.js";

/**
 * @typedef {import("../tensor.js").Tensor} Tensor
 * @typedef {import("../builder.js").Builder} Builder
 * @typedef {import("../builder.js").Operation} Operation
 * @typedef {import("../builder.js").Single} Single
 * @typedef {import("../builder.js").Operations} Operations
 * @typedef {(before: number, value: number) => number} Mix  what a place holds after a write
 */

/** @type {Mix} */
const put = (_, value) => value;
/** @type {Mix} */
const plus = (before, value) => before + value;

/**
 * Places of x[index, …]: for each element of the indices, broadcast together, and each of the axes that are left.
 * @param {Builder} c @param {Tensor} x @param {(Tensor | null)[]} indices per axis, null for a whole one
 */
function places(c, x, indices) {
  const axes = x.shape.map((_, axis) => axis).filter((axis) => indices[axis]);
  const rest = x.shape.map((_, axis) => axis).filter((axis) => !indices[axis]);
  const given = indices.filter((index) => index !== null);
  const shape = broadcast(...given.map((index) => index.shape));
  const wide = given.map((index) => c.contiguous(expand(index, shape)));
  const [inner] = offsetsOf(
    rest.map((axis) => x.shape[axis]),
    [rest.map((axis) => x.strides[axis])],
  );
  const extents = axes.map((axis) => x.shape[axis]);
  const strides = axes.map((axis) => x.strides[axis]);
  const n = wide.length ? count(wide[0]) : 0;
  /** Calls `visit(place in x, number of the result)`. @param {Float32Array} f @param {number[]} at of the indices @param {(place: number, i: number) => void} visit */
  const walk = (f, at, visit) => {
    for (let i = 0, to = 0; i < n; i++) {
      let start = 0;
      for (let j = 0; j < at.length; j++) {
        const index = f[at[j] + i];
        start += (index < 0 ? index + extents[j] : index) * strides[j];
      }
      for (let j = 0; j < inner.length; j++) visit(start + inner[j], to++);
    }
  };
  // torch leaves the indexed axes where they are if they are neighbours, else they come first.
  const together = axes.every((axis, i) => i === 0 || axis === axes[i - 1] + 1);
  const before = together ? rest.filter((axis) => axis < axes[0]).length : 0;
  const full = [...shape, ...rest.map((axis) => x.shape[axis])];
  const order = full.map((_, axis) => axis);
  const moved = [
    ...order.slice(shape.length, shape.length + before),
    ...order.slice(0, shape.length),
    ...order.slice(shape.length + before),
  ];
  return { wide, walk, shape: full, moved };
}

/** @type {Single} */
function index(c, x, indices) {
  const { wide, walk, shape, moved } = places(c, x, indices);
  const out = createTensor(shape);
  c.step([out], [x, ...wide], (o, a, ...at) => () => {
    const { f32: f } = c.memory;
    walk(f, at, (place, i) => {
      f[o + i] = f[a + place];
    });
  });
  return permute(out, moved);
}

/** A copy of x with values written at places. @param {Builder} c @param {Tensor} x @param {(Tensor | null)[]} indices @param {Tensor | number} values @param {Mix} mix */
function written(c, x, indices, values, mix) {
  const out = c.copy(createTensor(x.shape), x);
  const { wide, walk, shape, moved } = places(c, out, indices);
  const back = moved.map((_, axis) => moved.indexOf(axis));
  const seen = expand(
    c.tensor(values),
    moved.map((axis) => shape[axis]),
  );
  const source = c.contiguous(permute(seen, back));
  c.step([out], [source, ...wide], (o, a, ...at) => () => {
    const { f32: f } = c.memory;
    walk(f, at, (place, i) => {
      f[o + place] = mix(f[o + place], f[a + i]);
    });
  });
  return out;
}

/** Indices of one axis alone. @param {Tensor} x @param {number} axis @param {Tensor} given */
function alongAxis(x, axis, given) {
  const at = axisOf(axis, x.shape.length);
  const flat = given.shape.length ? given : viewOf(given, [1], [1]);
  return x.shape.map((_, i) => (i === at ? flat : null));
}

/**
 * Places of x at an index of as many axes: the index stands for the place along one axis, its own place for the others.
 * @param {Tensor} x @param {number} axis @param {Tensor} given contiguous
 */
function alongside(x, axis, given) {
  const at = axisOf(axis, x.shape.length);
  const [starts] = offsetsOf(given.shape, [x.strides.map((step, i) => (i === at ? 0 : step))]);
  const step = x.strides[at] ?? 0;
  return { starts, step };
}

/** @type {Single} */
function gather(c, x, axis, given) {
  const at = c.contiguous(given);
  const { starts, step } = alongside(x, axis, at);
  const out = createTensor(given.shape);
  c.step([out], [x, at], (o, a, p) => () => {
    const { f32: f } = c.memory;
    for (let i = 0; i < starts.length; i++) f[o + i] = f[a + starts[i] + f[p + i] * step];
  });
  return out;
}

/** @param {Builder} c @param {Tensor} x @param {number} axis @param {Tensor} given @param {Tensor | number} values @param {Mix} mix */
function scattered(c, x, axis, given, values, mix) {
  const out = c.copy(createTensor(x.shape), x);
  const at = c.contiguous(given);
  const source =
    typeof values === "number"
      ? expand(c.number(values), given.shape)
      : viewOf(values, given.shape, values.strides);
  const whole = c.contiguous(source);
  const { starts, step } = alongside(out, axis, at);
  c.step([out], [at, whole], (o, p, a) => () => {
    const { f32: f } = c.memory;
    for (let i = 0; i < starts.length; i++) {
      const place = o + starts[i] + f[p + i] * step;
      f[place] = mix(f[place], f[a + i]);
    }
  });
  return out;
}

/** Elements at places of a flat list, in the shape of the index. @type {Single} */
const embedding = (c, weight, given) => index(c, weight, [given, null]);

/** What came to each row of an embedding is added up. @type {Single} */
export function embeddingDenseBackward(c, gradient, given, rows, padding) {
  const width = gradient.shape[gradient.shape.length - 1];
  const out = createTensor([rows, width]);
  const at = c.contiguous(given);
  const from = c.contiguous(gradient);
  const n = count(at);
  c.step([out], [from, at], (o, g, p) => () => {
    const { f32: f } = c.memory;
    f.fill(0, o, o + rows * width);
    for (let i = 0; i < n; i++) {
      const row = f[p + i];
      for (let j = 0; row !== padding && j < width; j++) f[o + row * width + j] += f[g + i * width + j];
    }
  });
  return out;
}

/** @type {Operations} */
export const indexing = {
  index,
  _unsafe_index: index,
  index_put: (c, x, indices, values, accumulate = false) =>
    written(c, x, indices, values, accumulate ? plus : put),
  index_select: (c, x, axis, given) => index(c, x, alongAxis(x, axis, given)),
  index_add: (c, x, axis, given, source, alpha = 1) =>
    written(c, x, alongAxis(x, axis, given), scaled(c, source, alpha), plus),
  index_copy: (c, x, axis, given, source) => written(c, x, alongAxis(x, axis, given), source, put),
  index_fill: (c, x, axis, given, value) => written(c, x, alongAxis(x, axis, given), value, put),
  gather,
  scatter: (c, x, axis, given, source) => scattered(c, x, axis, given, source, put),
  scatter_add: (c, x, axis, given, source) => scattered(c, x, axis, given, source, plus),
  embedding,
};

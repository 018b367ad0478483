/**
 * Shapes, strides and views, as torch has them: a tensor is a place in a storage, a shape and strides. No numbers are
 * touched here. No DOM.
 *
 * @typedef {{size: number, at: number, first: number, last: number, pinned: boolean, constant: boolean}} Storage
 *   at: its offset in memory, once planned; first and last: the steps between which it is in use
 * @typedef {{storage: Storage, offset: number, shape: number[], strides: number[]}} Tensor
 */
import { size } from "../contract/bytes.js";

/** @param {number} length @returns {Storage} */
export const createStorage = (length) => ({
  size: length,
  at: -1,
  first: Number.POSITIVE_INFINITY,
  last: -1,
  pinned: false,
  constant: true,
});

/** Row-major strides. @param {number[]} shape */
export function stridesOf(shape) {
  const strides = new Array(shape.length);
  let step = 1;
  for (let axis = shape.length - 1; axis >= 0; axis--) {
    strides[axis] = step;
    step *= shape[axis];
  }
  return strides;
}

/** A new tensor with memory of its own. @param {number[]} shape @returns {Tensor} */
export const createTensor = (shape) => ({
  storage: createStorage(size(shape)),
  offset: 0,
  shape,
  strides: stridesOf(shape),
});

/** The same memory read otherwise. @param {Tensor} x @param {number[]} shape @param {number[]} strides @param {number} [offset] @returns {Tensor} */
export const viewOf = (x, shape, strides, offset = x.offset) => ({
  storage: x.storage,
  offset,
  shape,
  strides,
});

/** @param {Tensor} x */
export const count = (x) => size(x.shape);

/** @param {{shape: number[], strides: number[]}} x */
export function isContiguous({ shape, strides }) {
  let step = 1;
  for (let axis = shape.length - 1; axis >= 0; axis--) {
    if (shape[axis] !== 1 && strides[axis] !== step) return false;
    step *= shape[axis];
  }
  return true;
}

/** An axis counted from the front. @param {number} axis @param {number} n how many there are */
export function axisOf(axis, n) {
  const least = Math.max(n, 1);
  if (axis < -least || axis >= least) throw new Error(`axis ${axis} of ${n}`);
  return axis < 0 ? axis + least : axis;
}

/** Several axes, all where none is given; sorted. @param {number[] | number | null | undefined} axes @param {number} n */
export function axesOf(axes, n) {
  const given = typeof axes === "number" ? [axes] : (axes ?? []);
  if (!given.length) return Array.from({ length: n }, (_, axis) => axis);
  return n ? given.map((axis) => axisOf(axis, n)).sort((a, b) => a - b) : [];
}

/** The shape to which all of these can be expanded. @param {number[][]} shapes */
export function broadcast(...shapes) {
  const n = Math.max(...shapes.map((shape) => shape.length));
  return Array.from({ length: n }, (_, axis) => {
    let extent = 1;
    for (const shape of shapes) {
      const own = shape[axis - n + shape.length] ?? 1;
      if (own !== 1 && extent !== 1 && own !== extent) {
        throw new Error(`shapes ${shapes.map((each) => `[${each}]`).join(" and ")} cannot be broadcast`);
      }
      if (own !== 1) extent = own;
    }
    return extent;
  });
}

/** Repeated along axes of extent 1 without a copy; -1 keeps an extent. @param {Tensor} x @param {number[]} shape */
export function expand(x, shape) {
  const added = shape.length - x.shape.length;
  const full = shape.map((extent, axis) => (extent === -1 ? x.shape[axis - added] : extent));
  const strides = full.map((extent, axis) => {
    const own = x.shape[axis - added];
    if (axis < added || (own === 1 && extent !== 1)) return 0;
    if (own !== extent) throw new Error(`shape [${x.shape}] cannot be expanded to [${shape}]`);
    return x.strides[axis - added];
  });
  return viewOf(x, full, strides);
}

/** Another order of axes. @param {Tensor} x @param {number[]} axes */
export function permute(x, axes) {
  const order = axes.map((axis) => axisOf(axis, x.shape.length));
  return viewOf(
    x,
    order.map((axis) => x.shape[axis]),
    order.map((axis) => x.strides[axis]),
  );
}

/** @param {Tensor} x @param {number} a @param {number} b */
export function transpose(x, a, b) {
  const n = x.shape.length;
  const order = Array.from({ length: n }, (_, axis) => axis);
  if (n) [order[axisOf(a, n)], order[axisOf(b, n)]] = [axisOf(b, n), axisOf(a, n)];
  return permute(x, order);
}

/** Every `step`-th from `start` up to `stop` along one axis. @param {Tensor} x @param {number} axis @param {number} start @param {number} stop @param {number} [step] */
export function slice(x, axis, start, stop, step = 1) {
  const shape = [...x.shape];
  const strides = [...x.strides];
  shape[axis] = Math.max(0, Math.ceil((stop - start) / step));
  strides[axis] *= step;
  return viewOf(x, shape, strides, x.offset + start * x.strides[axis]);
}

/** One axis away. @param {Tensor} x @param {number} axis @param {number} index */
export function select(x, axis, index) {
  const from = index < 0 ? index + x.shape[axis] : index;
  const without = (/** @type {number[]} */ list) => list.filter((_, i) => i !== axis);
  return viewOf(x, without(x.shape), without(x.strides), x.offset + from * x.strides[axis]);
}

/** @param {Tensor} x @param {number} axis */
export function unsqueeze(x, axis) {
  const at = axisOf(axis, x.shape.length + 1);
  const stride = at < x.shape.length ? x.shape[at] * x.strides[at] : 1;
  return viewOf(x, x.shape.toSpliced(at, 0, 1), x.strides.toSpliced(at, 0, stride));
}

/** A shape with its -1 replaced. @param {number[]} shape @param {number} n numbers that it must hold */
export function inferred(shape, n) {
  const known = size(shape.filter((extent) => extent !== -1));
  const full = shape.map((extent) => (extent === -1 ? n / known : extent));
  if (size(full) !== n) throw new Error(`${n} values cannot be viewed as [${shape}]`);
  return full;
}

/**
 * The same numbers in another shape without a copy, or null where strides cannot express it.
 * @param {Tensor} x @param {number[]} shape @returns {Tensor | null}
 */
export function reshaped(x, shape) {
  const full = inferred(shape, count(x));
  if (isContiguous(x)) return viewOf(x, full, stridesOf(full));
  const { shape: from, strides } = merged(x.shape, [x.strides]);
  const out = new Array(full.length).fill(1);
  let axis = full.length - 1;
  for (let i = from.length - 1; i >= 0; i--) {
    let left = from[i];
    let step = strides[0][i];
    for (; axis >= 0 && left % full[axis] === 0 && (left > 1 || full[axis] === 1); axis--) {
      out[axis] = step;
      step *= full[axis];
      left /= full[axis];
    }
    if (left !== 1) return null;
  }
  return viewOf(x, full, out);
}

/**
 * Neighbouring axes that all of these strides run through as one, merged; axes of extent 1 dropped.
 * @param {number[]} shape @param {number[][]} strides of several tensors of that shape
 */
export function merged(shape, strides) {
  /** @type {number[]} */
  const extents = [];
  const out = strides.map(() => /** @type {number[]} */ ([]));
  shape.forEach((extent, axis) => {
    if (extent === 1) return;
    const last = extents.length - 1;
    if (last >= 0 && strides.every((own, i) => out[i][last] === own[axis] * extent)) {
      extents[last] *= extent;
      for (let i = 0; i < out.length; i++) out[i][last] = strides[i][axis];
    } else {
      extents.push(extent);
      for (let i = 0; i < out.length; i++) out[i].push(strides[i][axis]);
    }
  });
  return { shape: extents, strides: out };
}

/**
 * All places of the outer axes of a loop, as offsets of each tensor: [[a, b], …].
 * @param {number[]} shape @param {number[][]} strides
 * @returns {Int32Array[]} one list of offsets a tensor
 */
export function offsetsOf(shape, strides) {
  const n = size(shape);
  return strides.map((own) => {
    const offsets = new Int32Array(n);
    let block = 1;
    for (let axis = shape.length - 1; axis >= 0; axis--) {
      for (let i = 1; i < shape[axis]; i++) {
        for (let j = 0; j < block; j++) offsets[i * block + j] = offsets[j] + i * own[axis];
      }
      block *= shape[axis];
    }
    return offsets;
  });
}

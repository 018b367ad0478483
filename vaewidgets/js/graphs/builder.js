/**
 * What an operation has to hand while a program is built: new tensors, steps, other operations. No DOM.
 *
 * An operation is a function of the builder and its arguments that gives a tensor, or several. It looks at shapes
 * alone; what is to be computed it leaves as steps, which get their offsets once the memory is planned.
 *
 * @typedef {import("./tensor.js").Tensor} Tensor
 * @typedef {import("./kernels/memory.js").Memory} Memory
 * @typedef {{tensors: Tensor[], writes: number, bind: (...offsets: number[]) => () => void, kind?: "copy" | "each"}} Step
 *   tensors: what it writes (the first `writes`), then what it reads; kind: of those that may become fewer (plan.js)
 * @typedef {(c: Builder, ...args: any[]) => Tensor} Single
 * @typedef {(c: Builder, ...args: any[]) => Tensor | (Tensor | null)[]} Operation
 * @typedef {Record<string, Operation>} Operations
 */
import { broadcast, createTensor, expand, isContiguous, merged, offsetsOf } from "./tensor.js";

/** Shorter rows than this are copied out whole: a call of a kernel for each would cost more. */
const SHORT = 16;

/** @param {Memory} memory */
export function createBuilder(memory) {
  /** @type {Step[]} */
  const steps = [];
  /** @type {Map<number, Tensor>} */
  const numbers = new Map();

  const c = {
    memory,
    kernels: memory.kernels,
    steps,
    numbers,
    empty: createTensor,

    /** A number in memory. @param {number} value @returns {Tensor} */
    number(value) {
      let x = numbers.get(value);
      if (!x) {
        x = createTensor([]);
        x.storage.pinned = true;
        numbers.set(value, x);
      }
      return x;
    },

    /** @param {Tensor | number | boolean} x @returns {Tensor} */
    tensor: (x) => (typeof x === "object" ? x : c.number(Number(x))),

    /** @param {Tensor[]} writes @param {Tensor[]} reads @param {Step["bind"]} bind from their offsets to what runs @param {Step["kind"]} [kind] */
    step(writes, reads, bind, kind) {
      steps.push({ tensors: [...writes, ...reads], writes: writes.length, bind, kind });
    },

    /** x itself where its numbers lie one after the other, else a copy that does. @param {Tensor | number} x @returns {Tensor} */
    contiguous(x) {
      const given = c.tensor(x);
      return isContiguous(given) ? given : c.copy(createTensor(given.shape), given);
    },

    /** Numbers from one tensor into another of any strides. @param {Tensor} to @param {Tensor | number} from @returns {Tensor} `to` */
    copy(to, from) {
      const source = expand(c.tensor(from), to.shape);
      const { shape, strides } = merged(to.shape, [to.strides, source.strides]);
      const n = shape.pop() ?? 1;
      const [toStep, fromStep] = strides.map((own) => own.pop() ?? 1);
      const [toAt, fromAt] = offsetsOf(shape, strides);
      const whole = toStep === 1 && fromStep === 1;
      const bind = (/** @type {number} */ o, /** @type {number} */ a) => () => {
        if (whole && n >= SHORT) {
          for (let i = 0; i < toAt.length; i++) c.kernels.copy(o + toAt[i], a + fromAt[i], n);
        } else {
          copyRows(memory.f32, o, toAt, toStep, a, fromAt, fromStep, n);
        }
      };
      c.step([to], [source], bind, "copy");
      return to;
    },

    /**
     * Something for each element, operands broadcast: `run` gets the offset of the result, of each operand and how many
     * numbers each has (n, 1, or a period that repeats), then n; called once or for each row.
     * @param {(Tensor | number)[]} operands
     * @param {(out: number, at: number[], counts: number[], n: number) => void} run
     * @returns {Tensor}
     */
    each(operands, run) {
      const given = operands.map((x) => (isDense(c.tensor(x)) ? c.tensor(x) : c.contiguous(x)));
      const out = createTensor(broadcast(...given.map((x) => x.shape)));
      let wide = given.map((x) => expand(x, out.shape));
      let plan = rows(out.shape, wide);
      if (plan.inner < SHORT && plan.starts[0].length > SHORT) {
        wide = wide.map((x) => (isContiguous(x) ? x : c.copy(createTensor(out.shape), x)));
        plan = rows(out.shape, wide);
      }
      const { inner, counts, starts } = plan;
      const at = wide.map(() => 0);
      const bind =
        (/** @type {number} */ o, /** @type {number[]} */ ...from) =>
        () => {
          for (let i = 0; i < starts[0].length; i++) {
            for (let j = 0; j < at.length; j++) at[j] = from[j] + starts[j][i];
            run(o + i * inner, at, counts, inner);
          }
        };
      c.step([out], wide, bind, "each");
      return out;
    },

    /**
     * What a function writes from whole tensors: `run` gets all offsets, results first, in that order.
     * @param {number[][]} shapes of the results @param {(Tensor | number)[]} operands made contiguous
     * @param {(f: Float32Array, ...offsets: number[]) => void} run
     * @param {{name: string, n: number, inner: number} | import("./gpu/taps.js").Known} [_known] of runs of n numbers
     *   that lie `inner` apart what is computed, or which sums of a plane's elements, for who computes it otherwise
     * @returns {Tensor[]}
     */
    compute(shapes, operands, run, _known) {
      const outs = shapes.map(createTensor);
      const from = operands.map((x) => c.contiguous(x));
      c.step(
        outs,
        from,
        (...offsets) =>
          () =>
            run(memory.f32, ...offsets),
      );
      return outs;
    },
  };
  return c;
}

/** @typedef {ReturnType<typeof createBuilder>} Builder */

/** Whether the numbers lie one after the other, apart from axes along which they repeat. @param {Tensor} x */
function isDense({ shape, strides }) {
  const own = (/** @type {unknown} */ _, /** @type {number} */ axis) => strides[axis] !== 0;
  return isContiguous({ shape: shape.filter(own), strides: strides.filter(own) });
}

/**
 * @param {Float32Array} f @param {number} o @param {Int32Array} toAt @param {number} toStep
 * @param {number} a @param {Int32Array} fromAt @param {number} fromStep @param {number} n
 */
function copyRows(f, o, toAt, toStep, a, fromAt, fromStep, n) {
  for (let i = 0; i < toAt.length; i++) {
    let to = o + toAt[i];
    let from = a + fromAt[i];
    for (const end = to + n * toStep; to !== end; to += toStep, from += fromStep) f[to] = f[from];
  }
}

/**
 * The longest rows over which each operand is whole, one number, or repeats.
 * @param {number[]} shape @param {Tensor[]} operands expanded to it, contiguous before
 */
function rows(shape, operands) {
  const { shape: extents, strides } = merged(
    shape,
    operands.map((x) => x.strides),
  );
  const period = (/** @type {number[]} */ own, /** @type {number} */ start) => {
    let axis = start;
    while (axis < extents.length && own[axis] === 0) axis++;
    if (own.slice(axis).includes(0)) return 0;
    return extents.slice(axis).reduce((n, extent) => n * extent, 1);
  };
  let start = 0;
  while (strides.some((own) => !period(own, start))) start++;
  const inner = extents.slice(start).reduce((n, extent) => n * extent, 1);
  return {
    inner,
    counts: strides.map((own) => period(own, start)),
    starts: offsetsOf(
      extents.slice(0, start),
      strides.map((own) => own.slice(0, start)),
    ),
  };
}

/**
 * A builder for the GPU: the operations are those of WebAssembly, but what they leave as steps is written down instead
 * of run. An elementwise function is called once for one element, and a step once with places that stand for its
 * tensors: which kernels it calls with what is all that the GPU has to know. No DOM.
 *
 * @typedef {import("../tensor.js").Tensor} Tensor
 * @typedef {import("../builder.js").Step} Step
 * @typedef {import("./shaders.js").Dispatch} Dispatch
 * @typedef {{tensor: number} | {value: number}} Argument  which of the tensors read, or a number
 * @typedef {{expression: import("./functions.js").Expression, numbers: number[], args: Argument[]}} Mapping
 *   one function of each element
 * @typedef {Omit<Step, "bind"> & {map?: Mapping, bind: (...offsets: number[]) => Dispatch[]}} GpuStep
 *   map: of a step that is still to be fused (fusion.js), which binds to nothing
 */
import { broadcast, count, createTensor, expand, isContiguous } from "../tensor.js";
import { expression } from "./functions.js";
import { fold, product, sumCols, sumRows } from "./shaders.js";
import { gathered } from "./taps.js";

const NO_FORM = "WebGPU has no form of it";
/** Places of different tensors are so far apart while a step is looked at. */
const APART = 2 ** 40;

/** @typedef {{kernel: string, args: any[]}} Call */

/** A place as the tensor that it belongs to and how far in it is. @param {number} at */
const placeOf = (at) => ({ tensor: Math.floor(at / APART), from: at % APART });

/** How far a place goes on from the first call to the second, if it does so through all of them. @param {Call[]} calls @param {(call: Call) => number} of */
function stride(calls, of) {
  const [first, second] = calls;
  if (!second) return 0;
  const step = of(second) - of(first);
  if (calls.some((call, i) => of(call) !== of(first) + i * step)) throw new Error("uneven calls of a kernel");
  return step;
}

/**
 * By kernel: the dispatch of a row of calls that differ in their places alone, from where each tensor lies.
 * @type {Record<string, (calls: Call[], at: (place: number) => number) => Dispatch>}
 */
const KERNELS = {
  product(calls, at) {
    const [{ args }] = calls;
    const [call] = args;
    const steps = Object.fromEntries(
      ["a", "b", "c"].map((name) => [name, stride(calls, (c) => c.args[0][name])]),
    );
    const bias = call.bias >= 0 ? at(call.bias) : -1;
    const places = { a: at(call.a), b: at(call.b), c: at(call.c), bias };
    return product({ ...call, ...places }, /** @type {any} */ ({ ...steps, many: calls.length }));
  },
  sumRows(calls, at) {
    const [{ args }] = calls;
    const [out, x, rows, cols] = args;
    const steps = {
      out: stride(calls, (c) => c.args[0]),
      x: stride(calls, (c) => c.args[1]),
      many: calls.length,
    };
    return sumRows(at(out), at(x), rows, cols, steps);
  },
  sumCols([{ args }], at) {
    const [out, x, rows, cols] = args;
    return sumCols(at(out), at(x), rows, cols);
  },
};

/** What the operations may ask of the kernels, written down. @param {Call[]} calls */
function createRecorder(calls) {
  const names = ["unary", "binary", "select", ...Object.keys(KERNELS)];
  const note = (/** @type {string} */ kernel) => [
    kernel,
    (/** @type {any[]} */ ...args) => void calls.push({ kernel, args }),
  ];
  const kernels = Object.fromEntries(names.map(note));
  return new Proxy(kernels, {
    get(known, name) {
      if (name in known) return known[String(name)];
      throw new Error(`WebGPU has no kernel "${String(name)}"`);
    },
  });
}

export function createGpuBuilder() {
  /** @type {Call[]} */
  const calls = [];
  /** @type {GpuStep[]} */
  const steps = [];
  /** Tensors whose numbers are known beforehand. @type {{tensor: Tensor, values: Float32Array}[]} */
  const constants = [];
  /** @type {Map<number, Tensor>} */
  const numbers = new Map();
  const memory = {
    /** @returns {Float32Array} */
    get f32() {
      throw new Error(NO_FORM);
    },
  };

  /** What a function calls, its places standing for its tensors. @param {() => void} run */
  function traced(run) {
    calls.length = 0;
    run();
    return calls.slice();
  }

  /** A tensor whose numbers never change. @param {number[]} shape @param {Float32Array} values */
  function constant(shape, values) {
    const tensor = createTensor(shape);
    tensor.storage.pinned = true;
    constants.push({ tensor, values });
    return tensor;
  }

  /** @param {Tensor} out @param {(Tensor | number)[]} operands @param {Omit<Mapping, "args">} what */
  function map(out, operands, what) {
    /** @type {Tensor[]} */
    const reads = [];
    const args = operands.map((x) => {
      if (typeof x === "number") return { value: x };
      reads.push(expand(x, out.shape));
      return { tensor: reads.length - 1 };
    });
    if (count(out))
      steps.push({ tensors: [out, ...reads], writes: 1, map: { ...what, args }, bind: () => [] });
    return out;
  }

  /** @param {number[]} shape @param {Tensor} x @param {{name: string, n: number, inner: number}} known */
  function reduced(shape, x, { name, n, inner }) {
    const out = createTensor(shape);
    c.dispatch([out], [x], (o, a) => fold(name, { rows: count(out), n, inner, out: o, x: a }));
    return out;
  }

  const c = {
    memory,
    kernels: createRecorder(calls),
    steps,
    constants,
    constant,
    empty: createTensor,

    /** A number in memory. @param {number} value */
    number(value) {
      const found = numbers.get(value) ?? constant([], Float32Array.of(value));
      numbers.set(value, found);
      return found;
    },
    /** @param {Tensor | number | boolean} x @returns {Tensor} */
    tensor: (x) => (typeof x === "object" ? x : c.number(Number(x))),

    /** @param {Tensor[]} writes @param {Tensor[]} reads @param {(...offsets: number[]) => () => void} bind as of the other builder */
    step(writes, reads, bind) {
      const tensors = [...writes, ...reads];
      const found = traced(() => bind(...tensors.map((_, i) => i * APART))());
      if (!found.length) return;
      const [{ kernel }] = found;
      if (
        !KERNELS[kernel] ||
        found.some((call) => call.kernel !== kernel) ||
        (kernel === "sumCols" && found[1])
      ) {
        throw new Error(NO_FORM);
      }
      c.dispatch(writes, reads, (...offsets) =>
        KERNELS[kernel](found, (place) => offsets[placeOf(place).tensor] + placeOf(place).from),
      );
    },

    /** @param {Tensor[]} writes @param {Tensor[]} reads @param {(...offsets: number[]) => Dispatch} make from their offsets */
    dispatch(writes, reads, make) {
      if (!count(writes[0])) return;
      const bind = (/** @type {number[]} */ ...offsets) => [make(...offsets)];
      steps.push({ tensors: [...writes, ...reads], writes: writes.length, bind });
    },

    /** @param {Tensor | number} x @returns {Tensor} */
    contiguous(x) {
      const given = c.tensor(x);
      return isContiguous(given) ? given : c.copy(createTensor(given.shape), given);
    },

    /** @param {Tensor} to @param {Tensor | number | boolean} from @returns {Tensor} `to` */
    copy: (to, from) =>
      map(to, [typeof from === "object" ? from : Number(from)], {
        ...{ expression: expression("unary", "copy"), numbers: [] },
      }),

    /** @param {(Tensor | number)[]} operands @param {(out: number, at: number[], counts: number[], n: number) => void} run @returns {Tensor} */
    each(operands, run) {
      const places = operands.map((_, i) => i + 1);
      const ones = operands.map(() => 1);
      const [{ kernel, args }] = traced(() => run(0, places, ones, 1));
      const kind = /** @type {"unary" | "binary" | "select"} */ (kernel);
      const [name, ...rest] = kind === "select" ? ["select"] : args;
      const given = rest.slice(kind === "unary" ? 3 : 6);
      const plain = operands.map((x) => (typeof x === "object" ? x : Number(x)));
      const shape = broadcast(...plain.map((x) => (typeof x === "number" ? [] : x.shape)));
      const what = { expression: expression(kind, name), numbers: given };
      return map(createTensor(shape), plain, what);
    },

    /**
     * Numbers that depend on nothing are computed here and now.
     * @param {number[][]} shapes @param {(Tensor | number)[]} operands @param {(f: Float32Array, ...offsets: number[]) => void} run
     * @param {any} [known] a reduction, or sums of a plane's elements
     * @returns {Tensor[]}
     */
    compute(shapes, operands, run, known) {
      if (known?.plane) return [gathered(c, shapes[0], c.contiguous(operands[0]), known)];
      if (known) return [reduced(shapes[0], c.contiguous(operands[0]), known)];
      if (operands.length) throw new Error(NO_FORM);
      return shapes.map((shape) => {
        const values = new Float32Array(count(createTensor(shape)));
        run(values, 0);
        return constant(shape, values);
      });
    },
  };
  return c;
}

/** @typedef {ReturnType<typeof createGpuBuilder>} GpuBuilder */

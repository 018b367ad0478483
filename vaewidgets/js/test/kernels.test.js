import assert from "node:assert/strict";
import { test } from "node:test";
import { setFlagsFromString } from "node:v8";
import { BINARY as FORWARD, UNARY } from "../graphs/kernels/functions.js";
import { GRADIENTS } from "../graphs/kernels/gradients.js";
import { createMemory } from "../graphs/kernels/memory.js";
import { stamp } from "../graphs/kernels/wasm/build.mjs";
import { RELAXED_PRODUCTS, STAMP } from "../graphs/kernels/wasm_code.js";

const BINARY = { ...FORWARD, ...GRADIENTS };

/** @param {ArrayLike<number>} values @param {import("../graphs/kernels/memory.js").Memory} memory */
function put(values, memory) {
  const offset = memory.alloc(values.length);
  memory.f32.set(values, offset);
  return offset;
}

/** @param {import("../graphs/kernels/memory.js").Memory} memory @param {number} offset @param {number} n */
const take = (memory, offset, n) => memory.f32.slice(offset, offset + n);

const wave = (/** @type {number} */ n, phase = 0) =>
  Float32Array.from({ length: n }, (_, i) => Math.sin(0.7 * i + phase));

test("memory: what is free is joined and used again, as zeros", () => {
  const memory = createMemory();
  const [a, b, c] = [memory.alloc(8), memory.alloc(5), memory.alloc(4)];
  assert.deepEqual([b - a, c - b, a % 4], [8, 8, 0]);
  memory.kernels.fill(b, 3, 8);
  memory.free(a);
  memory.free(b);
  assert.equal(memory.alloc(16), a);
  assert.deepEqual([...take(memory, a, 16)], new Array(16).fill(0));
  assert.throws(() => memory.free(b), /nothing is held/);
});

test("memory grows and keeps what it holds; scratch is one region", () => {
  const memory = createMemory();
  const kept = put([1, 2, 3], memory);
  const small = memory.scratch(10);
  assert.equal(memory.scratch(4), small);
  const large = memory.scratch(3e6);
  assert.equal(memory.scratch(10), large);
  memory.f32[large + 3e6 - 1] = 7;
  assert.deepEqual([...take(memory, kept, 3)], [1, 2, 3]);
});

test("memory that the browser does not give is named in MB, and nothing is lost", () => {
  const memory = createMemory();
  const kept = put([5], memory);
  assert.throws(() => memory.alloc(3e9), /1144\d MB are wanted/);
  const next = memory.alloc(4);
  assert.equal(next, kept + 4);
  assert.equal(memory.f32[kept], 5);
});

test("the modules are made of the sources that are here", () => {
  assert.equal(STAMP, stamp(), "run `npm run wasm`");
});

test("a page that forbids WebAssembly, or a browser without SIMD, has the plain kernels", () => {
  const { WebAssembly } = globalThis;
  const forbid = () => {
    throw new WebAssembly.CompileError("blocked by the page's policy");
  };
  for (const stub of [undefined, { Memory: WebAssembly.Memory, Module: forbid }]) {
    // @ts-expect-error: a browser without
    globalThis.WebAssembly = stub;
    try {
      assert.equal(createMemory().kernels.name, "plain");
    } finally {
      globalThis.WebAssembly = WebAssembly;
    }
  }
});

const memories = [createMemory({ plain: true }), createMemory()];
setFlagsFromString("--experimental-wasm-relaxed-simd"); // what newer engines have without
assert.ok(WebAssembly.validate(Buffer.from(RELAXED_PRODUCTS, "base64")));
memories.push(createMemory());

test("all kinds of kernels are tested", () => {
  const names = new Set(memories.map(({ kernels }) => kernels.name));
  assert.ok(names.has("plain") && names.has("wasm relaxed"));
});

for (const memory of memories) {
  const { kernels, free } = memory;
  const name = kernels.name;

  test(`${name}: zeros in either operand change nothing, and hide no infinity and no NaN of the other`, () => {
    const [m, n, k] = [101, 135, 330];
    const rare = (/** @type {number} */ i, /** @type {number} */ p) =>
      p % 7 === 3 || (p % 11 === 5 && i > 60);
    /** @type {[boolean, boolean, number, boolean, "bias" | "accumulate" | null][]} */
    const cases = [
      [true, false, 1, false, null],
      [true, false, 1, true, "bias"],
      [false, true, 1, false, "bias"],
      [false, true, 1, true, "accumulate"],
      [true, true, 1, false, "accumulate"],
      [true, false, Number.POSITIVE_INFINITY, false, null],
      [false, true, Number.NaN, false, null],
    ];
    for (const [aHasZeros, bHasZeros, hidden, transposed, added] of cases) {
      const left = wave(m * k).map((x, i) => (!aHasZeros || rare(Math.floor(i / k), i % k) ? x : 0));
      const right = wave(k * n, 1).map((x, i) => (!bHasZeros || rare(i % n, Math.floor(i / n)) ? x : 0));
      (aHasZeros ? right : left)[aHasZeros ? n : 1] = hidden; // met by zeros alone
      const turned = (/** @type {Float32Array} */ x, /** @type {number} */ rows) =>
        transposed ? x.map((_, i) => x[(i % rows) * (x.length / rows) + Math.floor(i / rows)]) : x;
      const given = [turned(left, m), turned(right, k), wave(m * n, 2), wave(n, 3)];
      const [a, b, c, bias] = given.map((v) => put(v, memory));
      const strides = transposed
        ? { aRow: 1, aCol: m, bRow: 1, bCol: k }
        : { aRow: k, aCol: 1, bRow: n, bCol: 1 };
      const more = added === "bias" ? { bias } : { accumulate: added === "accumulate" };
      kernels.product({ a, b, c, ...strides, cRow: n, m, n, k, ...more });
      const got = take(memory, c, m * n);
      for (let i = 0; i < m * n; i += 13) {
        let sum = added === "bias" ? given[3][i % n] : added ? given[2][i] : 0;
        let size = Math.abs(sum);
        for (let p = 0; p < k; p++) {
          const term = left[Math.floor(i / n) * k + p] * right[p * n + (i % n)];
          sum += term;
          size += Math.abs(term);
        }
        if (Number.isFinite(sum)) assert.ok(Math.abs(got[i] - sum) <= (k + 2) * 2 ** -24 * size);
        else assert.ok(Number.isNaN(got[i]), `${i}: ${got[i]}`);
      }
      for (const offset of [a, b, c, bias]) free(offset);
    }
  });

  test(`${name}: Adam's moments end at 0, not at numbers that slow the processor down`, () => {
    const n = 5;
    const [p, g, m, v] = [wave(n), new Float32Array(n), wave(n, 1), new Float32Array(n).fill(1e-36)].map(
      (x) => put(x, memory),
    );
    const numbers = { lr: 1e-3, beta1: 0.9, beta2: 0.999, eps: 1e-8 };
    for (let step = 1; step <= 900; step++) kernels.adam({ p, g, m, v, n, ...numbers, step });
    assert.deepEqual([...take(memory, m, n), ...take(memory, v, n)], new Array(2 * n).fill(0));
    memory.f32[g] = Number.NaN;
    kernels.adam({ p, g, m, v, n, ...numbers, step: 901 });
    assert.ok(Number.isNaN(memory.f32[m]) && Number.isNaN(memory.f32[v]) && memory.f32[m + 1] === 0);
    for (const offset of [p, g, m, v]) free(offset);
  });

  test(`${name}: one number that is not finite is found wherever it stands`, () => {
    for (const n of [1, 7, 8, 45]) {
      const x = put(wave(n), memory);
      assert.equal(kernels.isFinite(x, n), true);
      for (const value of [Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY]) {
        for (let i = 0; i < n; i++) {
          memory.f32[x + i] = value;
          assert.equal(kernels.isFinite(x, n), false, `${value} at ${i} of ${n}`);
          memory.f32[x + i] = 1;
        }
      }
      memory.f32[x] = 3e38;
      assert.equal(kernels.isFinite(x, n), true);
      free(x);
    }
  });

  test(`${name}: bytes become numbers in their own place, rounded as torch rounds them`, () => {
    const values = Uint8Array.from({ length: 259 }, (_, i) => (i * 7) % 256);
    for (const [n, low, span] of [
      [1, 0, 1],
      [6, -1, 2],
      [259, -0.3, 1.7],
    ]) {
      const x = memory.alloc(n);
      new Uint8Array(memory.f32.buffer, 4 * x + 3 * n, n).set(values.subarray(0, n));
      kernels.fromBytes(x, n, low, span);
      const { fround } = Math;
      const wanted = Array.from(values.subarray(0, n), (byte) =>
        fround(fround(fround(byte / 255) * fround(span)) + fround(low)),
      );
      assert.deepEqual([...take(memory, x, n)], wanted);
      free(x);
    }
  });

  test(`${name}: products of any size and strides, with a bias and added to what is there`, () => {
    for (const [m, n, k] of [
      [1, 1, 1],
      [1, 70, 33],
      [3, 5, 2],
      [4, 8, 3],
      [9, 17, 300],
      [2, 3, 0],
      [1, 3, 0],
      [70, 37, 20],
    ]) {
      for (const [aTurned, bTurned, accumulate, withBias] of [
        [false, false, false, false],
        [true, false, true, false],
        [false, true, false, true],
        [true, true, true, true],
      ]) {
        const values = [wave(m * k), wave(k * n, 1), wave(n, 2), wave(m * (n + 3), 3)];
        const [a, b, bias, c] = values.map((v) => put(v, memory));
        const [aRow, aCol] = aTurned ? [1, m] : [k, 1];
        const [bRow, bCol] = bTurned ? [1, k] : [n, 1];
        const cRow = n + 3;
        kernels.product({
          a,
          aRow,
          aCol,
          b,
          bRow,
          bCol,
          c,
          cRow,
          m,
          n,
          k,
          accumulate,
          bias: withBias ? bias : -1,
        });
        const got = take(memory, c, m * cRow);
        for (let i = 0; i < m * cRow; i++) {
          const [row, col] = [Math.floor(i / cRow), i % cRow];
          if (col >= n) {
            assert.equal(got[i], values[3][i], "beside C nothing is written");
            continue;
          }
          let sum = (accumulate ? values[3][i] : 0) + (withBias ? values[2][col] : 0);
          let size = Math.abs(sum);
          for (let p = 0; p < k; p++) {
            const term = values[0][row * aRow + p * aCol] * values[1][p * bRow + col * bCol];
            sum += term;
            size += Math.abs(term);
          }
          // k + 2 sums and products, each rounded by half a unit in the last place
          const allowed = (k + 2) * 2 ** -24 * size;
          assert.ok(
            Math.abs(got[i] - sum) <= allowed,
            `${m} × ${k} × ${n}, ${row}, ${col}: ${got[i]}, ${sum}`,
          );
        }
        for (const offset of [a, b, bias, c]) free(offset);
      }
    }
  });

  test(`${name}: operands repeat, and a result may be an operand`, () => {
    const a = put([1, 2, 3, 4, 5, 6, 7, 8, 9, 10], memory);
    const b = put([10, 20, 30, 40, 50], memory);
    const out = memory.alloc(10);
    kernels.binary("add", out, a, 10, b, 5, 10);
    assert.deepEqual([...take(memory, out, 10)], [11, 22, 33, 44, 55, 16, 27, 38, 49, 60]);
    kernels.binary("sub", out, b, 1, a, 10, 10);
    assert.deepEqual([...take(memory, out, 10)], [9, 8, 7, 6, 5, 4, 3, 2, 1, 0]);
    kernels.binary("mul", a, a, 10, a, 10, 10);
    assert.deepEqual([...take(memory, a, 10)], [1, 4, 9, 16, 25, 36, 49, 64, 81, 100]);
    kernels.select(out, out, a, b, 10, 10, 10, 1);
    assert.deepEqual([...take(memory, out, 10)], [1, 4, 9, 16, 25, 36, 49, 64, 81, 10]);
    kernels.axpy(out, a, a, -0.5, 9);
    assert.deepEqual([...take(memory, out, 10)], [0.5, 2, 4.5, 8, 12.5, 18, 24.5, 32, 40.5, 10]);
    assert.throws(() => kernels.unary("toString", out, out, 1), /no elementwise function "toString"/);
  });

  test(`${name}: sums of a million numbers keep their digits`, () => {
    const [rows, cols] = [503, 397];
    const values = Float32Array.from({ length: rows * cols }, (_, i) => 0.1 + (i % 17) / 7);
    const x = put(values, memory);
    const exact = values.reduce((sum, v) => sum + v, 0);
    assert.ok(Math.abs(kernels.sum(x, rows * cols) / exact - 1) < 1e-6);
    const out = memory.alloc(rows);
    kernels.sumCols(out, x, rows, cols);
    const second = values.subarray(cols, 2 * cols).reduce((sum, v) => sum + v, 0);
    assert.ok(Math.abs(memory.f32[out + 1] / second - 1) < 2e-6);
    kernels.sumRows(out, x, rows, cols);
    let last = 0;
    for (let i = cols - 1; i < values.length; i += cols) last += values[i];
    assert.ok(Math.abs(memory.f32[out + cols - 1] / last - 1) < 2e-6);
    free(x);
  });

  test(`${name}: columns of an image, and their sum back`, () => {
    const sizes = { channels: 2, height: 5, width: 7, kernel: [3, 2], outHeight: 2, outWidth: 3 };
    const geometry = { ...sizes, stride: [2, 3], padding: [1, 2], dilation: [2, 1] };
    const image = wave(70);
    const row = 8; // of 6
    const x = put(image, memory);
    const columns = put(new Float32Array(12 * row).fill(9), memory);
    kernels.im2col({ x, columns, row, ...geometry });
    const got = take(memory, columns, 12 * row);
    const back = new Float64Array(70);
    for (let i = 0; i < 12; i++) {
      const [c, ky, kx] = [Math.floor(i / 6), Math.floor(i / 2) % 3, i % 2];
      for (let place = 0; place < 6; place++) {
        const [y, across] = [Math.floor(place / 3) * 2 + 2 * ky - 1, (place % 3) * 3 + kx - 2];
        const inside = y >= 0 && y < 5 && across >= 0 && across < 7;
        const at = (c * 5 + y) * 7 + across;
        assert.equal(got[i * row + place], inside ? image[at] : 0);
        if (inside) back[at] += image[at];
      }
      assert.deepEqual([...got.slice(i * row + 6, i * row + 8)], [9, 9]);
    }
    kernels.fill(x, 1, 70);
    kernels.col2im({ x, columns, row, ...geometry });
    take(memory, x, 70).forEach((value, i) => {
      assert.ok(Math.abs(value - 1 - back[i]) < 1e-6);
    });
  });
}

/** Each bit pattern's first 14 bits, and other last ones: all sizes and signs, infinities and NaN. */
const allFloats = new Float32Array(
  Uint32Array.from({ length: 2 ** 16 }, (_, i) => i * 65536 + ((i * 40503) % 65536)).buffer,
);
const special = [0, -0, 1, -1, 0.5, 2.5, -3, 1e-40, -1e-40, 88.8, -104, 3e38, -Infinity, Infinity, NaN];
const LEAST_NORMAL = 2 ** -126;

/** @param {number} got @param {number} exact */
function relativeError(got, exact) {
  const rounded = Math.fround(exact);
  if (Object.is(got, rounded) || (Number.isNaN(got) && Number.isNaN(rounded))) return 0;
  if (!Number.isFinite(rounded) || !Number.isFinite(got)) return Number.POSITIVE_INFINITY;
  if (rounded === 0 && got === 0) return Number.POSITIVE_INFINITY; // another sign
  const size = Math.abs(exact);
  return size >= LEAST_NORMAL ? Math.abs(got - exact) / size : (Math.abs(got - exact) / 2 ** -149) * 1e-7;
}

/** Numbers that a function takes beside its operands. @type {Record<string, number[]>} */
const NUMBERS = {
  elu: [1.3, 1.1, 0.9],
  softplus: [1, 20],
  hardshrink: [0.5],
  softshrink: [0.5],
  nan_to_num: [1, 2, 3],
};
/** @param {string} name @returns {[number, number, number]} */
const numbersOf = (name) => /** @type {any} */ (NUMBERS[name.replace(/_backward.*/, "")] ?? [0.25, 3, 1]);

test("functions in single precision are right to 2e-7 over all floats", () => {
  const held = createMemory();
  const x = put([...special, ...allFloats], held);
  const n = special.length + allFloats.length;
  const out = held.alloc(n);
  for (const name of [
    "exp",
    "expm1",
    "log",
    "log1p",
    "sigmoid",
    "tanh",
    "erf",
    "softplus",
    "log_sigmoid",
    "rsqrt",
  ]) {
    held.kernels.unary(name, out, x, n, ...numbersOf(name));
    const { f32 } = held;
    for (let i = 0; i < n; i++) {
      const exact = UNARY[name](f32[x + i], ...numbersOf(name));
      const error = relativeError(f32[out + i], exact);
      if (!(error < 2e-7)) assert.fail(`${name}(${f32[x + i]}) is ${f32[out + i]}, expected ${exact}`);
    }
  }
});

test("each function in WebAssembly is the plain one, for any number of numbers", () => {
  const held = createMemory();
  const values = [...special, ...wave(40).map((v) => 6 * v)];
  const x = put(values, held);
  const y = put([...values.slice(7), ...values.slice(0, 7)], held);
  const out = held.alloc(values.length + 1);
  /** @param {string} name @param {number} n @param {(i: number) => number} exact */
  const check = (name, n, exact) => {
    for (let i = 0; i < n; i++) {
      const [got, wanted] = [held.f32[out + i], exact(i)];
      // Sums of parts of either sign: what is lost is measured by the parts.
      const close = Math.abs(got - wanted) <= 1e-6 * Math.max(1, Math.abs(wanted));
      if (!close && relativeError(got, wanted) !== 0)
        assert.fail(`${name}, ${i} of ${n}: ${got}, expected ${wanted}`);
    }
    assert.equal(held.f32[out + n], 9, `${name} wrote beyond its end`);
  };
  for (const n of [1, 3, 4, 5, values.length]) {
    const { f32 } = held;
    for (const [name, f] of Object.entries(UNARY)) {
      const numbers = numbersOf(name);
      f32[out + n] = 9;
      held.kernels.unary(name, out, x, n, ...numbers);
      check(name, n, (i) => f(f32[x + i], ...numbers));
    }
    for (const [name, f] of Object.entries(BINARY)) {
      const numbers = numbersOf(name);
      for (const [xN, yN] of [
        [n, n],
        [1, n],
        [n, 1],
      ]) {
        f32[out + n] = 9;
        held.kernels.binary(name, out, x + n - xN, xN, y, yN, n, ...numbers);
        check(name, n, (i) =>
          f(f32[x + n - xN + (xN === 1 ? 0 : i)], f32[y + (yN === 1 ? 0 : i)], ...numbers),
        );
      }
    }
  }
});

/**
 * The programs of the GPU as WGSL: all numbers lie in one buffer `m`, what a dispatch is told in `p`. No DOM.
 *
 * @typedef {{code: string, params: number[], floats?: number[], groups: number[]}} Dispatch
 *   code: what is compiled once for all that share it; params: whole numbers, then floats: at most `MOST_PARAMS` in all;
 *   groups: workgroups in x, y and z
 */
import { helpersOf } from "./functions.js";

/** What one dispatch can be told: one slot of 256 bytes. */
export const MOST_PARAMS = 64;
const MOST_GROUPS = 65535;
const THREADS = 64;

/** A parameter. @param {number} i */
export const param = (i) => `p[${i >> 2}].${"xyzw"[i & 3]}`;
/** @param {number} i */
export const float = (i) => `bitcast<f32>(${param(i)})`;

const HEADER = `
@group(0) @binding(0) var<storage, read_write> m: array<f32>;
@group(0) @binding(1) var<uniform> p: array<vec4<u32>, ${MOST_PARAMS / 4}>;
@group(0) @binding(2) var<storage, read> images: array<u32>;
`;
const ENTRY =
  "(@builtin(global_invocation_id) g: vec3<u32>, @builtin(workgroup_id) w: vec3<u32>, " +
  "@builtin(local_invocation_id) l: vec3<u32>, @builtin(num_workgroups) many: vec3<u32>)";

/** @param {string} size of a workgroup @param {string} body @param {string} [before] */
const shader = (size, body, before = "") =>
  `${HEADER}${before}\n@compute @workgroup_size(${size})\nfn main${ENTRY} {\n${body}\n}`;

/** Workgroups in a row, at most as many as there may be: each thread takes several then. @param {number} n @param {number} each */
export const groupsOf = (n, each = THREADS) => Math.min(Math.max(Math.ceil(n / each), 1), MOST_GROUPS);

/** A body for each i below the first parameter. @param {string} body */
export const forEach = (body) =>
  shader(
    String(THREADS),
    `for (var i = g.x; i < ${param(0)}; i += many.x * ${THREADS}u) {\n${body}\n}`,
    helpersOf(body),
  );

const TILE = 32;
const DEPTH = 16;

/**
 * C (m, n) = A (m, k) B (k, n) [+ C] [+ bias], z times: tiles of 32 by 32 by 256 threads, four numbers each.
 * @param {{aFast: boolean, bFast: boolean, bias: boolean, accumulate: boolean}} kind  Fast: columns are neighbours, so
 *   that neighbouring threads read along them
 */
function productCode({ aFast, bFast, bias, accumulate }) {
  const [m, n, k, aRow, aCol, bRow, bCol, cRow, a, b, c, aStep, bStep, cStep, shift] = Array.from(
    { length: 15 },
    (_, i) => param(i),
  );
  const load = (/** @type {boolean} */ fast, /** @type {number} */ rows, /** @type {number} */ cols) =>
    fast ? `let r = e / ${cols}u; let q = e % ${cols}u;` : `let r = e % ${rows}u; let q = e / ${rows}u;`;
  const body = `
  let row = w.y * ${TILE}u; let col = w.x * ${TILE}u;
  let a0 = ${a} + w.z * ${aStep}; let b0 = ${b} + w.z * ${bStep}; let c0 = ${c} + w.z * ${cStep};
  let t = l.y * 16u + l.x;
  var s00 = 0.0; var s01 = 0.0; var s10 = 0.0; var s11 = 0.0;
  for (var k0 = 0u; k0 < ${k}; k0 += ${DEPTH}u) {
    for (var e = t; e < ${TILE * DEPTH}u; e += 256u) {
      { ${load(aFast, TILE, DEPTH)}
        var v = 0.0;
        if (row + r < ${m} && k0 + q < ${k}) { v = m[a0 + (row + r) * ${aRow} + (k0 + q) * ${aCol}]; }
        left[q * ${TILE + 1}u + r] = v; }
      { ${load(bFast, DEPTH, TILE)}
        var v = 0.0;
        if (k0 + r < ${k} && col + q < ${n}) { v = m[b0 + (k0 + r) * ${bRow} + (col + q) * ${bCol}]; }
        right[r * ${TILE + 1}u + q] = v; }
    }
    workgroupBarrier();
    for (var d = 0u; d < ${DEPTH}u; d++) {
      let x0 = left[d * ${TILE + 1}u + l.y]; let x1 = left[d * ${TILE + 1}u + l.y + 16u];
      let y0 = right[d * ${TILE + 1}u + l.x]; let y1 = right[d * ${TILE + 1}u + l.x + 16u];
      s00 += x0 * y0; s01 += x0 * y1; s10 += x1 * y0; s11 += x1 * y1;
    }
    workgroupBarrier();
  }
  ${[0, 1]
    .flatMap((i) =>
      [0, 1].map((j) => {
        const [y, x] = [`row + l.y + ${16 * i}u`, `col + l.x + ${16 * j}u`];
        const at = `c0 + (${y}) * ${cRow} + ${x}`;
        const more = `${accumulate ? ` + m[${at}]` : ""}${bias ? ` + m[${shift} + ${x}]` : ""}`;
        return `if (${y} < ${m} && ${x} < ${n}) { m[${at}] = s${i}${j}${more}; }`;
      }),
    )
    .join("\n  ")}`;
  const room = (/** @type {string} */ name) => `var<workgroup> ${name}: array<f32, ${DEPTH * (TILE + 1)}>;\n`;
  return shader("16, 16", body, room("left") + room("right"));
}

/**
 * @param {import("../kernels/index.js").Product} product
 * @param {{a: number, b: number, c: number, many: number}} steps how far each operand goes on, many times
 * @returns {Dispatch}
 */
export function product(
  { a, aRow, aCol, b, bRow, bCol, c, cRow, m, n, k, accumulate = false, bias = -1 },
  steps,
) {
  const code = productCode({ aFast: aCol === 1, bFast: bCol === 1, bias: bias >= 0, accumulate });
  const params = [
    m,
    n,
    k,
    aRow,
    aCol,
    bRow,
    bCol,
    cRow,
    a,
    b,
    c,
    steps.a,
    steps.b,
    steps.c,
    Math.max(bias, 0),
  ];
  return { code, params, groups: [Math.ceil(n / TILE), Math.ceil(m / TILE), steps.many] };
}

/** A sum a row: of long rows by a workgroup each, of short ones by a thread. */
const LONG_ROW = 64;
const longRows = shader(
  "256",
  `for (var row = w.x; row < ${param(0)}; row += many.x) {
    var s = 0.0;
    for (var i = l.x; i < ${param(1)}; i += 256u) { s += m[${param(3)} + row * ${param(1)} + i]; }
    part[l.x] = s;
    workgroupBarrier();
    for (var half = 128u; half > 0u; half /= 2u) {
      if (l.x < half) { part[l.x] += part[l.x + half]; }
      workgroupBarrier();
    }
    if (l.x == 0u) { m[${param(2)} + row] = part[0]; }
    workgroupBarrier();
  }`,
  "var<workgroup> part: array<f32, 256>;",
);
const shortRows = forEach(`
  var s = 0.0;
  for (var j = 0u; j < ${param(1)}; j++) { s += m[${param(3)} + i * ${param(1)} + j]; }
  m[${param(2)} + i] = s;`);

/** @param {number} out @param {number} x @param {number} rows @param {number} cols @returns {Dispatch} */
export const sumCols = (out, x, rows, cols) => ({
  code: cols < LONG_ROW ? shortRows : longRows,
  params: [rows, cols, out, x],
  groups: [cols < LONG_ROW ? groupsOf(rows) : groupsOf(rows, 1), 1, 1],
});

const columnSums = shader(
  "16, 16",
  `let col = w.x * 16u + l.x;
  let x0 = ${param(3)} + w.z * ${param(5)};
  var s = 0.0;
  if (col < ${param(1)}) {
    for (var row = l.y; row < ${param(0)}; row += 16u) { s += m[x0 + row * ${param(1)} + col]; }
  }
  part[l.y * 16u + l.x] = s;
  workgroupBarrier();
  if (l.y == 0u && col < ${param(1)}) {
    for (var j = 1u; j < 16u; j++) { s += part[j * 16u + l.x]; }
    m[${param(2)} + w.z * ${param(4)} + col] = s;
  }`,
  "var<workgroup> part: array<f32, 256>;",
);

/**
 * @param {number} out @param {number} x @param {number} rows @param {number} cols
 * @param {{out: number, x: number, many: number}} steps
 * @returns {Dispatch}
 */
export const sumRows = (out, x, rows, cols, steps) => ({
  code: columnSums,
  params: [rows, cols, out, x, steps.out, steps.x],
  groups: [Math.ceil(cols / 16), 1, steps.many],
});

/** By reduction: what it begins with, and what a value v at place j makes of it. @type {Record<string, [string, string]>} */
const FOLDS = {
  amax: ["v", "s = max(s, v);"],
  amin: ["v", "s = min(s, v);"],
  argmax: ["0.0", "if (v > best) { best = v; s = f32(j); }"],
  argmin: ["0.0", "if (v < best) { best = v; s = f32(j); }"],
  prod: ["1.0", "s *= v;"],
  any: ["0.0", "s = select(s, 1.0, v != 0.0);"],
  all: ["1.0", "s = select(s, 0.0, v == 0.0);"],
};

/**
 * A number of each run of n numbers that lie `inner` apart, by a thread each.
 * @param {string} name @param {{rows: number, n: number, inner: number, out: number, x: number}} given
 * @returns {Dispatch}
 */
export function fold(name, { rows, n, inner, out, x }) {
  const [first, next] = FOLDS[name];
  const code = forEach(`
  let x0 = ${param(3)} + i / ${param(4)} * ${param(1)} * ${param(4)} + i % ${param(4)};
  var v = m[x0];
  var best = v;
  var s = ${first};
  for (var j = 0u; j < ${param(1)}; j++) { v = m[x0 + j * ${param(4)}]; ${next} }
  m[${param(2)} + i] = s;`);
  return { code, params: [rows, n, out, x, inner], groups: [groupsOf(rows), 1, 1] };
}

const AXES = `
  let places = ${param(9)} * ${param(10)};
  let area = ${param(7)} * ${param(8)};`;

/**
 * What a kernel sees at each place of each image, as columns (channels · kernel area, batch · places).
 * Parameters: n, columns, x, batch, from image to image, height, width, kernel height and width, grid height and width,
 * stride, padding and dilation in y and x.
 */
export const seenCode = forEach(`${AXES}
  let col = i % (${param(3)} * places); let seen = i / (${param(3)} * places);
  let place = col % places; let tap = seen % area;
  let y = i32(place / ${param(10)} * ${param(11)} + tap / ${param(8)} * ${param(15)}) - i32(${param(13)});
  let x = i32(place % ${param(10)} * ${param(12)} + tap % ${param(8)} * ${param(16)}) - i32(${param(14)});
  var v = 0.0;
  if (y >= 0 && x >= 0 && y < i32(${param(5)}) && x < i32(${param(6)})) {
    v = m[${param(2)} + col / places * ${param(4)} + (seen / area * ${param(5)} + u32(y)) * ${param(6)} + u32(x)];
  }
  m[${param(1)} + i] = v;`);

/** The other way: each pixel (batch, channels, height, width) is the sum of the columns that saw it; the same parameters. */
export const spreadCode = forEach(`${AXES}
  let plane = ${param(5)} * ${param(6)};
  let channels = ${param(4)} / plane;
  let image = i / ${param(4)}; let channel = i / plane % channels;
  let row = i % plane / ${param(6)}; let column = i % ${param(6)};
  var s = 0.0;
  for (var tap = 0u; tap < area; tap++) {
    let y = i32(row + ${param(13)}) - i32(tap / ${param(8)} * ${param(15)});
    let x = i32(column + ${param(14)}) - i32(tap % ${param(8)} * ${param(16)});
    if (y < 0 || x < 0) { continue; }
    let gy = u32(y) / ${param(11)}; let gx = u32(x) / ${param(12)};
    if (gy * ${param(11)} != u32(y) || gx * ${param(12)} != u32(x)) { continue; }
    if (gy >= ${param(9)} || gx >= ${param(10)}) { continue; }
    s += m[${param(1)} + (channel * area + tap) * ${param(3)} * places + image * places + gy * ${param(10)} + gx];
  }
  m[${param(2)} + i] = s;`);

/** Images of a batch: a byte is looked up among 256 values, a float is taken. @param {boolean} isBytes */
const gatherCode = (isBytes) =>
  forEach(`
  let at = u32(m[${param(3)} + i / ${param(2)}]) * ${param(2)} + i % ${param(2)};
  m[${param(1)} + i] = ${
    isBytes ? `m[${param(4)} + ((images[at / 4u] >> (at % 4u * 8u)) & 255u)]` : "bitcast<f32>(images[at])"
  };`);

/**
 * @param {boolean} isBytes
 * @param {{n: number, x: number, pixels: number, index: number, table: number}} places
 * @returns {Dispatch}
 */
export const gather = (isBytes, { n, x, pixels, index, table }) => ({
  code: gatherCode(isBytes),
  params: [n, x, pixels, index, table],
  groups: [groupsOf(n), 1, 1],
});

/** Adam's learning rate over the first correction, and the root of the second, come with the step; as kernels/optimisers.js. */
const UPDATES = {
  adam: `
  let value = m[${param(1)} + i] * m[${param(5)} + 2u];
  let gradient = m[${param(2)} + i] + m[${param(5)} + 3u] * value;
  let first = m[${param(3)} + i] + ${float(6)} * (gradient - m[${param(3)} + i]);
  let second = m[${param(4)} + i] * ${float(7)} + ${float(8)} * gradient * gradient;
  m[${param(3)} + i] = first;
  m[${param(4)} + i] = second;
  m[${param(1)} + i] = value - m[${param(5)}] * first / (sqrt(second) / m[${param(5)} + 1u] + ${float(9)});`,
  adagrad: `
  let gradient = m[${param(2)} + i];
  let total = m[${param(3)} + i] + gradient * gradient;
  m[${param(3)} + i] = total;
  m[${param(1)} + i] -= m[${param(5)}] * gradient / (sqrt(total) + ${float(9)});`,
  sgd: `
  m[${param(1)} + i] -= m[${param(5)}] * m[${param(2)} + i];`,
};

/**
 * One step of an optimiser over all weights.
 * @param {keyof typeof UPDATES} kind
 * @param {{n: number, p: number, g: number, m: number, v: number, told: number, beta1: number, beta2: number, eps: number}} given
 *   told: where the numbers of the step lie
 * @returns {Dispatch}
 */
export const update = (kind, { n, p, g, m, v, told, beta1, beta2, eps }) => ({
  code: forEach(UPDATES[kind]),
  params: [n, p, g, m, v, told],
  floats: [1 - beta1, beta2, 1 - beta2, eps],
  groups: [groupsOf(n), 1, 1],
});

/**
 * Source of the WebAssembly kernel, and its assembler: `node graphs/wasm/gemm.mjs` writes graphs/gemm_wasm.js.
 *
 * multiply(a, b, c, rows, columns, k): C = A B in single precision, all addresses in bytes.
 *   A: `rows` panels of 4 rows, each stored k-major: k × 4 numbers
 *   B: `columns` panels of 8 columns, each stored k-major: k × 8 numbers
 *   C: 4·rows × 8·columns, row by row
 * A tile of 4 × 8 sums stays in eight SIMD registers over the whole of k. In C:
 *
 *   do {                                     // panels of A
 *     bp = b;
 *     j = columns;
 *     do {                                   // panels of B, one after the other in memory
 *       ap = a;  acc[0…7] = 0;
 *       do {
 *         low = bp[0…3];  high = bp[4…7];
 *         for r in 0…3: acc[2r] += ap[r] * low;  acc[2r + 1] += ap[r] * high;
 *         ap += 4;  bp += 8;
 *       } while (ap != a + 4 * k);
 *       for r in 0…3: (c + r * 8 * columns)[0…7] = acc[2r], acc[2r + 1];
 *       c += 8;
 *     } while (--j);
 *     a = ap;  c += 3 * 8 * columns;         // c has come one row further already
 *   } while (--rows);
 *
 * Opcodes: WebAssembly core specification 2.0, sections 5.4 (instructions) and 5.5 (modules).
 */
import { writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";

const I32 = 0x7f;
const V128 = 0x7b;
const NOTHING = 0x40;

/** Unsigned LEB128. @param {number} n @returns {number[]} */
const leb = (n) => (n < 128 ? [n] : [(n & 127) | 128, ...leb(n >>> 7)]);
/** Signed LEB128. @param {number} n @returns {number[]} */
const signed = (n) => (n >= -64 && n < 64 ? [n & 127] : [(n & 127) | 128, ...signed(n >> 7)]);
/** @param {number[]} bytes */
const sized = (bytes) => [...leb(bytes.length), ...bytes];
/** @param {number[][]} items */
const list = (items) => [...leb(items.length), ...items.flat()];
/** @param {number} id @param {number[]} body */
const section = (id, body) => [id, ...sized(body)];
/** @param {string} text */
const name = (text) => sized([...text].map((letter) => letter.charCodeAt(0)));

const get = (/** @type {number} */ local) => [0x20, ...leb(local)];
const set = (/** @type {number} */ local) => [0x21, ...leb(local)];
const tee = (/** @type {number} */ local) => [0x22, ...leb(local)];
const constant = (/** @type {number} */ n) => [0x41, ...signed(n)];
const simd = (/** @type {number} */ opcode) => [0xfd, ...leb(opcode)];
const add = [0x6a];
const subtract = [0x6b];
const multiply = [0x6c];
const shiftLeft = [0x74];
const differs = [0x47];
/** Repeats while the body leaves something other than 0. @param {...number[]} body */
const loop = (...body) => [0x03, NOTHING, ...body.flat(), 0x0d, 0, 0x0b];
/** Vector instructions that touch memory: alignment 2^2 bytes is promised, no more. */
const load = (/** @type {number} */ offset) => [...simd(0x00), 2, ...leb(offset)];
const loadSplat = (/** @type {number} */ offset) => [...simd(0x09), 2, ...leb(offset)];
const store = (/** @type {number} */ offset) => [...simd(0x0b), 2, ...leb(offset)];
const addVectors = simd(0xe4);
const multiplyVectors = simd(0xe6);
const zeroVector = [...simd(0x0c), ...new Array(16).fill(0)];

const [A, B, C, ROWS, COLUMNS, K, AP, BP, CP, J, STRIDE, LOW, HIGH, ONE, ACC] = Array(15).keys();
const ROW_INDEXES = [0, 1, 2, 3];

const tile = [
  ...ROW_INDEXES.flatMap((r) => [0, 1].flatMap((half) => [...zeroVector, ...set(ACC + 2 * r + half)])),
  ...[...get(A), ...set(AP)],
  ...loop(
    [...get(BP), ...load(0), ...set(LOW)],
    [...get(BP), ...load(16), ...set(HIGH)],
    ...ROW_INDEXES.map((r) => [
      ...[...get(AP), ...loadSplat(4 * r), ...set(ONE)],
      ...[LOW, HIGH].flatMap((part, half) => {
        const sum = ACC + 2 * r + half;
        return [...get(ONE), ...get(part), ...multiplyVectors, ...get(sum), ...addVectors, ...set(sum)];
      }),
    ]),
    [...get(BP), ...constant(32), ...add, ...set(BP)],
    [...get(AP), ...constant(16), ...add, ...tee(AP)],
    [...get(A), ...get(K), ...constant(4), ...shiftLeft, ...add, ...differs],
  ),
  ...[...get(C), ...set(CP)],
  ...ROW_INDEXES.flatMap((r) => [
    ...[0, 1].flatMap((half) => [...get(CP), ...get(ACC + 2 * r + half), ...store(16 * half)]),
    ...[...get(CP), ...get(STRIDE), ...add, ...set(CP)],
  ]),
  ...[...get(C), ...constant(32), ...add, ...set(C)],
];

const code = [
  ...[...get(COLUMNS), ...constant(5), ...shiftLeft, ...set(STRIDE)],
  ...loop(
    [...get(B), ...set(BP), ...get(COLUMNS), ...set(J)],
    loop(tile, [...get(J), ...constant(1), ...subtract, ...tee(J)]),
    [...get(AP), ...set(A)],
    [...get(C), ...get(STRIDE), ...constant(3), ...multiply, ...add, ...set(C)],
    [...get(ROWS), ...constant(1), ...subtract, ...tee(ROWS)],
  ),
  0x0b,
];

const locals = list([
  [...leb(STRIDE - K), I32],
  [...leb(ACC + 8 - LOW), V128],
]);

/** The module: it exports its memory as "m" and the function as "f". */
export const bytes = Uint8Array.from([
  ...[0x00, 0x61, 0x73, 0x6d, 1, 0, 0, 0],
  ...section(1, list([[0x60, ...list(Array(6).fill([I32])), ...list([])]])),
  ...section(3, list([[0]])),
  ...section(5, list([[0, 1]])),
  ...section(
    7,
    list([
      [...name("m"), 2, 0],
      [...name("f"), 0, 0],
    ]),
  ),
  ...section(10, list([sized([...locals, ...code])])),
]);

/** What graphs/gemm_wasm.js must hold. */
export const file = `/** Made by graphs/wasm/gemm.mjs, which has the source. */
export const GEMM_WASM =
  "${Buffer.from(bytes).toString("base64")}";
`;

const target = fileURLToPath(new URL("../gemm_wasm.js", import.meta.url));
if (process.argv[1] === fileURLToPath(import.meta.url)) {
  writeFileSync(target, file);
  console.log(`${bytes.length} bytes`);
}

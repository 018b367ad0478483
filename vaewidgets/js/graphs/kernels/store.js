/**
 * One memory for all programs of a page or worker: each WebAssembly memory reserves gigabytes of addresses. No DOM.
 *
 * Offsets count floats, not bytes, and are multiples of 4.
 *
 * @typedef {{readonly f32: Float32Array, readonly kernels: import("./index.js").Kernels,
 *   alloc(n: number): number, free(offset: number): void, scratch(n: number): number}} Memory
 *   f32: the whole memory; growing it makes a new array, so never keep one across `alloc` or `scratch`
 *   alloc: n zeros, theirs until `free`
 *   scratch: n numbers of one region that everybody shares: ask for it at each use, since growing moves it
 * @typedef {import("./storage.js").Storage} Storage
 * @typedef {(plain: boolean, pages: number) => {storage: Storage, reserved: number,
 *   bind: (memory: import("./index.js").Room) => import("./index.js").Kernels}} Opener
 *   plain: without WebAssembly; pages of 64 KB to begin with; reserved: floats at the start that are the kernels' own
 */
import { FIRST_BYTES, PAGE_BYTES } from "./storage.js";

/** A WebAssembly memory ends at 2^32 bytes. */
const MOST_BYTES = 2 ** 32 - PAGE_BYTES;
/** What follows the first bytes doubles them until the steps are of so many. */
const LARGEST_STEP_BYTES = 64 * 2 ** 20;

/** @param {Storage} storage @param {number} bytes */
function grow(storage, bytes) {
  const held = storage.buffer.byteLength;
  if (bytes <= held) return;
  const wanted = Math.max(bytes, held + Math.min(held, LARGEST_STEP_BYTES));
  const megabytes = (/** @type {number} */ n) => Math.ceil(n / 2 ** 20);
  try {
    if (bytes > MOST_BYTES) throw new RangeError(`a page's memory ends at ${megabytes(MOST_BYTES)} MB`);
    storage.grow(Math.min(wanted, MOST_BYTES));
  } catch (cause) {
    throw new RangeError(
      `The browser gave no memory: ${megabytes(bytes)} MB are wanted, ${megabytes(held)} MB are held. ` +
        "Close other tabs, or take a smaller batch, model or data set.",
      { cause },
    );
  }
}

/**
 * Which parts of the memory are in use: first fit, neighbours joined when freed.
 * @param {number} start
 */
function createAllotment(start) {
  /** @type {{offset: number, n: number}[]} by offset */
  const holes = [];
  /** @type {Map<number, number>} */
  const sizes = new Map();
  let end = start;
  return {
    /** Where memory ends that is in use. */
    get end() {
      return end;
    },
    /** @param {number} n whole, above 0 */
    take(n) {
      const i = holes.findIndex((hole) => hole.n >= n);
      const offset = i < 0 ? end : holes[i].offset;
      if (i < 0) end += n;
      else if (holes[i].n === n) holes.splice(i, 1);
      else holes[i] = { offset: offset + n, n: holes[i].n - n };
      sizes.set(offset, n);
      return offset;
    },
    /** @param {number} offset */
    give(offset) {
      const n = sizes.get(offset);
      if (n === undefined) throw new Error(`memory: nothing is held at ${offset}`);
      sizes.delete(offset);
      let i = holes.findIndex((hole) => hole.offset > offset);
      if (i < 0) i = holes.length;
      holes.splice(i, 0, { offset, n });
      if (i + 1 < holes.length && offset + n === holes[i + 1].offset) {
        holes[i].n += holes.splice(i + 1, 1)[0].n;
      }
      if (i > 0 && holes[i - 1].offset + holes[i - 1].n === offset) {
        holes[--i].n += holes.splice(i + 1, 1)[0].n;
      }
      if (holes[i].offset + holes[i].n === end) end = holes.splice(i, 1)[0].offset;
    },
  };
}

/**
 * @param {Opener} open
 * @param {{plain?: boolean}} [options] plain: no WebAssembly, though there is some
 * @returns {Memory}
 */
export function createMemoryWith(open, { plain = false } = {}) {
  const { storage, reserved, bind } = open(plain, FIRST_BYTES / PAGE_BYTES);
  const allotment = createAllotment(reserved);
  let view = new Float32Array(storage.buffer);
  let scratchOffset = -1;
  let scratchLength = 0;
  const memory = {
    get f32() {
      if (view.buffer !== storage.buffer) view = new Float32Array(storage.buffer);
      return view;
    },
    /** @param {number} n */
    alloc(n) {
      const whole = Math.max(Math.ceil(n / 4), 1) * 4;
      const offset = allotment.take(whole);
      try {
        grow(storage, 4 * allotment.end);
      } catch (error) {
        allotment.give(offset);
        throw error;
      }
      memory.f32.fill(0, offset, offset + whole);
      return offset;
    },
    free: (/** @type {number} */ offset) => allotment.give(offset),
    /** @param {number} n */
    scratch(n) {
      if (n <= scratchLength) return scratchOffset;
      if (scratchLength > 0) allotment.give(scratchOffset);
      scratchLength = 0;
      scratchOffset = memory.alloc(n);
      scratchLength = n;
      return scratchOffset;
    },
  };
  return Object.defineProperty(/** @type {any} */ (memory), "kernels", { value: bind(memory) });
}

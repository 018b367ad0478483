/**
 * What a memory lies in: a WebAssembly memory, or an array buffer that grows by being copied. No DOM.
 *
 * @typedef {{readonly buffer: ArrayBuffer, grow(bytes: number): void}} Storage
 *   grow: to at least so many bytes in all; keeps what is there
 */

export const PAGE_BYTES = 65536;
/** To begin with. */
export const FIRST_BYTES = 4 * 2 ** 20;

/** @returns {Storage} */
export function createArrayStorage() {
  let buffer = new ArrayBuffer(FIRST_BYTES);
  return {
    get buffer() {
      return buffer;
    },
    grow(bytes) {
      const next = new ArrayBuffer(bytes);
      new Uint8Array(next).set(new Uint8Array(buffer));
      buffer = next;
    },
  };
}

/** @param {WebAssembly.Memory} memory @returns {Storage} */
export function createWasmStorage(memory) {
  return {
    get buffer() {
      return memory.buffer;
    },
    grow(bytes) {
      memory.grow(Math.ceil((bytes - memory.buffer.byteLength) / PAGE_BYTES));
    },
  };
}

/**
 * Where each storage of a program lies in memory: two share a place where one is done with before the other begins.
 *
 * Views share the storage of what they look at, and what is written in place is in use until it is last read, since
 * both are seen here as steps that touch a storage. No DOM.
 *
 * @typedef {import("./tensor.js").Storage} Storage
 * @typedef {import("./builder.js").Builder} Builder
 * @typedef {import("./builder.js").Step} Step
 */

import { count, isContiguous } from "./tensor.js";

const ALIGNED = 4;

/**
 * Whether a step gives the same each time, as far as is known by now.
 * @param {Step} step
 */
const isConstant = ({ tensors, writes }) =>
  tensors.every(({ storage }, i) => storage.constant && !(i < writes && storage.at >= 0));

/** Steps that depend on nothing that changes, and the others. @param {Step[]} steps */
function sortOut(steps) {
  for (let changed = true; changed; ) {
    changed = false;
    for (const step of steps) {
      if (isConstant(step)) continue;
      for (const { storage } of step.tensors.slice(0, step.writes)) {
        changed ||= storage.constant;
        storage.constant = false;
      }
    }
  }
  const once = steps.filter(isConstant);
  return { once, always: steps.filter((step) => !once.includes(step)) };
}

/** Whether a tensor is all of its storage, in order. @param {import("./tensor.js").Tensor} x */
const isWhole = (x) => count(x) === x.storage.size && isContiguous(x);

/**
 * Copies of what nothing else needs are left out: it is written to where the copy would be. What changes a tensor in
 * place was recorded as a result and a copy of it.
 * @param {Step[]} steps
 */
function withoutCopies(steps) {
  const left = [...steps];
  for (const copy of steps) {
    const [to, from] = copy.tensors;
    if (copy.kind !== "copy" || !isWhole(to) || !isWhole(from)) continue;
    const { storage } = from;
    const touches = (/** @type {Step} */ step, /** @type {Storage} */ own) =>
      step.tensors.some((x) => x.storage === own);
    const at = left.indexOf(copy);
    const first = left.findIndex((step) => touches(step, storage));
    const isFree = !storage.pinned && storage.at < 0 && first < at && storage !== to.storage;
    if (!isFree || left.slice(at + 1).some((step) => touches(step, storage))) continue;
    if (left.slice(first + 1, at).some((step) => touches(step, to.storage))) continue;
    const { kind, tensors } = left[first];
    const own = tensors.filter((x) => x.storage === to.storage);
    if (own.length && !(kind === "each" && own.every(isWhole))) continue;
    left.splice(at, 1);
    for (const step of left) for (const x of step.tensors) if (x.storage === storage) x.storage = to.storage;
  }
  return left;
}

/** First and last use of each storage. @param {Step[]} once @param {Step[]} always @returns {Set<Storage>} */
function lives(once, always) {
  /** @type {Set<Storage>} */
  const storages = new Set();
  [...once, ...always].forEach((step, i) => {
    for (const { storage } of step.tensors) {
      if (storage.at >= 0) continue;
      storages.add(storage);
      storage.first = Math.min(storage.first, i);
      storage.last = i;
      if (i >= once.length && storage.constant) storage.pinned = true;
    }
  });
  return storages;
}

/**
 * The lowest place that is free while each is in use, large ones first.
 * @param {Storage[]} storages
 * @returns {{places: Map<Storage, number>, size: number}}
 */
function place(storages) {
  /** @type {Map<Storage, number>} */
  const places = new Map();
  let end = 0;
  /** @type {Storage[]} by place */
  const set = [];
  for (const storage of storages.sort((a, b) => Number(b.pinned) - Number(a.pinned) || b.size - a.size)) {
    const length = Math.ceil(storage.size / ALIGNED) * ALIGNED;
    let at = 0;
    for (const other of set) {
      const apart =
        !other.pinned && !storage.pinned && (other.last < storage.first || storage.last < other.first);
      const from = /** @type {number} */ (places.get(other));
      if (apart) continue;
      if (from >= at + length) break;
      at = Math.max(at, from + Math.ceil(other.size / ALIGNED) * ALIGNED);
    }
    places.set(storage, at);
    const before = set.findIndex((other) => /** @type {number} */ (places.get(other)) > at);
    set.splice(before < 0 ? set.length : before, 0, storage);
    end = Math.max(end, at + length);
  }
  return { places, size: end };
}

/**
 * Allot a program's memory and bind its steps to it.
 * @param {Builder} c
 * @param {import("./tensor.js").Tensor[]} kept what has to have a place though no step may touch it
 */
export function plan({ memory, steps, numbers }, kept) {
  const { once, always } = sortOut(withoutCopies(steps));
  const storages = lives(once, always);
  for (const { storage } of [...kept, ...numbers.values()]) if (storage.at < 0) storages.add(storage);
  const { places, size } = place([...storages]);
  const block = memory.alloc(size);
  for (const [storage, at] of places) storage.at = block + at;
  for (const [value, { storage }] of numbers) memory.f32[storage.at] = value;
  const bound = (/** @type {Step[]} */ list) =>
    list.map(({ tensors, bind }) => bind(...tensors.map(({ storage, offset }) => storage.at + offset)));
  return { block, length: size, once: bound(once), always: bound(always) };
}

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
  const { once, always } = sortOut(steps);
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

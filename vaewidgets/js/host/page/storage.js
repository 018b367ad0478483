/**
 * Where a page keeps a run that is under way, so that a reload loses nothing: the browser's own store, where the page
 * may have one.
 */
const NAME = "vaewidgets";
const STORE = "runs";
/** Runs of other pages that are older are dropped: a store has a bound. */
const MOST_DAYS = 30;

/** @template T @param {IDBRequest<T>} request @returns {Promise<T>} */
function done(request) {
  return new Promise((resolve, reject) => {
    request.onsuccess = () => resolve(request.result);
    request.onerror = () => reject(request.error);
  });
}

/** @returns {Promise<IDBDatabase>} */
async function open() {
  const request = indexedDB.open(NAME, 1);
  request.onupgradeneeded = () => request.result.createObjectStore(STORE);
  return done(request);
}

/** @param {IDBTransactionMode} mode @param {(store: IDBObjectStore) => IDBRequest<any>} use */
async function within(mode, use) {
  try {
    const database = await open();
    try {
      return await done(use(database.transaction(STORE, mode).objectStore(STORE)));
    } finally {
      database.close();
    }
  } catch {
    return null; // a sandboxed frame, a private window, a full disk: the run then lives as long as the page
  }
}

/** @param {string} key of the page and its run */
export function createStorage(key) {
  return {
    /** @returns {Promise<any>} null where nothing was kept, or may not be */
    async read() {
      const kept = await within("readonly", (store) => store.get(key));
      return kept && Date.now() - kept.at < MOST_DAYS * 86_400_000 ? kept : null;
    },
    /** @param {any} kept */
    write: (kept) => within("readwrite", (store) => store.put(kept, key)),
    clear: () => within("readwrite", (store) => store.delete(key)),
  };
}

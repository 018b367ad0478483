/**
 * What makes the steps of a run: WebAssembly, or the GPU where it was measured to be faster. No DOM.
 *
 * WebAssembly begins. Once the GPU is ready, both make the same few steps in turns, of which those of WebAssembly are
 * kept. If the GPU is faster and its terms are the same, it goes on from there in bursts. Whatever goes wrong with it
 * leaves the page's memory as it was before the burst, and WebAssembly goes on from that.
 *
 * @typedef {import("./run.js").Run} Run
 * @typedef {import("./run.js").Batch} Batch
 * @typedef {{terms: number[][] | null, land: () => void}} Burst  what steps have given
 *   terms: of each step, null where a number was not finite; land: put weights and the like into the page's memory
 * @typedef {{load: () => Promise<unknown>, burst: (batches: Batch[]) => Promise<Burst>, lost: Promise<{message: string}>,
 *   destroy: () => void}} GpuRun  a run on the GPU; load: go on from what the page's memory has
 * @typedef {{open: (run: Run, memory: any) => Promise<GpuRun | null>, isFaster?: (gpu: number, wasm: number) => boolean,
 *   turns?: number, patience?: number}} Gpu
 *   open: an error names what it cannot do; isFaster: of milliseconds a step, else the smaller number; turns: of the
 *   measurement that count; patience: milliseconds that the GPU may take in all of them
 * @typedef {"opening" | "measuring" | "gpu" | "wasm"} Phase
 * @typedef {{name: "WebGPU" | "WebAssembly", phase: Phase, reason: string}} EngineState
 *   reason: why it is not the GPU, once that is known
 * @typedef {ReturnType<typeof createEngine>} Engine
 */

/** Steps of one burst at most. */
export const MOST_STEPS = 64;
/** Of a burst: long beside reading it back, short beside what a reader waits for an answer. */
const BURST_MS = 50;
/** Of the measurement: turns that count, how long WebAssembly trains in each, and the GPU in all. */
const TURNS = 3;
const TURN_MS = 30;
const PATIENCE_MS = 300;
/** How far the GPU's terms may be off. */
const TOLERANCE = 1e-3;

/** @param {number[]} values */
const median = (values) => values.toSorted((a, b) => a - b)[values.length >> 1];

/** @param {number} a @param {number} b */
const isNear = (a, b) => Math.abs(a - b) <= TOLERANCE * Math.max(Math.abs(a), Math.abs(b), 1);

/**
 * @param {Run} run
 * @param {{gpu: Gpu | null, memory: any, now: () => number}} options  gpu: null where the page has none
 */
export function createEngine(run, { gpu, memory, now }) {
  /** @type {GpuRun | null} */
  let own = null;
  /** @type {Phase} */
  let state = gpu ? "opening" : "wasm";
  let reason = "";
  /** @type {Promise<unknown> | null} a burst under way */
  let pending = null;
  /** A burst that has come back. @type {{steps: number, ms: number, burst: Burst} | null} */
  let landed = null;
  /** Whether the GPU goes on from what the page's memory has. */
  let isLoaded = false;
  /** Steps that WebAssembly makes because one of them was not finite on the GPU. */
  let again = 0;
  /** Milliseconds a step. @type {{gpu: number[], wasm: number[]}} */
  const took = { gpu: [], wasm: [] };
  let spent = 0;
  const isLess = (/** @type {number} */ a, /** @type {number} */ b) => a < b;
  const { isFaster = isLess, turns = TURNS, patience = PATIENCE_MS } = gpu ?? {};

  /** WebAssembly from now on. @param {unknown} why */
  function leave(why) {
    if (state === "wasm") return;
    state = "wasm";
    reason = why instanceof Error ? why.message : String(why);
    landed = null;
    own?.destroy();
    own = null;
  }

  /** @param {Gpu} given */
  async function open(given) {
    const made = await given.open(run, memory);
    if (!made) return leave("the browser gives no GPU");
    if (state !== "opening") return made.destroy();
    own = made;
    state = "measuring";
    made.lost.then(({ message }) => leave(`the GPU was lost. ${message}`));
  }
  if (gpu) open(gpu).catch(leave);

  /** Have the GPU make the next steps. @param {number} steps */
  async function fly(steps) {
    const target = /** @type {GpuRun} */ (own);
    const batches = run.upcoming(steps);
    const loading = isLoaded ? null : target.load();
    isLoaded = true;
    if (state === "measuring") await loading; // which is no part of a step
    const start = now();
    const burst = await target.burst(batches);
    if (own) landed = { steps, ms: now() - start, burst };
  }

  /** Nobody waits longer for a GPU that is only being measured. @param {Promise<void>} flight */
  function withPatience(flight) {
    /** @type {ReturnType<typeof setTimeout>} */
    let timer;
    const limit = new Promise((_, fail) => {
      timer = setTimeout(() => fail(`WebGPU took more than ${patience} ms`), patience - spent);
    });
    return Promise.race([flight, limit]).finally(() => clearTimeout(timer));
  }

  /** @param {number} steps */
  function launch(steps) {
    pending = (state === "measuring" ? withPatience(fly(steps)) : fly(steps)).catch(leave).finally(() => {
      pending = null;
    });
    return 0;
  }

  /** @param {number} milliseconds @param {number} most steps */
  function inWasm(milliseconds, most) {
    const [start, before] = [now(), run.step];
    let end = start;
    while (!run.hasEnded && run.step - before < most) {
      run.advance();
      end = now();
      if (end - start >= milliseconds) break;
    }
    const steps = run.step - before;
    if (steps) isLoaded = false;
    again = Math.max(0, again - steps);
    return { steps, ms: (end - start) / Math.max(steps, 1) };
  }

  /** WebAssembly makes the steps that the GPU has made. @param {NonNullable<typeof landed>} found */
  function compare({ steps, ms, burst }) {
    const before = run.history.length;
    const made = inWasm(Number.POSITIVE_INFINITY, steps);
    if (made.steps < steps || !burst.terms) return made.steps;
    const { columns, names } = run.history;
    const known = names.filter((name) => name !== "beta" && name !== "lr");
    const isSame = burst.terms.every((values, i) =>
      values.every((value, k) => isNear(value, columns[known[k]][before + i])),
    );
    if (!isSame) leave("WebGPU gave other numbers than WebAssembly");
    spent += ms;
    took.gpu.push(ms / steps);
    took.wasm.push(made.ms);
    if (took.gpu.length > turns || spent >= patience) decide();
    return made.steps;
  }

  /** Which of the two goes on. The first turn warmed them up, and counts only where it took all the time there is. */
  function decide() {
    const [fast, slow] = [took.gpu, took.wasm].map((all) => median(all.length > 1 ? all.slice(1) : all));
    if (isFaster(fast, slow)) state = "gpu";
    else leave(`WebGPU takes ${fast.toFixed(1)} ms a step, WebAssembly ${slow.toFixed(1)} ms`);
  }

  /** Take what has come back. @param {number} most steps @returns {number} steps made */
  function arrive(most) {
    const found = /** @type {NonNullable<typeof landed>} */ (landed);
    landed = null;
    if (!isLoaded || found.steps > most) {
      isLoaded = false;
      return 0;
    }
    if (state === "measuring") return compare(found);
    const { steps, ms, burst } = found;
    if (!burst.terms) {
      isLoaded = false;
      again = steps;
      return 0;
    }
    took.gpu.push(ms / steps);
    took.gpu.splice(0, took.gpu.length - TURNS);
    const batches = run.upcoming(steps);
    burst.land();
    run.optimiser.skip(steps);
    burst.terms.forEach((values, i) => {
      run.record(values, batches[i]);
    });
    return steps;
  }

  /** How many steps the GPU is to make now. @param {number} most */
  function wanted(most) {
    if (again || (state !== "measuring" && state !== "gpu")) return 0;
    const [ms, known] = state === "gpu" ? [BURST_MS, took.gpu] : [TURN_MS, took.wasm];
    const steps = known.length ? Math.round(ms / Math.max(median(known), 0.1)) : 1;
    const free = run.upcoming(Math.max(1, Math.min(steps, most, MOST_STEPS))).length;
    return state === "gpu" || free >= Math.min(steps, run.stepsPerEpoch) ? free : 0;
  }

  return {
    /** @returns {EngineState} */
    get state() {
      return { name: state === "gpu" ? "WebGPU" : "WebAssembly", phase: state, reason };
    },
    /** @returns {Promise<unknown> | null} of a burst under way: nothing is made until it is back */
    get pending() {
      return pending;
    },
    /**
     * Make steps until a time is over, at least one, or have the GPU make some, which are there in a later call.
     * @param {number} milliseconds @param {number} most steps
     */
    advance(milliseconds, most) {
      if (run.hasEnded || pending) return 0;
      const made = landed ? arrive(most) : 0;
      if (made) return made;
      const steps = wanted(most);
      if (steps) return launch(steps);
      const isOnce = state === "gpu" && !again; // the end of an epoch, after which the GPU goes on
      return inWasm(isOnce ? 0 : milliseconds, Math.min(most, again || most)).steps;
    },
    /** The page's memory or a setting was changed: what the GPU is at is of no use. */
    touch() {
      isLoaded = false;
    },
    close: () => leave("closed"),
  };
}

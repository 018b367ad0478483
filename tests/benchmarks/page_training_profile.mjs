// What each operation of a training step costs, for page_training.mjs: to be called before the trainer is imported.

const count = (shape) => shape.reduce((n, extent) => n * extent, 1);
/** Kernels that a step calls beside its program. */
const BESIDE = ["adam", "isFinite", "fromBytes"];

/**
 * @param {string} js the folder's address @param {any} kernels
 * @returns {Promise<Record<string, {times: number[], bytes: number, flops: number}>>} filled as the trainer runs
 */
export async function watch(js, kernels) {
  const { operations } = await import(`${js}graphs/operations/index.js`);
  const { backward } = await import(`${js}graphs/operations/backward.js`);
  const spent = {};
  const labelled = new WeakSet();

  const timed = (key, bytes, flops, call) => {
    return (...args) => {
      const start = performance.now();
      const result = call(...args);
      const entry = (spent[key] ??= { times: [], bytes, flops });
      entry.times.push(performance.now() - start);
      return result;
    };
  };
  const label = (step, name) => {
    if (labelled.has(step)) return;
    labelled.add(step);
    const { bind, tensors } = step;
    const sizes = tensors.map(({ shape }) => count(shape));
    const bytes = 4 * sizes.reduce((sum, n) => sum + n, 0);
    const isProduct = name === "mm" || name === "addmm";
    const flops = isProduct ? 2 * sizes[0] * tensors[1].shape.at(-1) : 0;
    const key = `${name} ${tensors.map(({ shape }) => `[${shape}]`).join(" ")}`;
    step.bind = (...offsets) => timed(key, bytes, flops, bind(...offsets));
  };
  for (const table of [operations, backward]) {
    for (const [name, operation] of Object.entries(table)) {
      table[name] = (c, ...args) => {
        for (const step of c.steps) label(step, "copy of a result in place");
        const made = operation(c, ...args);
        for (const step of c.steps) label(step, name);
        return made;
      };
    }
  }
  for (const name of BESIDE) {
    const call = kernels[name];
    kernels[name] = (...args) => {
      const n = args[0].n ?? args[1];
      return timed(`${name} of ${n}`, { adam: 28, isFinite: 4, fromBytes: 5 }[name] * n, 0, call)(...args);
    };
  }
  return spent;
}

/** Of all `steps` steps so far: microseconds a step, GB/s and GFLOP/s of the fastest tenth: the rest waited for others. */
export function summary(spent, steps) {
  const every = Object.entries(spent).filter(([, { times }]) => times.length >= steps);
  return every.map(([name, { times, bytes, flops }]) => {
    const ms = times.sort((a, b) => a - b)[Math.floor(times.length / 10)];
    const calls = times.length / steps;
    return { name, calls, us: 1000 * ms * calls, gigabytes: bytes / ms / 1e6, gflops: flops / ms / 1e6 };
  });
}

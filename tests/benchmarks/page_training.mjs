// Trains in node as a page does, an epoch for each line that comes in; bench_page_training.py starts it.
//
//   node page_training.mjs JS_FOLDER PAYLOAD.json [plain|profile]

import { readFileSync } from "node:fs";
import { createInterface } from "node:readline";
import { summary, watch } from "./page_training_profile.mjs";

const [js, path, kind] = process.argv.slice(2);
const { createMemory } = await import(`${js}graphs/kernels/memory.js`);

/** The layers' products of a step of `batch`: forward, the weights' gradients, the inputs' but for the first layer. */
const productsOf = (batch, layers) =>
  layers.flatMap(([from, to], i) => [
    { m: batch, n: to, k: from, aRow: from, aCol: 1, bRow: 1, bCol: from },
    { m: to, n: from, k: batch, aRow: 1, aCol: to, bRow: from, bCol: 1 },
    ...(i ? [{ m: batch, n: from, k: to, aRow: to, aCol: 1, bRow: from, bCol: 1 }] : []),
  ]);

const memory = createMemory({ plain: kind === "plain" });
const { layers, batch, payload } = JSON.parse(readFileSync(path, "utf8"), (_, value) =>
  value && typeof value === "object" && "base64" in value ? Buffer.from(value.base64, "base64") : value,
);
const spent = kind === "profile" ? await watch(js, memory.kernels) : null;
const { createTrainer } = await import(`${js}training/trainer.js`);
const trainer = createTrainer(payload, { memory });
const products = productsOf(batch, layers).map((sizes) => {
  const { m, n, k } = sizes;
  const [a, b, c] = [m * k, k * n, m * n].map((size) => memory.alloc(size));
  memory.kernels.fill(a, 0.5, m * k);
  memory.kernels.fill(b, 0.25, k * n);
  return { ...sizes, a, b, c, cRow: n };
});
const operations = products.reduce((sum, { m, n, k }) => sum + 2 * m * n * k, 0);

/** Wall seconds and the process's own. */
function timed(call) {
  const start = performance.now();
  const before = process.cpuUsage();
  call();
  const { user, system } = process.cpuUsage(before);
  return [(performance.now() - start) / 1e3, (user + system) / 1e6];
}

function epoch() {
  const { stepsPerEpoch } = trainer.state();
  const [wall, seconds] = timed(() => trainer.advance(Number.POSITIVE_INFINITY, stepsPerEpoch));
  const profile = spent && summary(spent, trainer.state().step);
  const [, alone] = timed(() => {
    for (let i = 0; i < 10; i++) for (const product of products) memory.kernels.product(product);
  });
  const gflops = (10 * operations) / alone / 1e9;
  const loss = trainer.history.byEpoch("train_loss").value.at(-1) ?? null;
  return { name: memory.kernels.name, wall, seconds, images: stepsPerEpoch * batch, gflops, loss, profile };
}

for await (const _ of createInterface({ input: process.stdin })) console.log(JSON.stringify(epoch()));

// The same network written by hand for other libraries, an epoch for each line that comes in.
//
//   node page_training_peers.mjs FOLDER_WITH_NODE_MODULES tfjs-wasm|tfjs-cpu|jax-js IMAGES BATCH

import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { createInterface } from "node:readline";
import { pathToFileURL } from "node:url";

const [folder, peer, path, size] = process.argv.slice(2);
const require = createRequire(`${folder}/`);
const bytes = readFileSync(path);
const pixels = 784;
const batch = Number(size);
const whole = Math.floor(bytes.length / pixels / batch);
/** TensorFlow.js without WebAssembly takes a second a step. */
const steps = peer === "tfjs-cpu" ? Math.min(whole, 4) : whole;
const LR = 1e-3;
/** Layers by what goes in and out: body, mu, logvar, up, out. */
const LAYERS = [
  [784, 256],
  [256, 32],
  [256, 32],
  [32, 256],
  [256, 784],
];
const uniform = (n, bound) => Float32Array.from({ length: n }, () => (2 * Math.random() - 1) * bound);
const parameters = LAYERS.flatMap(([from, to]) => [
  { shape: [from, to], values: uniform(from * to, from ** -0.5) },
  { shape: [to], values: uniform(to, from ** -0.5) },
]);
const normal = () => Math.sqrt(-2 * Math.log(1 - Math.random())) * Math.cos(2 * Math.PI * Math.random());

/** Images of a step, and its noise. */
function data(order, step) {
  const x = new Float32Array(batch * pixels);
  for (let row = 0; row < batch; row++) {
    const from = order[step * batch + row] * pixels;
    for (let i = 0; i < pixels; i++) x[row * pixels + i] = bytes[from + i] / 255;
  }
  return { x, eps: Float32Array.from({ length: batch * 32 }, normal) };
}

/** A step: (x, eps) to a promise of the loss. */
async function tensorflow(backend) {
  const tf = require("@tensorflow/tfjs"); // with gradients
  if (backend !== "cpu") require(`@tensorflow/tfjs-backend-${backend}`);
  await tf.setBackend(backend);
  await tf.ready();
  const weights = parameters.map(({ shape, values }) => tf.variable(tf.tensor(values, shape)));
  const optimizer = tf.train.adam(LR);
  const linear = (x, i) => tf.add(tf.matMul(x, weights[2 * i]), weights[2 * i + 1]);
  return async ({ x: images, eps: noise }) => {
    const x = tf.tensor(images, [batch, pixels]);
    const eps = tf.tensor(noise, [batch, 32]);
    const loss = optimizer.minimize(() => {
      const h = tf.relu(linear(x, 0));
      const [mu, logvar] = [linear(h, 1), linear(h, 2)];
      const z = tf.add(mu, tf.mul(tf.exp(tf.mul(logvar, 0.5)), eps));
      const logits = linear(tf.relu(linear(z, 3)), 4);
      const parts = tf.sub(tf.softplus(logits), tf.mul(logits, x));
      const kl = tf.sub(tf.add(tf.square(mu), tf.exp(logvar)), tf.add(logvar, 1));
      return tf.div(tf.add(tf.sum(parts), tf.mul(tf.sum(kl), 0.5)), batch);
    }, true);
    const [value] = await loss.data();
    for (const tensor of [x, eps, loss]) tensor.dispose();
    return value;
  };
}

async function jax() {
  const { init, defaultDevice, jit, nn, numpy: np, tree, valueAndGrad } = await import(
    pathToFileURL(require.resolve("@jax-js/jax")).href.replace("index.cjs", "index.js")
  );
  await init("wasm");
  defaultDevice("wasm");
  const linear = (x, w, b) => np.matmul(x, w).add(b);
  const loss = (p, x, eps) => {
    const h = nn.relu(linear(x.ref, p[0], p[1]));
    const mu = linear(h.ref, p[2], p[3]);
    const logvar = linear(h, p[4], p[5]);
    const z = mu.ref.add(np.exp(logvar.ref.mul(0.5)).mul(eps));
    const logits = linear(nn.relu(linear(z, p[6], p[7])), p[8], p[9]);
    const parts = nn.softplus(logits.ref).sub(logits.mul(x));
    const kl = np.square(mu).add(np.exp(logvar.ref)).sub(logvar.add(1));
    return np.sum(parts).add(np.sum(kl).mul(0.5)).div(batch);
  };
  const step = jit((p, m, v, x, eps, rate, root) => {
    const [value, g] = valueAndGrad(loss)(tree.ref(p), x, eps);
    const first = m.map((each, i) => each.mul(0.9).add(g[i].ref.mul(0.1)));
    const second = v.map((each, i) => each.mul(0.999).add(np.square(g[i]).mul(0.001)));
    const next = p.map((each, i) => {
      const divisor = np.sqrt(second[i].ref).div(root.ref).add(1e-8);
      return each.sub(first[i].ref.mul(rate.ref).div(divisor));
    });
    rate.dispose();
    root.dispose();
    return [value, next, first, second];
  });
  let p = parameters.map(({ shape, values }) => np.array(values).reshape(shape));
  let m = parameters.map(({ shape }) => np.zeros(shape));
  let v = parameters.map(({ shape }) => np.zeros(shape));
  let count = 0;
  return async ({ x, eps }) => {
    count++;
    const rate = np.array([LR / (1 - 0.9 ** count)]);
    const root = np.array([Math.sqrt(1 - 0.999 ** count)]);
    const images = np.array(x).reshape([batch, pixels]);
    let value;
    [value, p, m, v] = step(p, m, v, images, np.array(eps).reshape([batch, 32]), rate, root);
    return (await value.data())[0];
  };
}

const step = peer === "jax-js" ? await jax() : await tensorflow(peer.slice(5));
const order = Int32Array.from({ length: bytes.length / pixels }, (_, i) => i);

async function epoch() {
  for (let i = order.length - 1; i > 0; i--) {
    const j = Math.floor(Math.random() * (i + 1));
    [order[i], order[j]] = [order[j], order[i]];
  }
  const start = performance.now();
  const before = process.cpuUsage();
  let loss = 0;
  for (let i = 0; i < steps; i++) loss += (await step(data(order, i))) / steps;
  const { user, system } = process.cpuUsage(before);
  const wall = (performance.now() - start) / 1e3;
  return { wall, seconds: (user + system) / 1e6, images: steps * batch, gflops: null, loss };
}

for await (const _ of createInterface({ input: process.stdin })) console.log(JSON.stringify(await epoch()));

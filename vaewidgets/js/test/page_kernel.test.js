/** The stand-in for a kernel in a page, with a trainer of known numbers: commands, pictures, ghost, time line, keeping. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { toFloat32 } from "../contract/bytes.js";
import { packFloats } from "../contract/packing.js";
import { createPageKernel } from "../training/page_kernel.js";
import { Recorder } from "../training/recorder.js";
import { staleKeys, wantsOf } from "../training/wants.js";

const SHAPE = [1, 1, 2];
const PER_EPOCH = 4;

/** Its loss falls as 100 / (step + 1), its KL as beta wants, its codes lie on a circle of radius `step`. */
function createFakeTrainer() {
  const test = {
    images: Uint8Array.from({ length: 12 }, (_, i) => i),
    labels: Int32Array.of(0, 1, 2, 0, 1, 2),
    n: 6,
  };
  const train = { images: new Uint8Array(16), labels: new Int32Array(8), n: 8 };
  let now = { step: 0, epoch: 0, epochs: 3, beta: 1, lr: 0.1, latentDim: 2, seed: 0 };
  let history = new Recorder(["loss", "recon", "kl", "beta", "lr"]);
  /** @type {any} */
  const trainer = {
    data: { name: "rows", imageShape: SHAPE, valueRange: [0, 1], nClasses: 3, train, test },
    get history() {
      return history;
    },
    state: () => ({
      ...now,
      ...{
        stepsPerEpoch: PER_EPOCH,
        position: now.step % PER_EPOCH,
        schedule: { kind: "constant", value: now.beta },
      },
      ...{ batchSize: 2, kind: "VAE", likelihood: "bernoulli", unit: "nats", terms: ["loss", "recon", "kl"] },
      ...{
        dataset: trainer.data.name,
        nTrain: 8,
        nTest: 6,
        isFinished: now.epoch >= now.epochs,
        fault: null,
        engine: { name: "WebAssembly", phase: "wasm", reason: "" },
      },
    }),
    /** @param {number} _ms @param {number} most */
    advance(_ms, most) {
      if (now.epoch >= now.epochs) return 0;
      const kl = 10 / (1 + now.beta);
      history.append(now.step, [100 / (now.step + 1), 100 / (now.step + 1) - kl, kl, now.beta, now.lr]);
      now = { ...now, step: now.step + 1 };
      if (now.step % PER_EPOCH === 0) {
        now = { ...now, epoch: now.epoch + 1 };
        history.appendEpoch(now.step, { test_loss: 100 / now.step, test_kl: kl });
      }
      return Math.min(1, most);
    },
    /** @param {Float32Array} images */
    encode(images) {
      const n = images.length / 2;
      const d = now.latentDim;
      const mu = Float32Array.from(
        { length: n * d },
        (_, i) => (now.step + 1) * Math.cos(images[2 * Math.floor(i / d)] + (i % d)),
      );
      return { mu, logvar: new Float32Array(n * d).fill(-1) };
    },
    /** @param {Float32Array} z */
    decode: (z) => new Float32Array((z.length / now.latentDim) * 2).fill(0.5),
    /** @param {"test" | "train"} part @param {Int32Array} index */
    images: (part, index) =>
      Float32Array.from(
        { length: 2 * index.length },
        (_, i) => trainer.data[part].images[2 * index[i >> 1] + (i % 2)] / 4,
      ),
    network: () => ({ weights: packFloats([now.step]), outputs: [] }),
    setBeta: (/** @type {number} */ beta) => Object.assign(now, { beta }),
    setLr: (/** @type {number} */ lr) => Object.assign(now, { lr }),
    setEpochs: (/** @type {number} */ epochs) => Object.assign(now, { epochs }),
    /** @param {{latent_dim?: number, epochs?: number}} settings @param {any} [data] */
    newRun({ latent_dim = now.latentDim, epochs = now.epochs }, data = trainer.data) {
      if (latent_dim > 8) throw new Error(`latent_dim is ${latent_dim}; this page was saved with 2, 8.`);
      now = { ...now, step: 0, epoch: 0, latentDim: latent_dim, epochs };
      trainer.data = data;
      history = new Recorder(["loss", "recon", "kl", "beta", "lr"]);
    },
    /** @param {Uint8Array} bytes */
    openRunFile(bytes) {
      if (!bytes.length) throw new Error("this is no run file");
      trainer.newRun({ latent_dim: 8 });
      now = { ...now, step: bytes[0], epoch: Math.floor(bytes[0] / PER_EPOCH) };
    },
    save: () => ({ now: { ...now }, history: history.save(), dataset: trainer.data.name }),
    /** @param {any} kept @param {any} data */
    restore(kept, data) {
      trainer.data = data ?? trainer.data;
      now = { ...kept.now };
      history = Recorder.from(kept.history);
    },
  };
  return trainer;
}

const choice = { kind: "VAE", likelihood: "bernoulli" };
const payload = /** @type {any} */ ({
  choices: [
    { ...choice, latent_dim: 8 },
    { ...choice, latent_dim: 2 },
  ],
  chosen: 1,
  weights: {},
  batch_sizes: [2],
});
const form = {
  dataset: "rows",
  epochs: 3,
  seed: 0,
  beta: 1,
  lr: 0.1,
  batch_size: 2,
  latent_dim: 2,
  likelihood: "bernoulli",
  kind: "VAE",
  likelihoods: {},
  code: "run = vw.train(model, data, beta=1)",
};
const run = {
  id: "saved",
  name: "MLPVAE on rows",
  status: "created",
  speed: null,
  step: 0,
  latent_dim: 2,
  unit: "nats",
};
const points = packFloats(new Float32Array(12), [6, 2]);
const explorer = {
  frame: { seq: 4, run, scatter: { points }, curves: { series: [] }, form, ghost: null },
  decoder: {},
  originals: {},
  values: {},
  time_weights_0: {},
  ablation: {},
};
const grid = { indices: { dtype: "i32", shape: [2], data: new Int32Array([0, 3]) }, seed: null };
const others = [
  { frame: { seq: 1, run, grid }, decoder: {}, posteriors: {} },
  { frame: { seq: 1, run, latent: { n: 4, points: null } }, decoder: {} },
];

const CLASSES = { names: ["a", "b", "c"], values: [0, 1, 2] };

/** A kernel on a clock of its own: each look at it is a millisecond. */
function setUp(sliceMs = 5) {
  let clock = 0;
  /** @type {[() => void, number][]} */
  let timers = [];
  const states = [explorer, ...others].map((state) => ({ .../** @type {any} */ (state) }));
  /** @type {any[]} */
  const keptAll = [];
  const kernel = createPageKernel(
    /** @type {any} */ ({
      trainer: createFakeTrainer(),
      payload,
      wants: states.map((state) => wantsOf(state)),
      saved: { run, form, curves: null, units: null, classes: CLASSES },
      sliceMs,
      post: (/** @type {any[]} */ updates) =>
        updates.forEach((update, i) => void Object.assign(states[i], update)),
      keep: (/** @type {any} */ kept) => keptAll.push(structuredClone(kept)),
      now: () => clock++,
      later: (/** @type {() => void} */ fn, /** @type {number} */ ms) => timers.push([fn, clock + ms]),
    }),
  );
  let seq = 0;
  return {
    kernel,
    states,
    keptAll,
    /** @param {string} name @param {any} [value] */
    send: (name, value = null) => kernel.obey({ seq: ++seq, name, value }),
    /** Let it work until it rests, or `done`. @param {() => boolean} [done] */
    work(done = () => false) {
      for (let i = 0; i < 5000 && timers.length && !done(); i++) {
        const [[fn, at], ...rest] = timers;
        timers = rest;
        clock = Math.max(clock, at);
        fn();
      }
      return states[0].frame;
    },
  };
}

test("what a saved widget shows says what it wants; a picture of Python's stays", () => {
  assert.deepEqual(wantsOf(explorer)?.sections, ["scatter", "curves", "form", "units"]);
  assert.deepEqual(wantsOf(explorer)?.keys, ["decoder", "originals", "values"]);
  assert.equal(wantsOf({ frame: { run, diagnosis: {} } }), null);
  assert.deepEqual(wantsOf({ frame: { run, latent: {} }, score: {} })?.keys, ["score"]);
  assert.equal(wantsOf({ frame: { run, curves: {}, others: [] } }), null);
  assert.deepEqual(staleKeys(explorer), ["time_weights_0", "ablation"]);
});

test("it trains to the end, and every widget has whole frames on the way", () => {
  const { send, work, states } = setUp();
  send("resume");
  work(() => states[0].frame.run.step > 2);
  const early = states[0].frame;
  assert.equal(early.run.status, "running");
  assert.equal(states[0].ack, 1);
  const frame = work();
  assert.equal(frame.run.status, "finished");
  assert.equal(frame.run.step, 3 * PER_EPOCH);
  assert.ok(frame.seq > early.seq && early.seq > 4);
  assert.equal(frame.scatter.step, 12, "the last picture is of the last step");
  assert.ok(toFloat32(frame.scatter.points).some((x, i) => x !== toFloat32(early.scatter.points)[i]));
  const loss = frame.curves.series.find(
    (/** @type {any} */ one) => one.name === "loss" && one.split === "test",
  );
  assert.deepEqual([...toFloat32(loss.mean)], [100 / 4, 100 / 8, 100 / 12].map(Math.fround));
  assert.equal(frame.units.kl.shape[0], 2);
  assert.equal(toFloat32(states[0].decoder.network.weights)[0], 12);
  assert.equal(states[0].originals.shape[0], 6);
  assert.ok(states[0].time_line.steps[0] < 4 && states[0].time_line.steps.at(-1) === 12);
  assert.ok(states[0].time_line.points);
  assert.equal(states[1].frame.grid.step, 12);
  assert.equal(states[1].posteriors.step, 12);
  assert.equal(states[2].frame.latent.n, 4);
  assert.deepEqual(Object.keys(states[2].frame).sort(), ["latent", "run", "seq"]);
});

test("pause, step, stop, beta and the learning rate", () => {
  const { send, work, states } = setUp();
  send("advance", 2);
  assert.equal(work().run.status, "paused");
  assert.equal(states[0].frame.run.step, 2);
  send("beta", 19);
  send("lr", 0.5);
  work();
  assert.deepEqual([states[0].frame.run.beta, states[0].frame.run.lr], [19, 0.5]);
  assert.equal(states[0].ack, 3);
  send("advance", 1);
  const kl = work().curves.series.find(
    (/** @type {any} */ one) => one.name === "kl" && one.split === "train",
  );
  assert.equal(toFloat32(kl.mean)[2], 0.5, "10 / (1 + beta) of the step after it was turned");
  send("resume");
  send("pause");
  assert.equal(work().run.status, "paused");
  send("resume");
  send("stop");
  assert.equal(work().run.status, "stopped");
  send("resume");
  assert.equal(work().run.status, "finished");
  send("epochs", 4);
  send("resume");
  assert.equal(work().run.step, 16);
});

test("a new run has the one before as a ghost, and a setting that was not let in is said", () => {
  const { send, work, states } = setUp();
  send("advance", 5);
  const before = work();
  send("new_run", { latent_dim: 99 });
  assert.match(work().run.error, /latent_dim is 99/);
  assert.equal(states[0].frame.run.id, "saved");
  send("new_run", { ...form, latent_dim: 8 });
  const frame = work();
  assert.notEqual(frame.run.id, before.run.id);
  assert.deepEqual([frame.run.latent_dim, frame.run.status, frame.run.error], [8, "finished", null]);
  assert.equal(frame.scatter.mode, "pca");
  assert.equal(frame.ghost.setting.label, "latent_dim = 2");
  assert.equal(frame.ghost.run.step, 5);
  assert.equal(frame.ghost.numbers.loss.value, 25);
  assert.deepEqual(frame.ghost.active, { kl: 2, var: 2 });
  assert.deepEqual(frame.form.latent_dims, [2, 8]);
  assert.equal(
    frame.form.code,
    "run = vw.train(model, data, beta=1)\n# as it was trained in the page: also latent_dim=8",
  );
  assert.equal(states[0].view_state.values.ghost, true);
  assert.equal(states[1].frame.ghost, undefined);
});

test("a run file is shown where it stopped, beside the run before; one that is none is said", () => {
  const { kernel, send, work, states } = setUp();
  send("advance", 2);
  work();
  kernel.openRunFile(new Uint8Array());
  assert.match(work().run.error, /this is no run file/);
  assert.equal(states[0].frame.run.step, 2);
  kernel.openRunFile(Uint8Array.of(7));
  const { run: shown, ghost, scatter } = work();
  assert.deepEqual([shown.step, shown.status, shown.error, shown.latent_dim], [7, "paused", null, 8]);
  assert.deepEqual([ghost.run.step, scatter.step], [2, 7]);
  kernel.openRunFile(Uint8Array.of(12));
  assert.equal(work().run.status, "finished");
});

test("a hidden page rests and goes on; what was kept is gone on from, paused", () => {
  const first = setUp();
  first.send("resume");
  first.work(() => first.states[0].frame.run.step >= 2);
  first.kernel.hide(true);
  const resting = first.work();
  assert.equal(resting.run.status, "running");
  assert.ok(resting.run.step < 12);
  const kept = first.keptAll.at(-1);
  assert.equal(kept.facts.status, "running");
  first.kernel.hide(false);
  assert.equal(first.work().run.status, "finished");

  const second = setUp();
  second.kernel.restore(kept);
  const again = second.work();
  assert.equal(again.run.status, "paused");
  assert.equal(again.run.step, resting.run.step);
  assert.ok(second.states[0].time_line.steps.length > 0);
  second.send("resume");
  assert.equal(second.work().run.step, 12);
  assert.deepEqual(
    [...toFloat32(second.states[0].frame.curves.series[0].mean)],
    [...toFloat32(first.states[0].frame.curves.series[0].mean)],
  );
});

test("a run that has just begun is kept after a second", () => {
  const { send, work, keptAll, states } = setUp();
  send("speed", 0.5);
  send("resume");
  work(() => keptAll.length > 0);
  assert.equal(keptAll[0].facts.status, "running");
  assert.ok(states[0].frame.run.epoch < 1, "a reload would lose what is older than that");
});

/** Images of two pixels of the reader's own, of two classes. @param {number} n @returns {import("../training/own_set.js").OwnData} */
const ownImages = (n) => ({
  images: Uint8Array.from({ length: 2 * n }, (_, i) => i),
  n,
  labels: Uint8Array.from({ length: n }, (_, i) => i % 2),
  classNames: ["cat", "dog"],
  notes: [],
});

test("images of the reader's own: their classes, long enough, and back to those of the page", () => {
  const { kernel, send, work, states, keptAll } = setUp();
  kernel.takeImages(ownImages(48));
  const frame = work(() => states[0].frame.run.step > 2);
  assert.equal(frame.run.dataset, "your images");
  assert.deepEqual([frame.run.step > 0, frame.ghost], [true, null], "a run that made no step is no ghost");
  assert.deepEqual(states[0].classes, { names: ["cat", "dog"], values: ["cat", "dog"] });
  assert.equal(states[0].view_state.values.selected, null);
  assert.deepEqual(frame.form.datasets, ["rows", "your images"]);
  assert.equal(frame.form.dataset, "your images");
  assert.equal(frame.run.epochs, Math.ceil(1500 / 20), "40 of 48 to train on, in batches of 2");
  assert.equal(frame.scatter.points.shape[0], 6);
  assert.deepEqual([frame.scatter.n_test, frame.scatter.n_train], [6, 0]);
  send("pause");
  work();
  const again = setUp();
  again.kernel.restore(keptAll.at(-1));
  again.work();
  assert.equal(again.states[0].frame.run.dataset, "your images");
  assert.deepEqual(again.states[0].classes.names, ["cat", "dog"]);
  send("new_run", { dataset: "rows" });
  work(() => states[0].frame.run.dataset === "rows");
  assert.equal(states[0].frame.run.dataset, "rows");
  assert.deepEqual(states[0].classes, CLASSES);
});

test("images that the page cannot take leave the run as it was, and the reason is said", () => {
  const { kernel, work, states } = setUp();
  payload.choices[0].takes_labels = true;
  kernel.takeImages(ownImages(48));
  payload.choices[0].takes_labels = false;
  work();
  assert.match(states[0].frame.run.error, /told which of 3 classes an image shows; your images have 2/);
  assert.equal(states[0].frame.run.dataset, "rows");
});

test("a pace in epochs a second is kept", () => {
  const { send, work, states } = setUp();
  send("speed", 10); // 40 steps a second: one in 25 ms
  send("resume");
  const stamps = new Set();
  work(() => {
    stamps.add(states[0].frame.run.step);
    return states[0].frame.run.status === "finished";
  });
  assert.ok(states[0].frame.run.status === "finished");
  assert.ok(stamps.size > 2, "frames on the way");
});

test("a widget that comes later is drawn along, and one that has gone costs nothing", () => {
  const { kernel, send, work, states } = setUp();
  send("advance", 2);
  work();
  const late = /** @type {any} */ ({
    frame: { seq: 7, run, scatter: { points } },
    originals: {},
    decoder: {},
  });
  kernel.join(/** @type {any} */ (wantsOf(late)));
  states.push(late);
  work();
  assert.equal(late.frame.run.step, 2);
  assert.equal(late.frame.seq > 7, true);
  assert.deepEqual(late.frame.scatter.points.shape, [6, 2]);
  assert.equal(late.originals.shape[0], 6); // that came once to the others
  kernel.leave(0);
  send("advance", 1);
  work();
  assert.equal(late.frame.run.step, 3);
  assert.equal(states[0].frame.scatter, undefined);
});

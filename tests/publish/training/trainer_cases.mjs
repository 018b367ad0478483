/** What test_trainer.py has the trainer do; "JS" is the folder of the sources. */
import { readFileSync, writeFileSync } from "node:fs";
import { createBuckets } from "JS/training/history.js";
import { after, betaAt, describe } from "JS/training/schedules.js";

const refused = (call) => {
  try {
    call();
    return null;
  } catch (error) {
    return error.message;
  }
};
const steps = (trainer, n) => {
  for (let left = n; left > 0; left--) trainer.advance(1e9, 1);
};

export function start(trainer, seeds) {
  return seeds.map((seed) => {
    trainer.newRun({ seed });
    return trainer.weights();
  });
}
export function diverge(trainer) {
  steps(trainer, 3);
  trainer.setLr(1e9);
  let before = trainer.weights();
  for (let i = 0; i < 50 && !trainer.state().fault; i++) {
    before = trainer.weights();
    trainer.advance(0, 1);
  }
  const kept = trainer.weights();
  const made = trainer.advance(1000);
  return { fault: trainer.state().fault, before, kept, made, length: trainer.history.length };
}
export function again(trainer) {
  steps(trainer, 5);
  const saved = structuredClone(trainer.save());
  steps(trainer, 6);
  const [weights, state] = [trainer.weights(), trainer.state()];
  trainer.newRun({ latent_dim: 2 });
  trainer.restore(saved);
  const back = trainer.state();
  steps(trainer, 6);
  return { weights, state, back, again: trainer.weights(), stateAgain: trainer.state(), rows: trainer.history.length };
}
export function choose(trainer) {
  trainer.newRun({ kind: "AE", latent_dim: 2, seed: 1, epochs: 1, beta: 0.5, batch_size: 8 });
  const before = trainer.state();
  trainer.advance(1e6);
  const after = trainer.state();
  const codes = trainer.encode(trainer.images("test", [0, 1, 2]));
  return {
    before, after, codes,
    image: trainer.decode(codes.mu),
    wrong: [
      { latent_dim: 7 }, { likelihood: "poisson" }, { lr: 0 }, { beta: -1 }, { batch_size: 9 }, { epochs: 1.5 },
    ].map((settings) => refused(() => trainer.newRun(settings))),
    state: trainer.state(),
  };
}
export function file(trainer, path) {
  trainer.advance(1e6);
  writeFileSync(path, trainer.runFile());
  return { evaluation: trainer.evaluate(), epochs: trainer.history.epochs, weights: trainer.weights() };
}
export function goOn(trainer, path) {
  trainer.setEpochs(3);
  return file(trainer, path);
}
export function open(trainer, path) {
  trainer.openRunFile(new Uint8Array(readFileSync(path)));
  const state = trainer.state();
  const evaluation = trainer.evaluate();
  const loss = trainer.history.curve("loss", 10);
  trainer.setEpochs(9);
  steps(trainer, 2);
  return { state, evaluation, loss, after: trainer.state(), no: wrongFiles(path).map((bytes) => refused(() => trainer.openRunFile(bytes))) };
}
/** None; cut off; a header that says another shape; facts that are no JSON; facts that lack some; another model's. */
function wrongFiles(path) {
  const right = new Uint8Array(readFileSync(path));
  const changed = (from, to) => {
    const text = Buffer.from(right).toString("latin1");
    if (!text.includes(from) || from.length !== to.length) throw new Error(from);
    return new Uint8Array(Buffer.from(text.replace(from, to), "latin1"));
  };
  return [
    new Uint8Array(9), right.slice(0, -40), changed('"shape":', '"shopa":'),
    changed('"dtype":"I64"', '"dtype":"F32"'), changed('\\"format\\":', '\\"format\\"?'),
    changed('\\"history_epochs\\"', '\\"histori_epochs\\"'), changed('\\"MLPVAE\\"', '\\"MLPVAF\\"'),
  ];
}
export function data(trainer, { images, ok }) {
  const own = (pixels, n) => ({
    name: "mine", imageShape: [1, 8, 8], valueRange: [0, 1], nClasses: 0,
    train: { images: Float32Array.from(pixels), labels: null, n }, test: null,
  });
  const wrong = [
    own(images.slice(0, 64), 1), own(images.slice(1), images.length / 64), own([...images.slice(1), 2], images.length / 64),
    { ...own(images, images.length / 64), imageShape: [1, 4, 16] },
  ].map((set) => refused(() => trainer.newRun({}, set)));
  const kept = trainer.data.name;
  trainer.newRun({ epochs: 1 }, own(images, images.length / 64));
  trainer.advance(1e6);
  return { wrong, kept, state: trainer.state(), evaluation: trainer.evaluate() };
}
export function alone(trainer, { images }) {
  const set = { ...trainer.data, train: { images: Float32Array.from(images), labels: null, n: 17 }, test: null };
  trainer.newRun({ epochs: 1 }, set);
  trainer.advance(1e6);
  return trainer.state();
}
export function schedules(_, { given, terms, values }) {
  let newest = given;
  const led = terms.map(([recon, kl]) => {
    newest = newest.map((one) => after(one, recon, kl));
    return newest.map((one) => betaAt(one, 5));
  });
  const rows = [4, 10].map((most) => {
    const buckets = createBuckets(most);
    values.forEach((value, i) => buckets.add(i, value));
    const { step, mean, low, high } = buckets.curve();
    return { step, mean, low, high };
  });
  return { beta: given.map((one) => [0, 1, 7, 13, 400].map((i) => betaAt(one, i))), words: given.map(describe), led, rows };
}

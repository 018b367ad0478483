import assert from "node:assert/strict";
import { test } from "node:test";
import { uniforms } from "../contract/random.js";
import { clamp, linearSlider, roundUp } from "../draw/scales.js";
import { klAreas, klParts, shuffled } from "../maths/gaussian.js";
import { betaAt } from "../training/schedules.js";
import { meeting } from "../widgets/annealing_schedule/paint.js";
import { scheduleOf } from "../widgets/annealing_schedule/schedules.js";
import { rangesOf } from "../widgets/bottleneck_game/code_space.js";
import * as rules from "../widgets/bottleneck_game/game.js";
import { histogram } from "../widgets/reparameterization_demo/gradients.js";
import { verdictOf } from "../widgets/reparameterization_demo/paint.js";

const near = (/** @type {number} */ a, /** @type {number} */ b, by = 1e-9) =>
  assert.ok(Math.abs(a - b) < by, `${a} ${b}`);

test("KL: the lecture's three, and its parts", () => {
  near(klParts({ mu: 0, sigma: 1 }).total, 0);
  near(klParts({ mu: 1, sigma: 1 }).total, 0.5);
  near(klParts({ mu: 0, sigma: 2 }).total, 1.5 - Math.log(2));
  const { shift, spread, total } = klParts({ mu: 2, sigma: 0.5 });
  assert.equal(shift, 2);
  assert.equal(shift + spread, total);
  const { above, below } = klAreas({ mu: 2, sigma: 0.5 }, { mu: 0, sigma: 1 });
  near(above + below, total, 1e-6);
});

test("a deck is shuffled whole, and alike for a seed", () => {
  const deck = shuffled(9, uniforms(4));
  assert.deepEqual([...deck].sort(), [0, 1, 2, 3, 4, 5, 6, 7, 8]);
  assert.deepEqual(shuffled(9, uniforms(4)), deck);
  assert.notDeepEqual(shuffled(9, uniforms(5)), deck);
});

test("histograms leave out what lies outside", () => {
  assert.deepEqual([...histogram([-1, 0, 0.1, 0.5, 0.99, 1, 7], [0, 1], 2)], [2, 2]);
});

test("axes round up and stand still; values are kept inside", () => {
  assert.deepEqual(
    [0.4, 0.5, 0.51, 9, 10].map((value) => roundUp(value)),
    [0.5, 0.5, 1, 10, 10],
  );
  assert.equal(clamp(5, 0, 3), 3);
});

test("a linear slider steps evenly and keeps its ends", () => {
  const scale = linearSlider({ min: -4, max: 4, step: 0.01 });
  assert.equal(scale.value(0), -4);
  assert.equal(scale.value(1000), 4);
  assert.equal(scale.value(scale.position(1.25)), 1.25);
});

test("the verdict names a bias, no spread, and either winner", () => {
  const of = (/** @type {number} */ mean, /** @type {number} */ sd) => ({
    exact: 1,
    mean,
    sd,
    values: new Float64Array(0),
  });
  assert.match(verdictOf(of(0, 0), of(1, 1)), /step function/);
  assert.match(verdictOf(of(1, 0), of(1, 1)), /no variance/);
  assert.match(verdictOf(of(1, 1), of(1, 3)), /needs 9\.0× as many/);
  assert.match(verdictOf(of(1, 2), of(1, 1)), /score-function estimator has the lower variance/);
});

test("both terms weigh the same where recon = beta · KL, or nowhere", () => {
  const settings = {
    kind: /** @type {const} */ ("linear"),
    start: 0,
    end: 1,
    steps: 20,
    cycles: 1,
    ratio: 0.5,
    target_kl: 20,
    target_recon: 90,
  };
  const state = { settings };
  const step = meeting({ ...state, recon: 0.4, kl: 1.2 });
  near(step ?? 0, 10 / 3);
  near(betaAt(scheduleOf(settings), step ?? 0) * 1.2, 0.4);
  assert.equal(meeting({ ...state, recon: 4, kl: 1.2 }), null);
  assert.equal(meeting({ ...state, recon: 0.4, kl: 0 }), null);
});

test("the learner takes the nearest code, of several the one seen most", () => {
  const book = /** @type {[number[], number][]} */ ([
    [[0, 0], 3],
    [[0, 0], 1],
    [[0, 0], 3],
    [[5, 5], 8],
  ]);
  const next = () => 0;
  assert.equal(rules.learnerGuess({ book, cards: rules.FIVE }, [0, 1], next), 3);
  assert.equal(rules.learnerGuess({ book, cards: rules.FIVE }, [4, 4], next), 8);
  assert.equal(rules.learnerGuess({ book: [], cards: rules.FIVE }, [4, 4], next), 0);
  assert.equal(rules.learnerGuess({ book, cards: [1, 7] }, [0, 0], next), 1);
});

test("codes are checked, written and shown", () => {
  const game = rules.newGame();
  assert.ok(rules.isCode(game, [1, -2.5]));
  for (const bad of [[1], [1, Number.NaN], [1, 100], [1, 2, 3]]) assert.ok(!rules.isCode(game, bad));
  assert.equal(rules.codeText(game, [1, -2.5]), "(1, −2.5)");
  assert.equal(rules.codeText({ bottleneck: "bits" }, [0, 1]), "01");
  assert.equal(rules.handOver(game).phase, "encode");
});

test("the plane has room for all codes", () => {
  const { x, y } = rangesOf({
    bottleneck: "two",
    bits: 2,
    placed: [{ code: [-3, 9], card: 1 }],
    asked: [12, 0],
  });
  assert.ok(x[0] < -3 && x[1] > 12 && y[1] > 9);
  assert.deepEqual(rangesOf({ bottleneck: "bits", bits: 3, placed: [], asked: null }).x, [-0.5, 7.5]);
});

import assert from "node:assert/strict";
import { test } from "node:test";
import { logSlider, logTicks, ticks } from "../draw/scales.js";
import { parseRgb } from "../host/color.js";
import {
  formatLoss,
  formatNumber,
  formatSetting,
  formatTick,
  formatVector,
  shortened,
  subscript,
} from "../maths/format.js";

test("ticks are round and inside", () => {
  assert.deepEqual(ticks(-2.2, 2.2, 5), [-2, -1, 0, 1, 2]);
  assert.deepEqual(
    ticks(0, 1, 5).map((v) => v.toFixed(1)),
    ["0.0", "0.2", "0.4", "0.6", "0.8", "1.0"],
  );
  assert.deepEqual(ticks(3, 3, 5), []);
  assert.ok(!ticks(-1, 1, 4).some((v) => Object.is(v, -0)));
});

test("logarithmic ticks thin out as the range grows", () => {
  assert.deepEqual(logTicks(90, 600, 7), [90, 100, 200, 300, 400, 500, 600]);
  assert.deepEqual(logTicks(1, 1000, 10), [1, 2, 5, 10, 20, 50, 100, 200, 500, 1000]);
  assert.deepEqual(logTicks(0.001, 1e6, 4), [0.001, 0.01, 0.1, 1, 10, 100, 1000, 1e4, 1e5, 1e6]);
  assert.deepEqual(logTicks(140, 190, 5), [140, 150, 160, 170, 180, 190]);
});

test("numbers", () => {
  assert.equal(formatNumber(1234.56), "1,235");
  assert.equal(formatNumber(-0.012345), "−0.01235");
  assert.equal(formatNumber(0.00003, 2), "3e−5");
  assert.equal(formatNumber(NaN), "not a number");
  assert.equal(formatNumber(0.001, 3), "0.00100");
  assert.deepEqual([1, 0.001, 1e-5, 2.5, 0].map(formatSetting), ["1", "0.001", "1e−5", "2.5", "0"]);
  assert.equal(formatLoss(147.123), "147.1");
  assert.equal(formatLoss(0.0123), "0.012");
  assert.equal(formatTick(12000), "12k");
  assert.equal(formatTick(0.0001), "1e−4");
  assert.equal(formatTick(-2.5), "−2.5");
  assert.equal(subscript("z12"), "z₁₂");
  assert.equal(formatVector([0.5, -1.25, 3], 2), "(0.50, −1.25, …)");
});

test("a long name is cut in its middle, where names that are alike differ least", () => {
  assert.equal(shortened("ellipse"), "ellipse");
  assert.equal(shortened("x".repeat(18)), "x".repeat(18));
  const [one, two] = ["1", "2"].map((seed) => shortened(`a model of four layers, seed ${seed}`));
  assert.equal(one, "a model o…, seed 1");
  assert.notEqual(one, two);
  assert.equal([...shortened("😀".repeat(40))].length, 18);
});

test("a logarithmic slider goes there and back, and holds an exact 0", () => {
  const beta = logSlider({ min: 0.01, max: 10, zero: true });
  assert.equal(beta.value(0), 0);
  assert.equal(beta.position(0), 0);
  assert.equal(beta.value(1000), 10);
  assert.equal(beta.value(beta.position(1)), 1);
  assert.equal(beta.position(1e-9), 1);
  assert.equal(beta.position(50), 1000);
  const lr = logSlider({ min: 1e-5, max: 1e-1, zero: false });
  assert.equal(lr.value(0), 1e-5);
  for (const value of [1e-5, 1e-4, 3e-4, 1e-3, 0.1]) assert.equal(lr.value(lr.position(value)), value);
});

test("a color is read as a browser writes it", () => {
  const cases = /** @type {[string, number[] | null][]} */ ([
    ["#0a77B5", [10, 119, 181, 1]],
    ["rgb(1, 2, 3)", [1, 2, 3, 1]],
    ["rgba(1, 2, 3, 0.5)", [1, 2, 3, 0.5]],
    ["rgb(1 2 3 / 0.25)", [1, 2, 3, 0.25]],
    ["color(srgb 0.2 none 1 / 0.5)", [51, 0, 255, 0.5]],
    ["color(display-p3 1 0 0)", null],
    ["oklch(0.5 0.1 20)", null],
    ["white", null],
  ]);
  for (const [text, wanted] of cases) assert.deepEqual(parseRgb(text), wanted, text);
});

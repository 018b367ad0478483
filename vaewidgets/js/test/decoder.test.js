import assert from "node:assert/strict";
import { test } from "node:test";
import { createDecoder } from "../graphs/decoder.js";
import { graph } from "./graph.js";

/** @typedef {import("../graphs/decoder.js").Decoded} Decoded */

function setUp() {
  /** @type {number[][]} */
  const asked = [];
  /** @type {Decoded[]} */
  const got = [];
  const decoder = createDecoder({
    ask: (z) => asked.push(z),
    onDecoded: (decoded) => got.push(decoded),
  });
  return { asked, got, decoder };
}

test("in the page: the image in the value range, and as bytes", () => {
  const { asked, got, decoder } = setUp();
  const network = graph([[1, 2]], [["neg", [{ t: 0 }], [1]]]);
  decoder.setDecoder({ step: 5, network, reason: null, value_range: [-1, 1] });
  decoder.decode(Float32Array.of(1, -0.5));
  assert.ok(decoder.local && decoder.reason === null && decoder.step === 5);
  assert.deepEqual([...(got[0].image ?? [])], [-1, 0.5]);
  assert.deepEqual([...(got[0].bytes ?? [])], [0, 191]);
  assert.deepEqual(asked, []);
});

test("by Python: one question at a time, the newest next, answers to others dropped", () => {
  const { asked, got, decoder } = setUp();
  decoder.setDecoder({ step: 0, network: null, reason: "Conv2d", value_range: [0, 1] });
  assert.equal(decoder.reason, "Conv2d");
  for (const x of [1, 2, 3]) decoder.decode(Float32Array.of(x, 0));
  assert.deepEqual(asked, [[1, 0]]);
  const image = { dtype: "u8", shape: [1, 1, 2] };
  decoder.reply({ type: "decoded", seq: 99, image }, [new DataView(Uint8Array.of(1, 2).buffer)]);
  assert.equal(got.length, 0);
  decoder.reply({ type: "decoded", seq: 1, image }, [new DataView(Uint8Array.of(0, 255).buffer)]);
  assert.deepEqual(got[0].z, [1, 0]);
  assert.deepEqual([...(got[0].image ?? [])], [0, 1]);
  assert.deepEqual(asked, [
    [1, 0],
    [3, 0],
  ]);
});

test("where Python could not, the next question is put", () => {
  const { asked, got, decoder } = setUp();
  decoder.setDecoder({ step: 0, network: null, reason: "Conv2d", value_range: [0, 1] });
  for (const x of [1, 2]) decoder.decode(Float32Array.of(x, 0));
  decoder.reply({ type: "decoded", seq: 1, image: null, error: "ShapeError: planted" });
  assert.equal(got.length, 0);
  assert.deepEqual(asked, [
    [1, 0],
    [2, 0],
  ]);
});

test("a network that the page does not know falls back on Python and says why", () => {
  const { asked, decoder } = setUp();
  const network = graph([[1, 2]], [["fft", [{ t: 0 }], [1]]]);
  decoder.setDecoder({ step: 0, network, reason: null });
  assert.match(decoder.reason ?? "", /"fft".*unknown operation/);
  decoder.decode(Float32Array.of(0, 0));
  assert.equal(asked.length, 1);
});

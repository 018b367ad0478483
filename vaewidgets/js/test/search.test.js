import assert from "node:assert/strict";
import { test } from "node:test";
import { createSearch } from "../widgets/latent_geometry/search.js";

globalThis.requestAnimationFrame = (/** @type {FrameRequestCallback} */ fn) =>
  /** @type {any} */ (setTimeout(() => fn(0), 0));
globalThis.cancelAnimationFrame = clearTimeout;
const KERNEL = /** @type {any} */ ({ step: 0, network: null, reason: "planted", value_range: [0, 1] });
const settled = () => new Promise((resolve) => setTimeout(resolve, 20));

/** A search of 20 points, then of one, that Python answers with images of one pixel: the point's number. */
function searched(/** @type {boolean} */ answers) {
  /** @type {number[][][]} */
  const asked = [];
  /** @type {number[][]} */
  const found = [];
  const search = createSearch({
    ask: (z) => asked.push(z),
    *work() {
      const first = yield Array.from({ length: 20 }, (_, i) => [i]);
      found.push(first.map((image) => Math.round(image[0] * 255)));
      const second = yield [[7]];
      found.push(second.map((image) => Math.round(image[0] * 255)));
    },
  });
  async function answer() {
    for (let seq = 1; seq <= 3; seq++) {
      await settled();
      const z = asked[seq - 1];
      if (!z) return;
      const data = new DataView(Uint8Array.from(z.flat()).buffer);
      const image = answers ? { dtype: "u8", shape: [z.length, 1, 1, 1], data } : null;
      search.reply({ type: "decoded", seq, image }, []);
    }
    await settled();
  }
  return { search, found, answer, asked };
}

test("where the page cannot decode, Python does, a few at a time, in order", async () => {
  const { search, found, answer, asked } = searched(true);
  assert.equal(search.setDecoder(KERNEL), true);
  assert.equal(search.reason, "planted");
  search.refresh(true, true);
  await answer();
  assert.deepEqual(found, [Array.from({ length: 20 }, (_, i) => i), [7]]);
  assert.deepEqual(
    asked.map((z) => z.length),
    [16, 4, 1],
  );
  assert.equal(search.busy, false);
  search.destroy();
});

test("what Python cannot decode ends the search, and another one may begin", async () => {
  const { search, found, answer } = searched(false);
  search.setDecoder(KERNEL);
  search.refresh(true, true);
  await answer();
  assert.deepEqual([found, search.busy], [[], false]);
  search.refresh(false, true);
  assert.equal(search.busy, true);
  search.destroy();
});

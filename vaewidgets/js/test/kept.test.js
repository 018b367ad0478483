/** What a page keeps of a run comes back as it was. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { bundled, unbundled } from "../training/kept.js";

test("arrays come back from the blob with their types, and everything else as it was", async () => {
  const weights = Float32Array.from({ length: 5000 }, (_, i) => i / 7);
  const kept = {
    at: 12,
    run: {
      step: 3,
      tensors: [weights, weights.subarray(1, 4700)],
      counts: new Int32Array(3),
      note: undefined,
    },
    timeLine: { frames: [{ mu: new DataView(new Uint8Array(20_001).fill(9).buffer) }], every: 2, last: null },
    map: new Map([[1, "one"]]),
  };
  const bundle = structuredClone(bundled(kept));
  assert.deepEqual([bundle.at, bundle.step], [12, 3]);
  assert.equal(bundle.blob.size, 4 * (5000 + 4699) + 20_001);
  assert.ok(JSON.stringify(bundle.rest).length < 400, "no large array is left outside of the blob");
  assert.deepEqual(await unbundled(bundle), kept);
});

import assert from "node:assert/strict";
import { test } from "node:test";
import { gzipSync } from "node:zlib";
import { fitted, readOwnData } from "../host/page/own_data.js";

/** @typedef {import("../host/page/own_data.js").OwnFile} OwnFile */

/** @param {string} name @param {Uint8Array | string} content @returns {OwnFile} */
function file(name, content) {
  const bytes = typeof content === "string" ? new TextEncoder().encode(content) : content;
  return { name: name.split("/").at(-1) ?? name, path: name, size: bytes.length, bytes: async () => bytes };
}

/** Pictures of the tests: a width, a height and one grey value; what is shorter is none. @param {Uint8Array} bytes */
async function decodeImage(bytes) {
  if (bytes.length < 3) throw new Error("no picture");
  const [width, height, grey] = bytes;
  return {
    width,
    height,
    data: new Uint8Array(4 * width * height).map((_, i) => (i % 4 === 3 ? 255 : grey)),
  };
}

/** @param {OwnFile[]} files @param {[number, number, number]} [shape] */
const read = (files, shape = [1, 2, 2]) => readOwnData(files, { shape, decodeImage });

/** @param {number[]} sizes @param {number[]} values @param {number} [type] */
const idx = (sizes, values, type = 8) =>
  Uint8Array.of(
    0,
    0,
    type,
    sizes.length,
    ...sizes.flatMap((n) => [n >>> 24, n >>> 16, n >>> 8, n].map((v) => v & 255)),
    ...values,
  );

const counting = (/** @type {number} */ n) => Array.from({ length: n }, (_, i) => i % 251);

test("pictures of any size, their folders as classes; what is none is named", async () => {
  const files = Array.from({ length: 9 }, (_, i) =>
    file(`pets/${i < 4 ? "cat" : "dog"}/${i}.png`, Uint8Array.of(2 + i, 2, 20 * i)),
  );
  const data = await read([...files, file("pets/dog/notes.doc", "x"), file("pets/.DS_Store", "xxxx")]);
  assert.equal(data.n, 9);
  assert.deepEqual(data.classNames, ["cat", "dog"]);
  assert.deepEqual([...(data.labels ?? [])], [0, 0, 0, 0, 1, 1, 1, 1, 1]);
  assert.deepEqual([...data.images.subarray(4 * 3, 4 * 4)], [60, 60, 60, 60]);
  assert.deepEqual(data.notes, [
    "Not a picture, left out: notes.doc.",
    "8 of 9 were cropped to the middle and scaled to 2 × 2.",
  ]);
});

test("pictures without folders have no classes", async () => {
  const data = await read(Array.from({ length: 8 }, (_, i) => file(`${i}.png`, Uint8Array.of(2, 2, i))));
  assert.deepEqual([data.labels, data.classNames, data.notes], [null, null, []]);
});

test("a picture is cropped to the middle and averaged; transparent is white; color keeps its channels", () => {
  const grey = [10, 20, 30, 40, 50, 60, 70, 80].flatMap((value) => [value, value, value, 255]); // 4 × 2
  assert.deepEqual([...fitted({ width: 4, height: 2, data: Uint8Array.from(grey) }, [1, 1, 1])], [45]);
  assert.deepEqual(
    [...fitted({ width: 4, height: 2, data: Uint8Array.from(grey) }, [1, 2, 4])],
    [10, 20, 30, 40, 50, 60, 70, 80],
  );
  const clear = Uint8Array.of(200, 0, 0, 0, 200, 0, 100, 255);
  assert.deepEqual(
    [...fitted({ width: 2, height: 1, data: clear }, [3, 1, 2])],
    [255, 200, 255, 0, 255, 100],
  );
  assert.deepEqual(
    [...fitted({ width: 1, height: 1, data: Uint8Array.of(255, 0, 0, 255) }, [1, 1, 1])],
    [76],
  );
  assert.equal(
    fitted({ width: 3, height: 3, data: new Uint8Array(36).fill(99) }, [1, 28, 28]).every((v) => v > 0),
    true,
  );
});

test("IDX files, gzipped too, with and without labels, of another size", async () => {
  const images = idx([9, 2, 2], counting(36));
  const plain = await read([file("images-idx3-ubyte", images)]);
  assert.deepEqual([...plain.images], counting(36));
  const labels = idx([9], [3, 1, 3, 1, 1, 1, 3, 3, 3]);
  const both = await read([file("labels.gz", gzipSync(labels)), file("images.gz", gzipSync(images))]);
  assert.deepEqual(both.classNames, ["1", "3"]);
  assert.deepEqual([...(both.labels ?? [])], [1, 0, 1, 0, 0, 0, 1, 1, 1]);
  const larger = await read([file("i", images)], [1, 4, 4]);
  assert.equal(larger.images.length, 9 * 16);
  assert.deepEqual(larger.notes, ["Images of 2 × 2 were scaled to 4 × 4."]);
});

test("a table: with a header, a label in front, tabs, numbers up to 1 or 16", async () => {
  const rows = (/** @type {(i: number) => (string | number)[]} */ row, mark = ",") =>
    Array.from({ length: 8 }, (_, i) => row(i).join(mark)).join("\n");
  const named = await read([
    file("a.csv", `label,p0,p1,p2,p3\n${rows((i) => [i % 2 ? "b" : "a", 0, i, 200, 255])}\n`),
  ]);
  assert.deepEqual(named.classNames, ["a", "b"]);
  assert.deepEqual([...named.images.subarray(4, 8)], [0, 1, 200, 255]);
  const front = await read([
    file(
      "a.tsv",
      rows((i) => [i % 3, 0, 0.5, 1, 0], "\t"),
    ),
  ]);
  assert.deepEqual(front.classNames, ["0", "1", "2"]);
  assert.deepEqual([...front.images.subarray(0, 4)], [0, 128, 255, 0]);
  const sixteen = await read([
    file(
      "a.csv",
      rows((i) => [i, 16, 8, 0]),
    ),
  ]);
  assert.deepEqual([...sixteen.images.subarray(0, 4)], [0, 255, 128, 0]);
  assert.deepEqual(sixteen.notes, ["The largest number, 16, was taken as white."]);
  assert.equal(sixteen.labels, null);
});

const eight = (/** @type {string} */ row) => Array(8).fill(row).join("\n");
/** @type {[string, OwnFile[], RegExp][]} */
const REFUSED = [
  ["nothing", [], /no file in what was dropped/],
  ["one picture", [file("a.png", Uint8Array.of(2, 2, 9))], /There is 1 image; training needs 8/],
  ["no pictures", [file("a.png", "x"), file("b.jpg", "y")], /None of the 2 files is a picture/],
  ["one grey", Array(8).fill(file("a.png", Uint8Array.of(2, 2, 9))), /nothing to learn/],
  ["an unknown kind", [file("a.pdf", "%PDF-1.7 and so on")], /a\.pdf is neither/],
  ["an empty table", [file("a.csv", "\n \n")], /a\.csv is empty/],
  ["a header alone", [file("a.csv", "a,b,c,d\n")], /a header and no rows/],
  ["a table of words", [file("a.csv", eight("1,2,three,4"))], /header and no rows|no number/],
  ["a negative number", [file("a.csv", eight("1,2,-3,4"))], /line 1: "-3" is no number/],
  ["a gap", [file("a.csv", `1,2,3,4\n1,2,,4\n${eight("1,2,3,4")}`)], /line 2: "" is no number/],
  ["a short row", [file("a.csv", `${eight("1,2,3,4")}\n1,2`)], /line 9: 2 columns; the first row has 4/],
  ["no image", [file("a.csv", eight("1,2,3,4,5,6,7"))], /7 columns; expected 4 pixels/],
  ["a table among pictures", [file("a.csv", eight("1")), file("b.png", "xxx")], /one table alone/],
  ["labels alone", [file("a", idx([9], counting(9)))], /0 hold images and 1 labels/],
  [
    "too few labels",
    [file("a", idx([9, 2, 2], counting(36))), file("b", idx([4], counting(4)))],
    /b has 4 labels; a has 9/,
  ],
  ["floats", [file("a", idx([9, 2, 2], counting(36), 13))], /type 13; expected 8/],
  [
    "a cut file",
    [file("a", idx([9, 2, 2], counting(30)))],
    /cut off or damaged: it says 9 × 2 × 2 and holds 30 bytes/,
  ],
  [
    "a cut gzip",
    [file("a.gz", gzipSync(idx([9, 2, 2], counting(36))).subarray(0, 30))],
    /cannot be unpacked/,
  ],
  ["a huge file", [{ ...file("a.gz", "x"), size: 3e9 }], /3000 MB; this page takes 256 MB/],
];
for (const [what, files, message] of REFUSED) {
  test(`refused with a reason: ${what}`, () => assert.rejects(read(files), message));
}

import assert from "node:assert/strict";
import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";

// Pixels of the window, which differ from an element's own pixels under a transform and under `zoom`.
const OF_THE_WINDOW =
  /\b(?:client[XY]|offset[XY]|page[XY]|screen[XY]|layer[XY]|movement[XY]|getBoundingClientRect|devicePixelRatio)\b/;
const READERS = new Set([
  "host/pointer.js",
  "host/still_image.js", // boxes against boxes: which stand in one line
]);

/** @param {string} text */
const withoutComments = (text) => text.replace(/\/\*[\s\S]*?\*\//g, "").replace(/^\s*\/\/.*$/gm, "");

/** @param {string} text @returns {string[]} */
const found = (text) => withoutComments(text).match(new RegExp(OF_THE_WINDOW, "g")) ?? [];

test("only pointer.js reads where an event or a box is in the window", async () => {
  const here = new URL("..", import.meta.url).pathname;
  let read = 0;
  for (const folder of ["contract", "draw", "graphs", "host", "maths", "panels", "widgets"]) {
    for (const file of await readdir(join(here, folder), { recursive: true })) {
      const name = `${folder}/${file}`;
      if (!name.endsWith(".js") || READERS.has(name)) continue;
      const names = found(await readFile(join(here, name), "utf8"));
      assert.deepEqual(names, [], `${name} reads ${names}: take localOf or clientOf of host/pointer.js`);
      read++;
    }
  }
  assert.ok(read > 80);
});

test("the search finds what it is for", () => {
  assert.deepEqual(found("const x = event.clientX - element.getBoundingClientRect().left;"), [
    "clientX",
    "getBoundingClientRect",
  ]);
  assert.deepEqual(found("/* clientX */\n  // pageX\nconst clientWidth = 1;"), []);
});

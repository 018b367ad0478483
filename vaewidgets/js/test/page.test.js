/** The saved page: a model without a kernel, data put back in place, the view in the address. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { createCommands } from "../host/commands.js";
import { fromFragment, toFragment } from "../host/page/address.js";
import { fromBase64, fromPlanes, put } from "../host/page/content.js";
import { createModel } from "../host/page/model.js";
import { createView, leaveOutLinked, readPage, restorePage } from "../host/view.js";

test("a model says that it is offline, tells of changes, and sends nothing", () => {
  const model = createModel({ a: 1 });
  assert.equal(model.get("offline"), true);
  let heard = 0;
  const fn = () => heard++;
  model.on("change:a", fn);
  model.set("a", 2);
  model.set("a", 2);
  assert.equal(model.get("a"), 2);
  assert.equal(heard, 1);
  model.off("change:a", fn);
  model.set("a", 3);
  assert.equal(heard, 1);
  assert.equal(model.send(), undefined);
});

test("offline, commands are numbered but go nowhere and nothing waits for them", () => {
  /** @type {any[]} */
  const sent = [];
  const commands = createCommands((message) => sent.push(message), { offline: true });
  commands.hello();
  const seq = commands.send("pause");
  assert.equal(commands.isPending(seq), false);
  commands.decode([0, 0]);
  assert.deepEqual(sent, []);
  commands.destroy();
});

test("bytes of numbers that were put apart come together again", () => {
  const numbers = Float32Array.of(1.5, -2, 3e7);
  const bytes = new Uint8Array(numbers.buffer);
  const apart = Uint8Array.from({ length: 12 }, (_, i) => bytes[(i % 3) * 4 + Math.floor(i / 3)]);
  assert.deepEqual(fromPlanes(apart, 4), bytes);
  assert.equal(fromPlanes(bytes, 1), bytes);
});

test("buffers go back where they were", () => {
  const state = { frame: { list: [{ data: null }, { data: null }] } };
  put(state, ["frame", "list", 1, "data"], "here");
  assert.deepEqual(state, { frame: { list: [{ data: null }, { data: "here" }] } });
  assert.deepEqual([...fromBase64("AAH/")], [0, 1, 255]);
});

test("a view goes through the address and back, whatever is in it", () => {
  const view = {
    runs: [{ selected: [1, 2], color: "la<b>el & 'ü' ~ #% \u2028" }],
    widgets: [{ zoom: [0.5, -1e-9], row: null }, {}],
  };
  const fragment = toFragment(view);
  assert.match(fragment, /^#view=[\w.%-]+$/);
  assert.deepEqual(fromFragment(fragment), view);
  assert.deepEqual(fromFragment(`#chapter&${fragment.slice(1)}`), view);
});

test("an address that is somebody else's or cut off is left alone", () => {
  for (const fragment of ["", "#chapter-2", "#view=", "#view=%7B", "#view=%", "#view=[]", "#view={}"]) {
    assert.equal(fromFragment(fragment), null);
  }
  assert.equal(fromFragment('#view={"runs":[1],"widgets":[]}'), null);
});

test("the view of a page is that of its runs and of each widget, and can be put back before they draw", () => {
  const of = (/** @type {string} */ id) => ({
    get: (/** @type {string} */ key) => (key === "frame" ? { run: { id } } : undefined),
  });
  const models = [of("page-a"), of("page-a"), of("page-b")];
  const draw = (/** @type {any[]} */ list) =>
    list.map((model) => {
      const view = createView(model, () => {});
      view.bind(model.get("frame")?.run.id ?? "");
      return view;
    });
  const views = draw(models);
  views[0].set("time", 3);
  views[1].set("span", 2);
  views[2].set("hover", [0, 1]);
  const page = readPage(models);
  assert.deepEqual(page, { runs: [{ time: 3 }, { hover: [0, 1] }], widgets: [{}, { span: 2 }, {}] });

  // the same page of another training
  const again = [of("page-c"), of("page-c"), of("page-d")];
  restorePage(again, page);
  const redrawn = draw(again);
  assert.equal(redrawn[1].get("time"), 3);
  assert.equal(redrawn[1].get("span"), 2);
  redrawn[0].adopt({ set: 0, values: { time: 99 } });
  assert.equal(redrawn[0].get("time"), 3, "the address wins over what was saved");

  // and while it is open
  /** @type {any[]} */
  const heard = [];
  for (const key of ["time", "evil"])
    redrawn[0].on(/** @type {any} */ (key), (value) => heard.push([key, value]));
  restorePage(again, { runs: [{ time: 5, evil: 1 }], widgets: [{ time: 7 }] });
  assert.deepEqual(heard, [["time", 5]]);
  for (const view of [...views, ...redrawn]) view.destroy();
});

test("junk of an address is left out, and what a picture cannot take is forgotten", () => {
  const model = {
    get: (/** @type {string} */ key) => (key === "frame" ? { run: { id: "junk" } } : undefined),
  };
  const view = createView(model, () => {});
  view.bind("junk");
  view.on("rows", (rows) => rows?.map(String)); // throws where it is no list
  const junk = { hover: "x", selected: [-1], classes: {}, color: 3, time: 0.5 };
  restorePage([model], { runs: [junk], widgets: [{ rows: 7, plane: { a: 1 } }] });
  assert.deepEqual(view.all(), { plane: { a: 1 } });
  assert.equal(view.leaveOutLinked(), true); // the picture could not be drawn
  assert.deepEqual(view.all(), {});
  assert.equal(view.leaveOutLinked(), false);
  const good = { hover: [0.5, -1], selected: [0, 3], classes: [1, "a"], color: "label", time: 4 };
  restorePage([model], { runs: [good], widgets: [{ rows: [2] }] });
  assert.deepEqual(view.all(), { rows: [2], ...good });
  view.set("rows", [3]); // turned by hand: no longer the address's
  assert.equal(leaveOutLinked(model), true);
  assert.deepEqual(view.all(), { rows: [3] });
  view.destroy();
});

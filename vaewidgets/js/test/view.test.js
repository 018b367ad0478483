/** What is turned in one widget shows in the others of its run, and Python's word counts once. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { pageName } from "../host/place.js";
import { createView, inPlaceOf, turnWidget } from "../host/view.js";

/** @param {string} run */
function widget(run) {
  /** @type {[string, any][]} */
  const told = [];
  const view = createView({}, (key, value) => told.push([key, value]));
  view.bind(run);
  return { view, told };
}

test("widgets of one run share, others do not", () => {
  const [a, b, other] = [widget("r1"), widget("r1"), widget("r2")];
  /** @type {any[]} */
  const heard = [];
  for (const key of /** @type {const} */ (["time", "span"]))
    b.view.on(key, (value) => heard.push([key, value]));
  a.view.set("time", 40);
  a.view.set("span", 2);
  assert.equal(b.view.get("time"), 40);
  assert.equal(b.view.get("span"), null);
  assert.equal(other.view.get("time"), null);
  assert.deepEqual(heard, [["time", 40]]);
  assert.deepEqual(a.told, [
    ["time", 40],
    ["span", 2],
  ]);
  assert.deepEqual(b.told, [], "only the widget that was turned tells Python");
  for (const one of [a, b, other]) one.view.destroy();
});

test("a view is drawn again when a key changes that it has read, and only then", () => {
  let changes = 0;
  const other = widget("r6").view;
  const view = createView(
    {},
    () => {},
    () => changes++,
  );
  view.bind("r6");
  other.set("hover", [0, 1]);
  assert.equal(changes, 0);
  assert.deepEqual(view.get("hover"), [0, 1]);
  other.set("hover", [0, 2]);
  other.set("time", 3);
  view.set("hover", [0, 3]);
  assert.equal(changes, 2);
  for (const one of [other, view]) one.destroy();
});

test("an unchanged value is no news", () => {
  const { view, told } = widget("r3");
  view.set("selected", [1, 2]);
  view.set("selected", [1, 2]);
  assert.equal(told.length, 1);
  view.destroy();
});

test("Python's word counts once, its echo not", () => {
  const { view, told } = widget("r4");
  view.adopt({ set: 1, values: { time: 5, span: 3 } });
  assert.equal(view.get("time"), 5);
  view.set("time", 9);
  view.adopt({ set: 1, values: { time: 5 } });
  assert.equal(view.get("time"), 9);
  view.adopt({ set: 2, values: { time: 1 } });
  assert.equal(view.get("time"), 1);
  assert.deepEqual(told, [["time", 9]]);
  view.destroy();
});

test("a late widget takes over, and forgets with the last one", () => {
  const a = widget("r5");
  a.view.set("classes", [1]);
  const late = widget("r5");
  late.view.adopt({ set: 0, values: { classes: null } });
  assert.deepEqual(late.view.get("classes"), [1]);
  a.view.destroy();
  late.view.destroy();
  assert.equal(widget("r5").view.get("classes"), null);
});

test("what was turned in another page is taken over, what was turned here is not turned back", () => {
  const { view, told } = widget("r8");
  view.set("time", 9);
  view.adopt({ set: 1, values: { time: 7, selected: [1] }, pages: { time: pageName, selected: "another" } });
  assert.equal(view.get("time"), 9);
  assert.deepEqual(view.get("selected"), [1]);
  assert.equal(told.length, 1);
  view.destroy();
});

test("a tour turns what took a widget's place, too, and the keys of that one's run", () => {
  const told = () => {};
  const saved = createView({ get: (key) => (key === "widget_id" ? "w7" : null) }, told);
  saved.bind("r7");
  const taken = createView({ get: (key) => (key === "widget_id" ? inPlaceOf("w7") : null) }, told);
  taken.bind("page-r7");
  turnWidget("w7", { span: 3, time: 12 });
  for (const view of [saved, taken]) assert.deepEqual(view.values("span", "time"), [3, 12]);
  turnWidget("w8", { span: 3 });
  for (const view of [saved, taken]) view.destroy();
});

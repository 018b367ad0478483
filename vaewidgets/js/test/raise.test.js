import assert from "node:assert/strict";
import { test } from "node:test";
import { raise } from "../raise.mjs";

test("every selector counts more, and means the same", () => {
  assert.equal(raise(".a .b,.c{x:1}"), ".a .b:not(#v#w),.c:not(#v#w){x:1}");
  assert.equal(raise('.a:is(.b,.c)[d="e,f"]{x:1;y:2}'), '.a:is(.b,.c)[d="e,f"]:not(#v#w){x:1;y:2}');
  assert.equal(raise(".a:before{x:1}"), ".a:not(#v#w):before{x:1}");
  assert.equal(raise(".a::before{}"), ".a:not(#v#w)::before{}");
  assert.equal(raise(".a:focus-visible{}"), ".a:focus-visible:not(#v#w){}");
  assert.equal(raise(".a::-webkit-slider-thumb{}"), ".a:not(#v#w)::-webkit-slider-thumb{}");
});

test("what is around rules stays, and so do moments of an animation", () => {
  assert.equal(
    raise("@media print{.a{x:1}.b{y:2}}.c{}"),
    "@media print{.a:not(#v#w){x:1}.b:not(#v#w){y:2}}.c:not(#v#w){}",
  );
  assert.equal(raise("@keyframes k{0%{x:1}to{x:2}}.a{}"), "@keyframes k{0%{x:1}to{x:2}}.a:not(#v#w){}");
  assert.equal(raise('@charset "utf-8";.a{}'), '@charset "utf-8";.a:not(#v#w){}');
});

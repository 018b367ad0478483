// Elementwise passes. Each is compiled with its own loop: `loop1` and `loop2` are inlined with a constant `op`, in functions
// that build.mjs writes from the names below: unary_abs, binary_add, …
//
// What is left after whole vectors is the last four numbers again, read before anything is written (a result may be an
// operand); fewer than four go through a slot.

import { SLOT, VECTOR, at, madd, stage, unstage } from "./room";
import { choose, erf, exp, expm1, f, log, log1p, sigmoid, sigmoidInline, softplus, tanh, truth } from "./maths";

export const enum Of1 {
  abs, affine, ceil, clamp, elu, erf, exp, expm1, floor, gelu, leaky_relu, log, log1p, log_sigmoid, logical_not, neg,
  reciprocal, relu, round, rsqrt, sigmoid, silu, softplus, sqrt, square, tanh, threshold, trunc,
}

export const enum Of2 {
  add, axpy, div, elu_backward, elu_backward_of_result, eq, ge, gelu_backward, gt, hardtanh_backward, le,
  leaky_relu_backward, log_sigmoid_backward, logical_and, logical_or, lt, max, min, mul, ne, sigmoid_backward,
  silu_backward, softplus_backward, sub, tanh_backward, threshold_backward,
}

const SQRT_HALF: f32 = 0.7071067811865476;
/** 1 / √(2π) */
const NORMAL_0: f32 = 0.3989422804014327;

// @ts-ignore: decorator
@inline function isSet(x: v128): v128 {
  return f32x4.ne(x, f(0));
}

// @ts-ignore: decorator
@inline function of1(op: Of1, x: v128, a: v128, b: v128, c: v128): v128 {
  if (op == Of1.abs) return f32x4.abs(x);
  if (op == Of1.affine) return f32x4.add(f32x4.mul(x, a), b);
  if (op == Of1.ceil) return f32x4.ceil(x);
  if (op == Of1.clamp) return f32x4.min(f32x4.max(x, a), b);
  if (op == Of1.elu) {
    const low = f32x4.mul(f32x4.mul(b, a), expm1(f32x4.mul(c, x)));
    return choose(f32x4.gt(x, f(0)), f32x4.mul(b, x), low);
  }
  if (op == Of1.erf) return erf(x);
  if (op == Of1.exp) return exp(x);
  if (op == Of1.expm1) return expm1(x);
  if (op == Of1.floor) return f32x4.floor(x);
  if (op == Of1.gelu) {
    return f32x4.mul(f32x4.mul(x, f(0.5)), f32x4.add(f(1), erf(f32x4.mul(x, f(SQRT_HALF)))));
  }
  if (op == Of1.leaky_relu) return choose(f32x4.gt(x, f(0)), x, f32x4.mul(x, a));
  if (op == Of1.log) return log(x);
  if (op == Of1.log1p) return log1p(x);
  if (op == Of1.log_sigmoid) return f32x4.neg(softplus(f32x4.neg(x)));
  if (op == Of1.logical_not) return truth(f32x4.eq(x, f(0)));
  if (op == Of1.neg) return f32x4.neg(x);
  if (op == Of1.reciprocal) return f32x4.div(f(1), x);
  if (op == Of1.relu) return choose(f32x4.lt(x, f(0)), f(0), x);
  if (op == Of1.round) return f32x4.nearest(x);
  if (op == Of1.rsqrt) return f32x4.div(f(1), f32x4.sqrt(x));
  if (op == Of1.sigmoid) return sigmoidInline(x);
  if (op == Of1.silu) return f32x4.mul(x, sigmoid(x));
  if (op == Of1.softplus) {
    const scaled = f32x4.mul(x, a);
    return choose(f32x4.gt(scaled, b), x, f32x4.div(softplus(scaled), a));
  }
  if (op == Of1.sqrt) return f32x4.sqrt(x);
  if (op == Of1.square) return f32x4.mul(x, x);
  if (op == Of1.tanh) return tanh(x);
  if (op == Of1.threshold) return choose(f32x4.le(x, a), b, x);
  return f32x4.trunc(x);
}

// @ts-ignore: decorator
@inline function of2(op: Of2, x: v128, y: v128, a: v128, b: v128, c: v128): v128 {
  if (op == Of2.add) return f32x4.add(x, y);
  if (op == Of2.axpy) return f32x4.add(x, f32x4.mul(a, y));
  if (op == Of2.div) return f32x4.div(x, y);
  if (op == Of2.elu_backward) {
    const low = f32x4.mul(f32x4.mul(f32x4.mul(b, a), c), exp(f32x4.mul(c, y)));
    return f32x4.mul(x, choose(f32x4.le(y, f(0)), low, b));
  }
  if (op == Of2.elu_backward_of_result) {
    const low = f32x4.mul(c, f32x4.add(y, f32x4.mul(b, a)));
    return f32x4.mul(x, choose(f32x4.le(y, f(0)), low, b));
  }
  if (op == Of2.eq) return truth(f32x4.eq(x, y));
  if (op == Of2.ge) return truth(f32x4.ge(x, y));
  if (op == Of2.gelu_backward) {
    const share = f32x4.mul(f(0.5), f32x4.add(f(1), erf(f32x4.mul(y, f(SQRT_HALF)))));
    const density = f32x4.mul(f(NORMAL_0), exp(f32x4.mul(f32x4.mul(y, y), f(-0.5))));
    return f32x4.mul(x, f32x4.add(share, f32x4.mul(y, density)));
  }
  if (op == Of2.gt) return truth(f32x4.gt(x, y));
  if (op == Of2.hardtanh_backward) {
    return choose(v128.or(f32x4.le(y, a), f32x4.ge(y, b)), f(0), x);
  }
  if (op == Of2.le) return truth(f32x4.le(x, y));
  if (op == Of2.leaky_relu_backward) return choose(f32x4.gt(y, f(0)), x, f32x4.mul(x, a));
  if (op == Of2.log_sigmoid_backward) return f32x4.mul(x, sigmoid(f32x4.neg(y)));
  if (op == Of2.logical_and) return truth(v128.and(isSet(x), isSet(y)));
  if (op == Of2.logical_or) return truth(v128.or(isSet(x), isSet(y)));
  if (op == Of2.lt) return truth(f32x4.lt(x, y));
  if (op == Of2.max) return f32x4.max(x, y);
  if (op == Of2.min) return f32x4.min(x, y);
  if (op == Of2.mul) return f32x4.mul(x, y);
  if (op == Of2.ne) return truth(f32x4.ne(x, y));
  if (op == Of2.sigmoid_backward) return f32x4.mul(f32x4.mul(x, f32x4.sub(f(1), y)), y);
  if (op == Of2.silu_backward) {
    const s = sigmoid(y);
    return f32x4.mul(f32x4.mul(x, s), f32x4.add(f(1), f32x4.mul(y, f32x4.sub(f(1), s))));
  }
  if (op == Of2.softplus_backward) {
    const scaled = f32x4.mul(y, a);
    return choose(f32x4.gt(scaled, b), x, f32x4.mul(x, sigmoid(scaled)));
  }
  if (op == Of2.sub) return f32x4.sub(x, y);
  if (op == Of2.tanh_backward) return f32x4.mul(x, f32x4.sub(f(1), f32x4.mul(y, y)));
  return choose(f32x4.le(y, a), f(0), x);
}

// Functions of few instructions, where a loop's own would take as long: four vectors at a time.
// @ts-ignore: decorator
@inline function isShort1(op: Of1): bool {
  return op == Of1.affine || op == Of1.neg || op == Of1.relu || op == Of1.square;
}
// @ts-ignore: decorator
@inline function isShort2(op: Of2): bool {
  return (
    op == Of2.add || op == Of2.axpy || op == Of2.div || op == Of2.max || op == Of2.mul || op == Of2.sub ||
    op == Of2.threshold_backward
  );
}

// What `begin` leaves to a loop: where its vectors are, the last four numbers of each operand, and where they go.
let left: usize = 0;
let right: usize = 0;
let target: usize = 0;
/** Where the last vector begins, in bytes from the first. */
let last: usize = 0;
/** 0 for an operand of one number: a vector that does not move. */
let leftMask: usize = 0;
let rightMask: usize = 0;

function operand(x: u32, count: i32, n: i32, slot: usize): usize {
  if (count == 1) {
    for (let i: usize = 0; i < SLOT; i += 16) v128.store(slot + i, v128.load32_splat(at(x)));
  } else if (n < 4) stage(slot, at(x), n);
  else return at(x);
  return slot;
}

function begin(out: u32, x: u32, xN: i32, y: u32, yN: i32, n: i32): void {
  left = operand(x, xN, n, 0);
  right = operand(y, yN, n, SLOT);
  leftMask = xN == 1 ? 0 : -1;
  rightMask = yN == 1 ? 0 : -1;
  target = n < 4 ? 2 * SLOT : at(out);
  last = n < 4 ? 0 : at(n - 4);
}

function end(out: u32, n: i32): void {
  if (n < 4) unstage(at(out), 2 * SLOT, n);
}

// @ts-ignore: decorator
@inline export function loop1(op: Of1, out: u32, x: u32, n: i32, a: f32, b: f32, c: f32): void {
  begin(out, x, n, x, n, n);
  const stop = last;
  const from = left;
  const to = target;
  const tail = v128.load(from + stop, 0, 4);
  let i: usize = 0;
  if (isShort1(op)) {
    for (; i + 64 <= stop; i += 64) {
      v128.store(to + i, of1(op, v128.load(from + i, 0, 4), f(a), f(b), f(c)), 0, 4);
      v128.store(to + i, of1(op, v128.load(from + i, 16, 4), f(a), f(b), f(c)), 16, 4);
      v128.store(to + i, of1(op, v128.load(from + i, 32, 4), f(a), f(b), f(c)), 32, 4);
      v128.store(to + i, of1(op, v128.load(from + i, 48, 4), f(a), f(b), f(c)), 48, 4);
    }
  }
  for (; ; i += 16) {
    let v = tail;
    if (i < stop) v = v128.load(from + i, 0, 4);
    else i = stop;
    v128.store(to + i, of1(op, v, f(a), f(b), f(c)), 0, 4);
    if (i == stop) break;
  }
  end(out, n);
}

// @ts-ignore: decorator
@inline export function loop2(
  op: Of2, out: u32, x: u32, xN: i32, y: u32, yN: i32, n: i32, a: f32, b: f32, c: f32,
): void {
  begin(out, x, xN, y, yN, n);
  const stop = last;
  const from = left;
  const other = right;
  const mask = leftMask;
  const otherMask = rightMask;
  const to = target;
  const tail = v128.load(from + (stop & mask), 0, 4);
  const otherTail = v128.load(other + (stop & otherMask), 0, 4);
  let i: usize = 0;
  if (isShort2(op)) {
    for (; i + 64 <= stop; i += 64) {
      const left = from + (i & mask);
      const right = other + (i & otherMask);
      v128.store(to + i, of2(op, v128.load(left, 0, 4), v128.load(right, 0, 4), f(a), f(b), f(c)), 0, 4);
      v128.store(to + i, of2(op, v128.load(left, 16, 4), v128.load(right, 16, 4), f(a), f(b), f(c)), 16, 4);
      v128.store(to + i, of2(op, v128.load(left, 32, 4), v128.load(right, 32, 4), f(a), f(b), f(c)), 32, 4);
      v128.store(to + i, of2(op, v128.load(left, 48, 4), v128.load(right, 48, 4), f(a), f(b), f(c)), 48, 4);
    }
  }
  for (; ; i += 16) {
    let v = tail;
    let w = otherTail;
    if (i < stop) {
      v = v128.load(from + (i & mask), 0, 4);
      w = v128.load(other + (i & otherMask), 0, 4);
    } else i = stop;
    v128.store(to + i, of2(op, v, w, f(a), f(b), f(c)), 0, 4);
    if (i == stop) break;
  }
  end(out, n);
}
// @ts-ignore: decorator
@inline function spread(x: u32, count: i32, slot: usize): usize {
  if (count != 1) return at(x);
  v128.store(slot, v128.load32_splat(at(x)));
  return slot;
}

/** a where the condition is not 0, else b; operands of n numbers or of one. */
export function select3(out: u32, condition: u32, conditionN: i32, a: u32, aN: i32, b: u32, bN: i32, n: i32): void {
  const ifSet = spread(condition, conditionN, 0);
  const yes = spread(a, aN, SLOT);
  const no = spread(b, bN, 2 * SLOT);
  const mask: usize = conditionN == 1 ? 0 : -1;
  const yesMask: usize = aN == 1 ? 0 : -1;
  const noMask: usize = bN == 1 ? 0 : -1;
  let i: usize = 0;
  for (; i + 16 <= at(n); i += 16) {
    const chosen = choose(
      isSet(v128.load(ifSet + (i & mask), 0, 4)),
      v128.load(yes + (i & yesMask), 0, 4),
      v128.load(no + (i & noMask), 0, 4),
    );
    v128.store(at(out) + i, chosen, 0, 4);
  }
  for (; i < at(n); i += 4) {
    const from = f32.load(ifSet + (i & mask)) != 0 ? yes + (i & yesMask) : no + (i & noMask);
    f32.store(at(out) + i, f32.load(from));
  }
}

/** A short operand, `times` times one after the other. */
export function repeat(x: u32, n: i32, times: i32): u32 {
  for (let i = 0; i < times; i++) memory.copy(VECTOR + at(i * n), at(x), at(n));
  return <u32>(VECTOR >> 2);
}

/** The last n bytes of n numbers become those numbers, each rounded after each operation as torch rounds. */
export function fromBytes(x: u32, n: i32, low: f32, span: f32): void {
  let out = at(x);
  let from = out + 3 * <usize>n;
  const end = from + (n & ~3);
  for (; from < end; from += 4, out += 16) {
    const whole = i32x4.extend_low_i16x8_u(i16x8.extend_low_i8x16_u(v128.load32_zero(from)));
    const share = f32x4.div(f32x4.convert_i32x4_s(whole), f(255));
    v128.store(out, f32x4.add(f32x4.mul(share, f(span)), f(low)), 0, 4);
  }
  for (; out < at(x + n); from++, out += 4) f32.store(out, (<f32>load<u8>(from) / 255) * span + low);
}

// Elementwise passes. Each is compiled with its own loop: `loop1` and `loop2` are inlined with a constant `op`.
//
// What is left after whole vectors is the last four numbers again, read before anything is written (a result may be an
// operand); fewer than four go through a slot.

import { SLOTS, VECTOR, at, madd, stage, unstage } from "./room";
import { choose, erf, exp, expm1, f, log, log1p, sigmoid, softplus, tanh, truth } from "./maths";

const enum Of1 {
  abs, affine, ceil, clamp, elu, erf, exp, expm1, floor, gelu, leaky_relu, log, log1p, log_sigmoid, logical_not, neg,
  reciprocal, relu, round, rsqrt, sigmoid, silu, softplus, sqrt, square, tanh, threshold, trunc,
}

const enum Of2 {
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
  if (op == Of1.sigmoid) return sigmoid(x);
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
  if (count == 1) v128.store(slot, v128.load32_splat(at(x)));
  else if (n < 4) stage(slot, at(x), n);
  else return at(x);
  return slot;
}

function begin(out: u32, x: u32, xN: i32, y: u32, yN: i32, n: i32): void {
  left = operand(x, xN, n, SLOTS);
  right = operand(y, yN, n, SLOTS + 16);
  leftMask = xN == 1 ? 0 : -1;
  rightMask = yN == 1 ? 0 : -1;
  target = n < 4 ? SLOTS + 32 : at(out);
  last = n < 4 ? 0 : at(n - 4);
}

function end(out: u32, n: i32): void {
  if (n < 4) unstage(at(out), SLOTS + 32, n);
}

// @ts-ignore: decorator
@inline function loop1(op: Of1, out: u32, x: u32, n: i32, a: f32, b: f32, c: f32): void {
  begin(out, x, n, x, n, n);
  const stop = last;
  const from = left;
  const to = target;
  const tail = v128.load(from + stop, 0, 4);
  for (let i: usize = 0; ; i += 16) {
    let v = tail;
    if (i < stop) v = v128.load(from + i, 0, 4);
    else i = stop;
    v128.store(to + i, of1(op, v, f(a), f(b), f(c)), 0, 4);
    if (i == stop) break;
  }
  end(out, n);
}

// @ts-ignore: decorator
@inline function loop2(
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
  for (let i: usize = 0; ; i += 16) {
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

export function unary_abs(out: u32, x: u32, n: i32, a: f32, b: f32, c: f32): void {
  loop1(Of1.abs, out, x, n, a, b, c);
}
export function unary_affine(out: u32, x: u32, n: i32, a: f32, b: f32, c: f32): void {
  loop1(Of1.affine, out, x, n, a, b, c);
}
export function unary_ceil(out: u32, x: u32, n: i32, a: f32, b: f32, c: f32): void {
  loop1(Of1.ceil, out, x, n, a, b, c);
}
export function unary_clamp(out: u32, x: u32, n: i32, a: f32, b: f32, c: f32): void {
  loop1(Of1.clamp, out, x, n, a, b, c);
}
export function unary_elu(out: u32, x: u32, n: i32, a: f32, b: f32, c: f32): void {
  loop1(Of1.elu, out, x, n, a, b, c);
}
export function unary_erf(out: u32, x: u32, n: i32, a: f32, b: f32, c: f32): void {
  loop1(Of1.erf, out, x, n, a, b, c);
}
export function unary_exp(out: u32, x: u32, n: i32, a: f32, b: f32, c: f32): void {
  loop1(Of1.exp, out, x, n, a, b, c);
}
export function unary_expm1(out: u32, x: u32, n: i32, a: f32, b: f32, c: f32): void {
  loop1(Of1.expm1, out, x, n, a, b, c);
}
export function unary_floor(out: u32, x: u32, n: i32, a: f32, b: f32, c: f32): void {
  loop1(Of1.floor, out, x, n, a, b, c);
}
export function unary_gelu(out: u32, x: u32, n: i32, a: f32, b: f32, c: f32): void {
  loop1(Of1.gelu, out, x, n, a, b, c);
}
export function unary_leaky_relu(out: u32, x: u32, n: i32, a: f32, b: f32, c: f32): void {
  loop1(Of1.leaky_relu, out, x, n, a, b, c);
}
export function unary_log(out: u32, x: u32, n: i32, a: f32, b: f32, c: f32): void {
  loop1(Of1.log, out, x, n, a, b, c);
}
export function unary_log1p(out: u32, x: u32, n: i32, a: f32, b: f32, c: f32): void {
  loop1(Of1.log1p, out, x, n, a, b, c);
}
export function unary_log_sigmoid(out: u32, x: u32, n: i32, a: f32, b: f32, c: f32): void {
  loop1(Of1.log_sigmoid, out, x, n, a, b, c);
}
export function unary_logical_not(out: u32, x: u32, n: i32, a: f32, b: f32, c: f32): void {
  loop1(Of1.logical_not, out, x, n, a, b, c);
}
export function unary_neg(out: u32, x: u32, n: i32, a: f32, b: f32, c: f32): void {
  loop1(Of1.neg, out, x, n, a, b, c);
}
export function unary_reciprocal(out: u32, x: u32, n: i32, a: f32, b: f32, c: f32): void {
  loop1(Of1.reciprocal, out, x, n, a, b, c);
}
export function unary_relu(out: u32, x: u32, n: i32, a: f32, b: f32, c: f32): void {
  loop1(Of1.relu, out, x, n, a, b, c);
}
export function unary_round(out: u32, x: u32, n: i32, a: f32, b: f32, c: f32): void {
  loop1(Of1.round, out, x, n, a, b, c);
}
export function unary_rsqrt(out: u32, x: u32, n: i32, a: f32, b: f32, c: f32): void {
  loop1(Of1.rsqrt, out, x, n, a, b, c);
}
export function unary_sigmoid(out: u32, x: u32, n: i32, a: f32, b: f32, c: f32): void {
  loop1(Of1.sigmoid, out, x, n, a, b, c);
}
export function unary_silu(out: u32, x: u32, n: i32, a: f32, b: f32, c: f32): void {
  loop1(Of1.silu, out, x, n, a, b, c);
}
export function unary_softplus(out: u32, x: u32, n: i32, a: f32, b: f32, c: f32): void {
  loop1(Of1.softplus, out, x, n, a, b, c);
}
export function unary_sqrt(out: u32, x: u32, n: i32, a: f32, b: f32, c: f32): void {
  loop1(Of1.sqrt, out, x, n, a, b, c);
}
export function unary_square(out: u32, x: u32, n: i32, a: f32, b: f32, c: f32): void {
  loop1(Of1.square, out, x, n, a, b, c);
}
export function unary_tanh(out: u32, x: u32, n: i32, a: f32, b: f32, c: f32): void {
  loop1(Of1.tanh, out, x, n, a, b, c);
}
export function unary_threshold(out: u32, x: u32, n: i32, a: f32, b: f32, c: f32): void {
  loop1(Of1.threshold, out, x, n, a, b, c);
}
export function unary_trunc(out: u32, x: u32, n: i32, a: f32, b: f32, c: f32): void {
  loop1(Of1.trunc, out, x, n, a, b, c);
}
export function binary_add(out: u32, x: u32, xN: i32, y: u32, yN: i32, n: i32, a: f32, b: f32, c: f32): void {
  loop2(Of2.add, out, x, xN, y, yN, n, a, b, c);
}
export function binary_axpy(out: u32, x: u32, xN: i32, y: u32, yN: i32, n: i32, a: f32, b: f32, c: f32): void {
  loop2(Of2.axpy, out, x, xN, y, yN, n, a, b, c);
}
export function binary_div(out: u32, x: u32, xN: i32, y: u32, yN: i32, n: i32, a: f32, b: f32, c: f32): void {
  loop2(Of2.div, out, x, xN, y, yN, n, a, b, c);
}
export function binary_elu_backward(out: u32, x: u32, xN: i32, y: u32, yN: i32, n: i32, a: f32, b: f32, c: f32): void {
  loop2(Of2.elu_backward, out, x, xN, y, yN, n, a, b, c);
}
export function binary_elu_backward_of_result(out: u32, x: u32, xN: i32, y: u32, yN: i32, n: i32, a: f32, b: f32, c: f32): void {
  loop2(Of2.elu_backward_of_result, out, x, xN, y, yN, n, a, b, c);
}
export function binary_eq(out: u32, x: u32, xN: i32, y: u32, yN: i32, n: i32, a: f32, b: f32, c: f32): void {
  loop2(Of2.eq, out, x, xN, y, yN, n, a, b, c);
}
export function binary_ge(out: u32, x: u32, xN: i32, y: u32, yN: i32, n: i32, a: f32, b: f32, c: f32): void {
  loop2(Of2.ge, out, x, xN, y, yN, n, a, b, c);
}
export function binary_gelu_backward(out: u32, x: u32, xN: i32, y: u32, yN: i32, n: i32, a: f32, b: f32, c: f32): void {
  loop2(Of2.gelu_backward, out, x, xN, y, yN, n, a, b, c);
}
export function binary_gt(out: u32, x: u32, xN: i32, y: u32, yN: i32, n: i32, a: f32, b: f32, c: f32): void {
  loop2(Of2.gt, out, x, xN, y, yN, n, a, b, c);
}
export function binary_hardtanh_backward(out: u32, x: u32, xN: i32, y: u32, yN: i32, n: i32, a: f32, b: f32, c: f32): void {
  loop2(Of2.hardtanh_backward, out, x, xN, y, yN, n, a, b, c);
}
export function binary_le(out: u32, x: u32, xN: i32, y: u32, yN: i32, n: i32, a: f32, b: f32, c: f32): void {
  loop2(Of2.le, out, x, xN, y, yN, n, a, b, c);
}
export function binary_leaky_relu_backward(out: u32, x: u32, xN: i32, y: u32, yN: i32, n: i32, a: f32, b: f32, c: f32): void {
  loop2(Of2.leaky_relu_backward, out, x, xN, y, yN, n, a, b, c);
}
export function binary_log_sigmoid_backward(out: u32, x: u32, xN: i32, y: u32, yN: i32, n: i32, a: f32, b: f32, c: f32): void {
  loop2(Of2.log_sigmoid_backward, out, x, xN, y, yN, n, a, b, c);
}
export function binary_logical_and(out: u32, x: u32, xN: i32, y: u32, yN: i32, n: i32, a: f32, b: f32, c: f32): void {
  loop2(Of2.logical_and, out, x, xN, y, yN, n, a, b, c);
}
export function binary_logical_or(out: u32, x: u32, xN: i32, y: u32, yN: i32, n: i32, a: f32, b: f32, c: f32): void {
  loop2(Of2.logical_or, out, x, xN, y, yN, n, a, b, c);
}
export function binary_lt(out: u32, x: u32, xN: i32, y: u32, yN: i32, n: i32, a: f32, b: f32, c: f32): void {
  loop2(Of2.lt, out, x, xN, y, yN, n, a, b, c);
}
export function binary_max(out: u32, x: u32, xN: i32, y: u32, yN: i32, n: i32, a: f32, b: f32, c: f32): void {
  loop2(Of2.max, out, x, xN, y, yN, n, a, b, c);
}
export function binary_min(out: u32, x: u32, xN: i32, y: u32, yN: i32, n: i32, a: f32, b: f32, c: f32): void {
  loop2(Of2.min, out, x, xN, y, yN, n, a, b, c);
}
export function binary_mul(out: u32, x: u32, xN: i32, y: u32, yN: i32, n: i32, a: f32, b: f32, c: f32): void {
  loop2(Of2.mul, out, x, xN, y, yN, n, a, b, c);
}
export function binary_ne(out: u32, x: u32, xN: i32, y: u32, yN: i32, n: i32, a: f32, b: f32, c: f32): void {
  loop2(Of2.ne, out, x, xN, y, yN, n, a, b, c);
}
export function binary_sigmoid_backward(out: u32, x: u32, xN: i32, y: u32, yN: i32, n: i32, a: f32, b: f32, c: f32): void {
  loop2(Of2.sigmoid_backward, out, x, xN, y, yN, n, a, b, c);
}
export function binary_silu_backward(out: u32, x: u32, xN: i32, y: u32, yN: i32, n: i32, a: f32, b: f32, c: f32): void {
  loop2(Of2.silu_backward, out, x, xN, y, yN, n, a, b, c);
}
export function binary_softplus_backward(out: u32, x: u32, xN: i32, y: u32, yN: i32, n: i32, a: f32, b: f32, c: f32): void {
  loop2(Of2.softplus_backward, out, x, xN, y, yN, n, a, b, c);
}
export function binary_sub(out: u32, x: u32, xN: i32, y: u32, yN: i32, n: i32, a: f32, b: f32, c: f32): void {
  loop2(Of2.sub, out, x, xN, y, yN, n, a, b, c);
}
export function binary_tanh_backward(out: u32, x: u32, xN: i32, y: u32, yN: i32, n: i32, a: f32, b: f32, c: f32): void {
  loop2(Of2.tanh_backward, out, x, xN, y, yN, n, a, b, c);
}
export function binary_threshold_backward(out: u32, x: u32, xN: i32, y: u32, yN: i32, n: i32, a: f32, b: f32, c: f32): void {
  loop2(Of2.threshold_backward, out, x, xN, y, yN, n, a, b, c);
}
// @ts-ignore: decorator
@inline function spread(x: u32, count: i32, slot: usize): usize {
  if (count != 1) return at(x);
  v128.store(slot, v128.load32_splat(at(x)));
  return slot;
}

/** a where the condition is not 0, else b; operands of n numbers or of one. */
export function select3(out: u32, condition: u32, conditionN: i32, a: u32, aN: i32, b: u32, bN: i32, n: i32): void {
  const ifSet = spread(condition, conditionN, SLOTS);
  const yes = spread(a, aN, SLOTS + 16);
  const no = spread(b, bN, SLOTS + 32);
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

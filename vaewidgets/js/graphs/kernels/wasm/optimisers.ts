// One step of an optimiser: torch's arithmetic in single precision. Four numbers at a time, what is left through slots.

import { SLOT, at, stage, unstage } from "./room";
import { f } from "./maths";

// @ts-ignore: decorator
@inline function plus(a: v128, b: v128): v128 {
  return f32x4.add(a, b);
}
// @ts-ignore: decorator
@inline function times(a: v128, b: v128): v128 {
  return f32x4.mul(a, b);
}

let kept: v128 = f32x4.splat(0);
let decay: v128 = f32x4.splat(0);
let lr: v128 = f32x4.splat(0);
let rate1: v128 = f32x4.splat(0);
let rate2: v128 = f32x4.splat(0);
let fresh2: v128 = f32x4.splat(0);
let root: v128 = f32x4.splat(0);
let eps: v128 = f32x4.splat(0);

/**
 * x, or 0 where it is next to nothing. Moments of weights with no gradient any more (pixels that are always black, dead
 * units) end as numbers below 2^-126, with which a processor takes a hundred times as long.
 */
// @ts-ignore: decorator
@inline function cut(x: v128): v128 {
  return v128.andnot(x, f32x4.lt(f32x4.abs(x), f32x4.splat(1e-36)));
}

// @ts-ignore: decorator
@inline function adam4(p: usize, g: usize, m: usize, v: usize): void {
  const value = times(v128.load(p, 0, 4), kept);
  const gradient = plus(v128.load(g, 0, 4), times(decay, value));
  const mean = v128.load(m, 0, 4);
  const first = cut(plus(mean, times(rate1, f32x4.sub(gradient, mean))));
  const second = cut(plus(times(v128.load(v, 0, 4), rate2), times(times(fresh2, gradient), gradient)));
  v128.store(m, first, 0, 4);
  v128.store(v, second, 0, 4);
  const divisor = plus(times(f32x4.sqrt(second), root), eps);
  v128.store(p, f32x4.sub(value, f32x4.div(times(lr, first), divisor)), 0, 4);
}

/** rate1: 1 − beta1; size: the learning rate over the first correction, `correction` the root of the second. */
export function adam(
  p: u32, g: u32, m: u32, v: u32, n: i32, size: f32, rate: f32, beta2: f32, fresh: f32, correction: f32, epsilon: f32,
  shrink: f32, weightDecay: f32,
): void {
  lr = f(size);
  rate1 = f(rate);
  rate2 = f(beta2);
  fresh2 = f(fresh);
  root = f(1 / correction);
  eps = f(epsilon);
  kept = f(shrink);
  decay = f(weightDecay);
  const whole = n & ~3;
  for (let i: usize = 0; i < at(whole); i += 16) adam4(at(p) + i, at(g) + i, at(m) + i, at(v) + i);
  const left = n - whole;
  if (!left) return;
  const p0 = stage(0, at(p + whole), left);
  const g0 = stage(SLOT, at(g + whole), left);
  const m0 = stage(2 * SLOT, at(m + whole), left);
  const v0 = stage(3 * SLOT, at(v + whole), left);
  adam4(p0, g0, m0, v0);
  unstage(at(p + whole), p0, left);
  unstage(at(m + whole), m0, left);
  unstage(at(v + whole), v0, left);
}

// @ts-ignore: decorator
@inline function adagrad4(p: usize, g: usize, s: usize): void {
  const value = v128.load(p, 0, 4);
  const gradient = plus(v128.load(g, 0, 4), times(decay, value));
  const total = plus(v128.load(s, 0, 4), times(gradient, gradient));
  v128.store(s, total, 0, 4);
  const divisor = plus(f32x4.sqrt(total), eps);
  v128.store(p, f32x4.sub(value, f32x4.div(times(lr, gradient), divisor)), 0, 4);
}

export function adagrad(p: u32, g: u32, s: u32, n: i32, size: f32, epsilon: f32, weightDecay: f32): void {
  lr = f(size);
  eps = f(epsilon);
  decay = f(weightDecay);
  const whole = n & ~3;
  for (let i: usize = 0; i < at(whole); i += 16) adagrad4(at(p) + i, at(g) + i, at(s) + i);
  const left = n - whole;
  if (!left) return;
  const p0 = stage(0, at(p + whole), left);
  const s0 = stage(2 * SLOT, at(s + whole), left);
  adagrad4(p0, stage(SLOT, at(g + whole), left), s0);
  unstage(at(p + whole), p0, left);
  unstage(at(s + whole), s0, left);
}

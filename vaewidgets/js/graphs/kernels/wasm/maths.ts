// Functions of four floats. exp, log and tanh: the polynomials of Cephes (Moshier 1989); erf: fitted (Chebyshev).
// Errors below 2e-7 of the result; NaN, infinities, −0 and numbers below 2^-126 as in double precision.

import { madd } from "./room";

// @ts-ignore: decorator
@inline export function f(x: f32): v128 {
  return f32x4.splat(x);
}
// @ts-ignore: decorator
@inline function times(a: v128, b: v128): v128 {
  return f32x4.mul(a, b);
}
// @ts-ignore: decorator
@inline export function choose(mask: v128, yes: v128, no: v128): v128 {
  return v128.bitselect(yes, no, mask);
}
/** 1 where the mask is set, else 0. */
// @ts-ignore: decorator
@inline export function truth(mask: v128): v128 {
  return v128.and(mask, f(1));
}

/** 1.5 · 2^23: adding it rounds to a whole number, which stands in the lowest bits. */
const ROUNDER: f32 = 12582912;

// @ts-ignore: decorator
@inline function power2(n: v128): v128 {
  return i32x4.shl(i32x4.add(n, i32x4.splat(127)), 23);
}

/** x = n ln 2 + r: what exp and expm1 begin with. exp of less than −104 is 0, of more than 89 ∞. */
// @ts-ignore: decorator
@inline function rounded(x: v128): v128 {
  return f32x4.add(times(x, f(1.44269504088896341)), f(ROUNDER));
}
// @ts-ignore: decorator
@inline function rest(x: v128, whole: v128): v128 {
  return f32x4.add(f32x4.sub(x, times(whole, f(0.693359375))), times(whole, f(2.12194440e-4)));
}
/** exp(r) − 1, |r| ≤ ln 2 / 2. */
// @ts-ignore: decorator
@inline function expm1OfRest(r: v128): v128 {
  let y = madd(f(1.9875691500e-4), r, f(1.3981999507e-3));
  y = madd(y, r, f(8.3334519073e-3));
  y = madd(y, r, f(4.1665795894e-2));
  y = madd(y, r, f(1.6666665459e-1));
  y = madd(y, r, f(5.0000001201e-1));
  return madd(y, times(r, r), r);
}
// @ts-ignore: decorator
@inline function bounded(x: v128): v128 {
  return f32x4.pmax(f32x4.pmin(x, f(89)), f(-104)); // these two keep NaN
}

// @ts-ignore: decorator
@inline export function exp(x: v128): v128 {
  x = bounded(x);
  const t = rounded(x);
  const n = i32x4.sub(t, f(ROUNDER));
  const r = rest(x, f32x4.sub(t, f(ROUNDER)));
  const half = i32x4.shr_s(n, 1); // 2^n in two steps: it may lie outside of what a float holds
  const scaled = times(f32x4.add(expm1OfRest(r), f(1)), power2(half));
  return times(scaled, power2(i32x4.sub(n, half)));
}

export function expm1(x: v128): v128 {
  const inside = f32x4.pmax(f32x4.pmin(x, f(89)), f(-25));
  const t = rounded(inside);
  const n = i32x4.sub(t, f(ROUNDER));
  const part = expm1OfRest(rest(inside, f32x4.sub(t, f(ROUNDER))));
  const half = i32x4.shr_s(n, 1);
  const low = power2(half);
  const high = power2(i32x4.sub(n, half));
  const scale = times(low, high);
  const small = f32x4.add(times(part, scale), f32x4.sub(scale, f(1)));
  const large = times(times(f32x4.add(part, f(1)), low), high);
  return choose(f32x4.eq(x, f(0)), x, choose(f32x4.gt(x, f(30)), large, small));
}

// @ts-ignore: decorator
@inline export function log(x: v128): v128 {
  const tiny = f32x4.lt(x, f(1.1754943508222875e-38));
  const scaled = choose(tiny, times(x, f(8388608)), x);
  const bits = i32x4.sub(scaled, i32x4.splat(0x3f3504f3)); // of √½: m lies between √½ and √2
  const whole = i32x4.shr_s(bits, 23);
  const m = f32x4.sub(i32x4.sub(scaled, i32x4.shl(whole, 23)), f(1));
  const e = f32x4.sub(f32x4.convert_i32x4_s(whole), v128.and(tiny, f(23)));
  let y = madd(f(7.0376836292e-2), m, f(-1.1514610310e-1));
  y = madd(y, m, f(1.1676998740e-1));
  y = madd(y, m, f(-1.2420140846e-1));
  y = madd(y, m, f(1.4249322787e-1));
  y = madd(y, m, f(-1.6668057665e-1));
  y = madd(y, m, f(2.0000714765e-1));
  y = madd(y, m, f(-2.4999993993e-1));
  y = madd(y, m, f(3.3333331174e-1));
  const square = times(m, m);
  y = times(times(y, m), square);
  y = f32x4.add(y, times(e, f(-2.12194440e-4)));
  y = f32x4.sub(y, times(square, f(0.5)));
  y = f32x4.add(f32x4.add(m, y), times(e, f(0.693359375)));
  const special = choose(f32x4.lt(x, f(0)), f(NaN), choose(f32x4.eq(x, f(0)), f(-Infinity), x));
  return choose(v128.and(f32x4.gt(x, f(0)), f32x4.lt(x, f(Infinity))), y, special);
}

/** log of u = 1 + x, and what rounding took from u. */
// @ts-ignore: decorator
@inline export function log1p(x: v128): v128 {
  const u = f32x4.add(x, f(1));
  const lost = choose(
    f32x4.gt(x, f(1)),
    f32x4.sub(f(1), f32x4.sub(u, x)),
    f32x4.sub(x, f32x4.sub(u, f(1))),
  );
  const finite = v128.and(f32x4.gt(x, f(-1)), f32x4.lt(x, f(Infinity)));
  const y = f32x4.add(log(u), v128.and(f32x4.div(lost, u), finite));
  return choose(f32x4.eq(x, f(0)), x, y);
}

// @ts-ignore: decorator
@inline function signOf(x: v128): v128 {
  return v128.and(x, i32x4.splat(0x80000000));
}

export function tanh(x: v128): v128 {
  const z = times(x, x);
  let y = madd(f(-5.70498872745e-3), z, f(2.06390887954e-2));
  y = madd(y, z, f(-5.37397155531e-2));
  y = madd(y, z, f(1.33314422036e-1));
  y = madd(y, z, f(-3.33332819422e-1));
  y = madd(times(y, z), x, x);
  const size = f32x4.abs(x);
  const e = exp(f32x4.add(size, size));
  const large = f32x4.sub(f(1), f32x4.div(f(2), f32x4.add(e, f(1))));
  return v128.or(choose(f32x4.lt(size, f(0.625)), y, large), signOf(x));
}

/** For a loop of its own, where a call would take as long. */
// @ts-ignore: decorator
@inline export function sigmoidInline(x: v128): v128 {
  const e = exp(v128.or(x, i32x4.splat(0x80000000)));
  const top = choose(f32x4.lt(x, f(0)), e, f(1));
  return f32x4.div(top, f32x4.add(e, f(1)));
}

export function sigmoid(x: v128): v128 {
  return sigmoidInline(x);
}

/** log(1 + exp(x)). */
export function softplus(x: v128): v128 {
  const e = exp(v128.or(x, i32x4.splat(0x80000000)));
  return f32x4.add(f32x4.max(x, f(0)), log1p(e));
}

export function erf(x: v128): v128 {
  const z = times(x, x);
  let y = madd(f(8.185090724383424e-5), z, f(-8.097702714269554e-4));
  y = madd(y, z, f(5.196952019948608e-3));
  y = madd(y, z, f(-2.685770506997728e-2));
  y = madd(y, z, f(1.1283663997639329e-1));
  y = madd(y, z, f(-3.761263161341199e-1));
  y = madd(y, z, f(1.2837916640848612e-1));
  y = madd(y, x, x);
  const size = f32x4.abs(x);
  const t = f32x4.pmin(size, f(4)); // log erfc, from 0.95 on; at 4 it is 1 in single precision
  let q = madd(f(-2.149611577617198e-05), t, f(0.00043910639574564733));
  q = madd(q, t, f(-0.004193611186340716));
  q = madd(q, t, f(0.025178968037702875));
  q = madd(q, t, f(-0.10837247891538242));
  q = madd(q, t, f(-0.633262611925813));
  q = madd(q, t, f(-1.129556830511568));
  q = madd(q, t, f(0.00018344417039184435));
  const large = f32x4.sub(f(1), exp(q));
  return v128.or(choose(f32x4.lt(size, f(0.95)), y, large), signOf(x));
}

// Convolutions as products: columns of what the kernel sees, and back (patches.js has the same in JS).

import { at } from "./room";

/** ⌈a / b⌉ of b > 0, between 0 and `most`. */
function places(a: i32, b: i32, most: i32): i32 {
  return a <= 0 ? 0 : min((a + b - 1) / b, most);
}

// @ts-ignore: decorator
@inline function gather(to: usize, from: usize, count: i32, step: i32): void {
  if (step == 1) {
    memory.copy(to, from, at(count));
    return;
  }
  for (let i = 0; i < count; i++) f32.store(to + at(i), f32.load(from + at(i * step)));
}

// @ts-ignore: decorator
@inline function scatter(from: usize, to: usize, count: i32, step: i32): void {
  let i = 0;
  if (step == 1) {
    for (; i + 4 <= count; i += 4) {
      v128.store(to + at(i), f32x4.add(v128.load(to + at(i), 0, 4), v128.load(from + at(i), 0, 4)), 0, 4);
    }
  }
  for (; i < count; i++) {
    const there = to + at(i * step);
    f32.store(there, f32.load(there) + f32.load(from + at(i)));
  }
}

// @ts-ignore: decorator
@inline function each(
  back: bool, x: u32, columns: u32, row: i32, channels: i32, height: i32, width: i32, kernelY: i32, kernelX: i32,
  strideY: i32, strideX: i32, padY: i32, padX: i32, dilationY: i32, dilationX: i32, outHeight: i32, outWidth: i32,
): void {
  for (let channel = 0; channel < channels; channel++) {
    for (let ky = 0; ky < kernelY; ky++) {
      for (let kx = 0; kx < kernelX; kx++, columns += row) {
        const left = kx * dilationX - padX;
        const first = places(-left, strideX, outWidth);
        const last = max(places(width - left, strideX, outWidth), first);
        for (let oy = 0; oy < outHeight; oy++) {
          const y = oy * strideY + ky * dilationY - padY;
          const line = at(columns + oy * outWidth);
          const count = y >= 0 && y < height ? last - first : 0;
          const from = at(x + (channel * height + y) * width + left + first * strideX);
          if (!back && count < outWidth) memory.fill(line, 0, at(outWidth));
          if (!count) continue;
          if (back) scatter(line + at(first), from, count, strideX);
          else gather(line + at(first), from, count, strideX);
        }
      }
    }
  }
}

export function im2col(
  x: u32, columns: u32, row: i32, channels: i32, height: i32, width: i32, kernelY: i32, kernelX: i32, strideY: i32,
  strideX: i32, padY: i32, padX: i32, dilationY: i32, dilationX: i32, outHeight: i32, outWidth: i32,
): void {
  each(
    false, x, columns, row, channels, height, width, kernelY, kernelX, strideY, strideX, padY, padX, dilationY,
    dilationX, outHeight, outWidth,
  );
}

export function col2im(
  x: u32, columns: u32, row: i32, channels: i32, height: i32, width: i32, kernelY: i32, kernelX: i32, strideY: i32,
  strideX: i32, padY: i32, padX: i32, dilationY: i32, dilationX: i32, outHeight: i32, outWidth: i32,
): void {
  each(
    true, x, columns, row, channels, height, width, kernelY, kernelX, strideY, strideX, padY, padX, dilationY,
    dilationX, outHeight, outWidth,
  );
}

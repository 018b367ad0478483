/** Convolutions as products: what the kernel sees at each place, as one column of a matrix, and back. No DOM. */

/**
 * Calls `visit` for each stretch of a row that lies in the image: `count` columns from `column` on, which read the image
 * from `at` on in steps of the stride; what lies outside is the rest of `outWidth` columns.
 * @param {import("./index.js").Patches} patches
 * @param {(at: number, column: number, count: number, line: number) => void} visit
 *   line: where the row's outWidth columns start; count may be 0
 */
function eachStretch(patches, visit) {
  const { x, columns, channels, height, width, kernel, stride, padding, dilation } = patches;
  const { outHeight, outWidth, row = outHeight * outWidth } = patches;
  let line = columns;
  for (let channel = 0; channel < channels; channel++) {
    for (let ky = 0; ky < kernel[0]; ky++) {
      for (let kx = 0; kx < kernel[1]; kx++, line += row) {
        const left = kx * dilation[1] - padding[1]; // of the place of the first column
        const first = Math.min(Math.max(Math.ceil(-left / stride[1]), 0), outWidth);
        const last = Math.max(Math.min(Math.ceil((width - left) / stride[1]), outWidth), first);
        for (let oy = 0; oy < outHeight; oy++) {
          const y = oy * stride[0] + ky * dilation[0] - padding[0];
          const inside = y >= 0 && y < height;
          const at = x + (channel * height + y) * width + left + first * stride[1];
          visit(at, first, inside ? last - first : 0, line + oy * outWidth);
        }
      }
    }
  }
}

/** @param {Float32Array} f32 @param {import("./index.js").Patches} patches */
export function im2col(f32, patches) {
  const { outWidth, stride } = patches;
  const step = stride[1];
  eachStretch(patches, (at, column, count, line) => {
    const to = line + column;
    if (count < outWidth) f32.fill(0, line, line + outWidth);
    for (let i = 0; i < count; i++) f32[to + i] = f32[at + i * step];
  });
}

/** @param {Float32Array} f32 @param {import("./index.js").Patches} patches */
export function col2im(f32, patches) {
  const step = patches.stride[1];
  eachStretch(patches, (at, column, count, line) => {
    const from = line + column;
    for (let i = 0; i < count; i++) f32[at + i * step] += f32[from + i];
  });
}

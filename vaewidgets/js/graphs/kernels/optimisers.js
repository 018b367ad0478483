/** One step of an optimiser over n numbers: torch's arithmetic, number by number. No DOM. */

/**
 * The learning rate over the first moment's correction for having begun at 0, and the root of the second's.
 * @param {number} lr @param {number} beta1 @param {number} beta2 @param {number} step
 */
export const corrections = (lr, beta1, beta2, step) => [
  lr / (1 - beta1 ** step),
  Math.sqrt(1 - beta2 ** step),
];

/** Moments nearer to 0 become 0: those below 2^-126 would slow down all that reads them. */
const NOTHING = 1e-36;

/** @param {Float32Array} f32 @param {import("./index.js").Adam} update */
export function adam(
  f32,
  { p, g, m, v, n, lr, beta1, beta2, eps, weightDecay = 0, decoupled = false, step },
) {
  const [size, root] = corrections(lr, beta1, beta2, step);
  const kept = decoupled ? 1 - lr * weightDecay : 1;
  const decay = decoupled ? 0 : weightDecay;
  for (let i = 0; i < n; i++) {
    const value = f32[p + i] * kept;
    const gradient = f32[g + i] + decay * value;
    const first = f32[m + i] + (1 - beta1) * (gradient - f32[m + i]);
    const second = f32[v + i] * beta2 + (1 - beta2) * gradient * gradient;
    f32[m + i] = Math.abs(first) < NOTHING ? 0 : first;
    f32[v + i] = second < NOTHING ? 0 : second;
    f32[p + i] = value - (size * first) / (Math.sqrt(second) / root + eps);
  }
}

/**
 * Of other kernels, so the same for all sets.
 * @param {import("./index.js").Kernels} kernels
 * @param {import("./index.js").Room} memory
 * @param {import("./index.js").Sgd} update
 */
export function sgd({ axpy, copy, unary }, memory, update) {
  const { p, g, buffer = 0, n, lr, momentum = 0, dampening = 0, nesterov, weightDecay = 0, step } = update;
  let gradient = g;
  const room = weightDecay !== 0 || (momentum !== 0 && nesterov) ? memory.scratch(n) : 0;
  if (weightDecay !== 0) {
    gradient = room;
    axpy(gradient, g, p, weightDecay, n);
  }
  if (momentum !== 0) {
    if (step === 1) copy(buffer, gradient, n);
    else {
      unary("affine", buffer, buffer, n, momentum, 0);
      axpy(buffer, buffer, gradient, 1 - dampening, n);
    }
    if (nesterov) axpy(room, gradient, buffer, momentum, n);
    gradient = nesterov ? room : buffer;
  }
  axpy(p, p, gradient, -lr, n);
}

/** @param {Float32Array} f32 @param {import("./index.js").Adagrad} update */
export function adagrad(f32, { p, g, sum, n, lr, lrDecay = 0, eps, weightDecay = 0, step }) {
  const size = lr / (1 + (step - 1) * lrDecay);
  for (let i = 0; i < n; i++) {
    const gradient = f32[g + i] + weightDecay * f32[p + i];
    const total = f32[sum + i] + gradient * gradient;
    f32[sum + i] = total;
    f32[p + i] -= (size * gradient) / (Math.sqrt(total) + eps);
  }
}

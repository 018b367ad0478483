/** One step of an optimiser over n numbers: torch's arithmetic, number by number. No DOM. */

/** @param {Float32Array} f32 @param {import("./index.js").Adam} update */
export function adam(
  f32,
  { p, g, m, v, n, lr, beta1, beta2, eps, weightDecay = 0, decoupled = false, step },
) {
  const size = lr / (1 - beta1 ** step);
  const root = Math.sqrt(1 - beta2 ** step);
  const kept = decoupled ? 1 - lr * weightDecay : 1;
  const decay = decoupled ? 0 : weightDecay;
  for (let i = 0; i < n; i++) {
    const value = f32[p + i] * kept;
    const gradient = f32[g + i] + decay * value;
    const first = f32[m + i] + (1 - beta1) * (gradient - f32[m + i]);
    const second = f32[v + i] * beta2 + (1 - beta2) * gradient * gradient;
    f32[m + i] = first;
    f32[v + i] = second;
    f32[p + i] = value - (size * first) / (Math.sqrt(second) / root + eps);
  }
}

/** @param {Float32Array} f32 @param {import("./index.js").Sgd} update */
export function sgd(
  f32,
  { p, g, buffer = 0, n, lr, momentum = 0, dampening = 0, nesterov = false, weightDecay = 0, step },
) {
  for (let i = 0; i < n; i++) {
    let gradient = f32[g + i] + weightDecay * f32[p + i];
    if (momentum !== 0) {
      const mean = step === 1 ? gradient : momentum * f32[buffer + i] + (1 - dampening) * gradient;
      f32[buffer + i] = mean;
      gradient = nesterov ? gradient + momentum * mean : mean;
    }
    f32[p + i] -= lr * gradient;
  }
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

/** Gradients of elementwise functions by name, for pages that train. No DOM. */
import { erfc, sigmoid, softplus } from "../../maths/special.js";
import { geluInner, SQRT_2_PI } from "./functions.js";

const NORMAL_0 = 1 / Math.sqrt(2 * Math.PI);

/**
 * Of the result first, then what torch's functions of the same names take.
 * @type {typeof import("./functions.js").BINARY}
 */
export const GRADIENTS = {
  elu_backward: (g, x, alpha, scale, inputScale) =>
    x <= 0 ? g * scale * alpha * inputScale * Math.exp(inputScale * x) : g * scale,
  elu_backward_of_result: (g, y, alpha, scale, inputScale) =>
    y <= 0 ? g * inputScale * (y + scale * alpha) : g * scale,
  gelu_backward: (g, x) =>
    g * (0.5 * erfc(-x / Math.SQRT2) + (x === 0 ? 0 : x * NORMAL_0 * Math.exp((-x * x) / 2))),
  gelu_tanh_backward: (g, x) => {
    const t = geluInner(x);
    return g * (0.5 * (1 + t) + 0.5 * x * (1 - t * t) * SQRT_2_PI * (1 + 3 * 0.044715 * x * x));
  },
  hardsigmoid_backward: (g, x) => (x > -3 && x < 3 ? g / 6 : 0),
  hardswish_backward: (g, x) => (x < -3 ? 0 : x <= 3 ? g * (x / 3 + 0.5) : g),
  hardtanh_backward: (g, x, lo, hi) => (x <= lo || x >= hi ? 0 : g),
  leaky_relu_backward: (g, x, slope) => (x > 0 ? g : g * slope),
  log_sigmoid_backward: (g, x) => g * sigmoid(-x),
  mish_backward: (g, x) => {
    const t = Math.tanh(softplus(x));
    return g * (t + x * sigmoid(x) * (1 - t * t));
  },
  sigmoid_backward: (g, y) => g * (1 - y) * y,
  silu_backward: (g, x) => g * sigmoid(x) * (1 + x * sigmoid(-x)),
  softplus_backward: (g, x, beta, threshold) => (x * beta > threshold ? g : g * sigmoid(x * beta)),
  softshrink_backward: (g, x, lambda) => (x >= -lambda && x <= lambda ? 0 : g),
  tanh_backward: (g, y) => g * (1 - y * y),
  threshold_backward: (g, x, threshold) => (x <= threshold ? 0 : g),
};

/** Quantiles of the standard normal distribution and reproducible draws from it. No DOM. */

/** Coefficients of Wichura's algorithm AS 241 (PPND16), lowest power first: near the middle, tails, far tails. */
const MIDDLE = [
  [
    3.3871328727963665, 133.14166789178438, 1971.5909503065513, 13731.69376550946, 45921.95393154987,
    67265.7709270087, 33430.57558358813, 2509.0809287301227,
  ],
  [
    1, 42.31333070160091, 687.1870074920579, 5394.196021424751, 21213.794301586597, 39307.89580009271,
    28729.085735721943, 5226.495278852546,
  ],
];
const TAIL = [
  [
    1.4234371107496835, 4.630337846156546, 5.769497221460691, 3.6478483247632045, 1.2704582524523684,
    0.2417807251774506, 0.022723844989269184, 0.0007745450142783414,
  ],
  [
    1, 2.053191626637759, 1.6763848301838038, 0.6897673349851, 0.14810397642748008, 0.015198666563616457,
    0.0005475938084995345, 1.0507500716444169e-9,
  ],
];
const FAR = [
  [
    6.657904643501103, 5.463784911164114, 1.7848265399172913, 0.29656057182850487, 0.026532189526576124,
    0.0012426609473880784, 2.7115555687434876e-5, 2.0103343992922881e-7,
  ],
  [
    1, 0.599832206555888, 0.1369298809227358, 0.014875361290850615, 0.0007868691311456133,
    1.8463183175100548e-5, 1.421511758316446e-7, 2.0442631033899397e-15,
  ],
];

/** @param {number[][]} ratio @param {number} x */
function rational([above, below], x) {
  let p = 0;
  let q = 0;
  for (let i = above.length - 1; i >= 0; i--) {
    p = p * x + above[i];
    q = q * x + below[i];
  }
  return p / q;
}

/**
 * The value below which a share `p` of N(0, 1) lies, to about 1e-15 (Wichura 1988, Applied Statistics 37, AS 241).
 * @param {number} p 0…1; the ends give ∓∞
 */
export function normalQuantile(p) {
  if (!(p >= 0 && p <= 1)) return Number.NaN;
  if (p === 0) return Number.NEGATIVE_INFINITY;
  if (p === 1) return Number.POSITIVE_INFINITY;
  const q = p - 0.5;
  if (Math.abs(q) <= 0.425) return q * rational(MIDDLE, 0.180625 - q * q);
  const r = Math.sqrt(-Math.log(q < 0 ? p : 1 - p));
  const x = r <= 5 ? rational(TAIL, r - 1.6) : rational(FAR, r - 5);
  return q < 0 ? -x : x;
}

/**
 * Uniform draws in (0, 1): mulberry32 (T. Ettinger), 32 bits of state, the same numbers as in contract/random.py.
 * @param {number} seed a whole number
 * @returns {() => number}
 */
export function uniforms(seed) {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = state;
    t = Math.imul(t ^ (t >>> 15), t | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return (((t ^ (t >>> 14)) >>> 0) + 0.5) / 4294967296;
  };
}

/**
 * The seed of one of many streams: neighbours must not start near each other, since mulberry32 steps through its
 * states in one fixed stride.
 * @param {number} seed @param {number} stream
 */
export function streamSeed(seed, stream) {
  let x = (Math.imul(seed | 0, 0x9e3779b1) + Math.imul(stream | 0, 0x85ebca6b)) | 0;
  x = Math.imul(x ^ (x >>> 16), 0x21f0aaad);
  x = Math.imul(x ^ (x >>> 15), 0x735a2d97);
  return (x ^ (x >>> 15)) >>> 0;
}

/**
 * Independent draws from N(0, 1) (Box & Muller 1958). The first numbers are the same whatever `n` is, so that models
 * with other latent dimensions are shown the same draw as far as it goes.
 * @param {number} n
 * @param {number} seed
 * @param {number} [stream] which of the draws that a seed stands for
 * @returns {Float32Array}
 */
export function normals(n, seed, stream = 0) {
  const next = uniforms(streamSeed(seed, stream));
  const out = new Float32Array(n);
  for (let i = 0; i < n; i += 2) {
    const radius = Math.sqrt(-2 * Math.log(next()));
    const angle = 2 * Math.PI * next();
    out[i] = radius * Math.cos(angle);
    if (i + 1 < n) out[i + 1] = radius * Math.sin(angle);
  }
  return out;
}

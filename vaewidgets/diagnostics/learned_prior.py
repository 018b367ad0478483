"""The aggregate posterior against the prior, its holes, and a prior that is fitted to the codes.

`js/widgets/learned_prior/codes.js` and `mixture.js` compute the same from the same random numbers.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from vaewidgets.checks import whole
from vaewidgets.contract.random import normals, stream_seed, uniforms
from vaewidgets.errors import DataError, ProtocolError, ShapeError

Array = NDArray[np.float64]

FEWEST_CODES = 8
MOST_CODES = 1000
PRIOR_DRAWS = 500
MOST_COMPONENTS = 40
HELD_EVERY = 4  # every fourth code is held out
RARE = 0.01  # share of the codes that lie where they are least likely
SMOOTHING = (0.0, 0.1, 0.2, 0.3, 0.5, 0.8)
SMOOTHING_CODES = 250  # by which one of these is chosen
CODE_SEED = 1_000_003
MOST_FULL = 32  # dimensions of full covariances; of more they are diagonal
_STRENGTH = 0.5  # of the prior on a covariance, in codes
_LOG_VARIANCE = (-27.0, 20.0)
_COMPONENT_STREAMS = 1 << 20  # above those of eps
_LOG_2PI = math.log(2 * math.pi)
_BLOCK = 1 << 18  # densities held at a time


@dataclass(frozen=True, repr=False, eq=False)
class PriorCodes:
    """Posteriors of n images, and one draw of each.

    Attributes
    ----------
    mu, variance, z : ndarray, shape (n, latent_dim)
    images : ndarray of int, shape (n,)
        Of which images.
    """

    mu: Array
    variance: Array
    z: Array
    images: NDArray[np.int64]

    def __len__(self) -> int:
        return len(self.mu)

    def __repr__(self) -> str:
        return f"PriorCodes({len(self)} posteriors of {self.mu.shape[1]} dimensions)"

    @property
    def is_held(self) -> NDArray[np.bool_]:
        """Which codes no prior is fitted to, shape (n,)."""
        return np.arange(len(self)) % HELD_EVERY == HELD_EVERY - 1


def prior_codes(mu: object, logvar: object) -> PriorCodes:
    """Draw a code of each image, of the first 1,000 whose posterior is finite.

    Parameters
    ----------
    mu, logvar : array, shape (n, latent_dim)

    Raises
    ------
    ProtocolError
        If `logvar` is None.
    ShapeError
        If they are not two of one shape (n, latent_dim).
    DataError
        If fewer than 8 are finite.
    """
    if logvar is None:
        raise ProtocolError(
            "logvar is None: a code without noise has no density, so there is no aggregate posterior to "
            "compare with a prior. Give a VAE's mu and logvar."
        )
    mean, log = np.asarray(mu, np.float64), np.asarray(logvar, np.float64)
    if mean.ndim != 2 or mean.shape != log.shape:
        raise ShapeError(f"mu and logvar are {mean.shape} and {log.shape}; expected (n, latent_dim) twice.")
    known = np.flatnonzero(np.isfinite(mean).all(1) & np.isfinite(log).all(1))[:MOST_CODES]
    if len(known) < FEWEST_CODES:
        raise DataError(f"{len(known)} images have finite codes; expected at least {FEWEST_CODES}.")
    mean, variance = mean[known], np.exp(np.clip(log[known], *_LOG_VARIANCE))
    eps = np.stack([normals(mean.shape[1], CODE_SEED, i) for i in range(len(mean))])
    return PriorCodes(mean, variance, mean + np.sqrt(variance) * eps, known)


@dataclass(frozen=True)
class Holes:
    """How the aggregate posterior q(z) of n images differs from N(0, I).

    Attributes
    ----------
    kl : float
        KL(q(z) || N(0, I)) in nats, q(z) being the mixture of the n posteriors.
    is_upper : bool
        Whether n images are too few to tell: their posteriors hardly overlap, and of more images `kl` may be
        less.
    threshold : float
        Log density below which the least likely per cent of the codes lie.
    smoothing : float
        Width by which each posterior is widened, as a share of the spread of the means: n images stand for
        all. The one under which codes are most likely when their own posterior is left out.
    expected : float
        Share of draws below `threshold` if q(z) were the distribution that they are drawn from.
    error : float
        Standard deviation of that share over draws and codes.
    """

    kl: float
    is_upper: bool
    threshold: float
    smoothing: float
    expected: float
    error: float

    def are_found(self, share: float) -> bool:
        """Whether so large a share of draws in holes is more than chance."""
        return share > self.expected + 4 * self.error


def find_holes(codes: PriorCodes) -> Holes:
    """Measure q(z) against N(0, I), and how low its density is where codes are least likely.

    Each code is judged without its own posterior, as draws from a prior are: in any number of dimensions and
    with few codes, draws from q(z) itself then fall into "holes" as rarely as codes do.

    References
    ----------
    Hoffman & Johnson 2016, "ELBO surgery"; Rosca, Lakshminarayanan & Mohamed 2018, arXiv:1802.06847.
    """
    n, z = len(codes), codes.z
    few = np.arange(0, n, max(1, n // SMOOTHING_CODES))
    scores = [log_aggregate(codes, z[few], width, leave_out=few).mean() for width in SMOOTHING]
    smoothing = SMOOTHING[int(np.argmax(scores))]
    left_out = log_aggregate(codes, z, smoothing, leave_out=np.arange(n))
    rank = max(1, math.floor(RARE * n))
    log_q = log_aggregate(codes, z)
    own = _log_normal(z - codes.mu, codes.variance)
    return Holes(
        kl=float((log_q - _log_normal(z)).mean()),
        is_upper=float((own - log_q).mean()) > math.log(n) - 1,
        threshold=float(np.sort(left_out)[rank - 1]),
        smoothing=smoothing,
        expected=rank / (n + 1),
        error=math.sqrt(rank / n / PRIOR_DRAWS + rank / n**2),
    )


def log_aggregate(
    codes: PriorCodes, z: Array, smoothing: float = 0.0, *, leave_out: NDArray[np.int64] | None = None
) -> Array:
    """Log density of the aggregate posterior at points (m, latent_dim), shape (m,).

    `leave_out`, shape (m,): an image whose posterior is left out, for each point.
    """
    variance = codes.variance + smoothing**2 * codes.mu.var(0)
    precision, constant = 1 / variance, -0.5 * (np.log(variance) + _LOG_2PI).sum(1)
    rows = max(1, _BLOCK // len(codes))
    parts = []
    for start in range(0, len(z), rows):
        part = z[start : start + rows]
        log = np.repeat(constant[None], len(part), 0)
        for j in range(z.shape[1]):
            away = part[:, j, None] - codes.mu[:, j]
            log -= 0.5 * away * away * precision[:, j]
        if leave_out is not None:
            log[np.arange(len(part)), leave_out[start : start + rows]] = -math.inf
        parts.append(_log_sum(log))
    return np.concatenate(parts) - math.log(len(codes) - (leave_out is not None))


@dataclass(frozen=True, repr=False, eq=False)
class GaussianMixture:
    """A prior fitted to codes: Σ_k weights_k N(means_k, covariances_k).

    Attributes
    ----------
    weights : ndarray, shape (k,)
    means : ndarray, shape (k, latent_dim)
    covariances : ndarray, shape (k, latent_dim, latent_dim)
    log_likelihood : tuple of float
        Mean log density of the held-out codes, in nats: at the start and after each step of EM.
    normal_log_likelihood : float
        The same under N(0, I).
    """

    weights: Array
    means: Array
    covariances: Array
    log_likelihood: tuple[float, ...]
    normal_log_likelihood: float

    def __repr__(self) -> str:
        return (
            f"GaussianMixture({len(self.weights)} components, {len(self.log_likelihood) - 1} steps of EM; "
            f"held-out codes {self.log_likelihood[-1]:.4g} nats, under N(0, I) "
            f"{self.normal_log_likelihood:.4g})"
        )

    @property
    def gain(self) -> float:
        """Nats per held-out code that it gains on N(0, I): by so much the KL of the ELBO falls."""
        return self.log_likelihood[-1] - self.normal_log_likelihood

    def log_density(self, z: Array) -> Array:
        """Log density at points (m, latent_dim), shape (m,)."""
        return _log_sum(_log_joint(self.weights, self.means, self.covariances, z))

    def draws(self, count: int, seed: int = 0) -> Array:
        """Draw points, shape (count, latent_dim), from the same eps as `normal_draws`."""
        ends = np.cumsum(self.weights)
        roots = np.linalg.cholesky(self.covariances)
        eps = normal_draws(count, self.means.shape[1], seed)
        chosen = [_component(ends, seed, i) for i in range(count)]
        return np.stack([self.means[k] + roots[k] @ e for k, e in zip(chosen, eps, strict=True)])


def normal_draws(count: int, latent_dim: int, seed: int = 0) -> Array:
    """Draws from N(0, I), shape (count, latent_dim), as the page makes them."""
    return np.stack([normals(latent_dim, seed, i) for i in range(count)]).astype(np.float64)


def _component(ends: Array, seed: int, stream: int) -> int:
    uniform = uniforms(stream_seed(seed, stream + _COMPONENT_STREAMS), 1)[0]
    return min(int(np.searchsorted(ends, uniform * ends[-1], side="right")), len(ends) - 1)


def fit_prior(codes: PriorCodes, *, components: int = 20, steps: int = 40) -> GaussianMixture:
    """Fit a mixture of Gaussians to three quarters of the codes by expectation and maximisation.

    The data of EM are the posteriors, not draws of them: a responsibility belongs to an image, and its
    posterior's variance goes into the covariances, which keeps them from shrinking onto single codes. A weak
    prior draws each covariance to a share of the spread of all codes. Nothing is random.

    Parameters
    ----------
    codes : PriorCodes
    components : int
        Gaussians, from 1; at most as many as there are codes to fit. Their covariances are full up to 32
        latent dimensions, else diagonal.
    steps : int
        Of EM, from 0.

    References
    ----------
    Dempster, Laird & Rubin 1977; Vasconcelos & Lippman 1998 (EM over Gaussians); Tomczak & Welling 2018,
    arXiv:1705.07120 (a mixture as the prior of a VAE).
    """
    components = whole("components", components, 1, MOST_COMPONENTS)
    steps = whole("steps", steps, 0)
    held = codes.is_held
    mu, variance, z = codes.mu[~held], codes.variance[~held], codes.z[held]
    n, d = mu.shape
    components = min(components, n)
    spread = np.diag((mu.var(0) + variance.mean(0)) / components ** (2 / d))
    weights = np.full(components, 1 / components)
    means = mu[np.arange(components) * n // components]
    covariances = np.repeat(spread[None], components, 0)
    reached = [_log_sum(_log_joint(weights, means, covariances, z)).mean()]
    for _ in range(steps):
        joint = _log_joint(weights, means, covariances, mu, variance)
        share = np.exp(joint - _log_sum(joint)[:, None])
        counts = share.sum(0)
        weights = (counts + 1) / (n + components)
        means = (share.T @ mu + _STRENGTH * means) / (counts + _STRENGTH)[:, None]
        covariances = np.stack(
            [
                _covariance(share[:, k], mu - means[k], variance, spread) / (counts[k] + _STRENGTH)
                for k in range(components)
            ]
        )
        reached.append(_log_sum(_log_joint(weights, means, covariances, z)).mean())
    return GaussianMixture(
        weights, means, covariances, tuple(map(float, reached)), float(_log_normal(z).mean())
    )


def _covariance(share: Array, away: Array, variance: Array, spread: Array) -> Array:
    full = (share[:, None] * away).T @ away + np.diag(share @ variance) + _STRENGTH * spread
    return full if away.shape[1] <= MOST_FULL else np.diag(np.diag(full))


def _log_joint(
    weights: Array, means: Array, covariances: Array, x: Array, variance: Array | None = None
) -> Array:
    """Log of weight times density of each component, shape (n, k).

    With `variance` the mean of that log over N(x, variance).
    """
    joint = np.empty((len(x), len(weights)))
    for k, (weight, mean) in enumerate(zip(weights, means, strict=True)):
        root = np.linalg.cholesky(covariances[k])
        white = np.linalg.inv(root)
        square = np.square((x - mean) @ white.T).sum(1)
        if variance is not None:
            square += variance @ np.square(white).sum(0)
        log_root = np.log(np.diag(root)).sum()
        joint[:, k] = math.log(weight) - 0.5 * (square + len(mean) * _LOG_2PI) - log_root
    return joint


def _log_normal(x: Array, variance: Array | float = 1.0) -> Array:
    return -0.5 * (x * x / variance + np.log(variance) + _LOG_2PI).sum(1)


def _log_sum(log: Array) -> Array:
    """Log of the sum of exponentials over the last axis."""
    top = log.max(1, keepdims=True)
    total: Array = np.log(np.exp(log - top).sum(1)) + top[:, 0]
    return total

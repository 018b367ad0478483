"""What experiment D says of its models, measured from the runs."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch

from vaewidgets.experiments.base import Claim, Results
from vaewidgets.experiments.measures import DRAWS, codes, edges, last, redrawn, samples
from vaewidgets.runs import Run

OUTPUTS = {"identity": "without sigmoid", "sigmoid": "with sigmoid"}
AGAIN = ("digits again, seed 1", "digits again, seed 2")  # as "digits, z=10", from other seeds
_COLLAPSED_KL = 0.1  # nats an image
_COLLAPSED_SPREAD = 0.01  # standard deviation of a pixel between reconstructions
_SETTLED = 0.9  # of the fall of the test loss
_WIDTHS = (1.0, 1.5, 2.0)  # temperatures at which samples are searched for a tongue


def variance(sigma2: float | str) -> str:
    """How a variance is called in a table."""
    return "learned" if isinstance(sigma2, str) else format(sigma2, "g")


def face(sigma2: float | str, output: str, seed: int = 0) -> str:
    """Name of a setting on faces."""
    return f"sigma2 {variance(sigma2)}, {OUTPUTS[output]}, seed {seed}"


def digits(results: Results) -> dict[int, Run]:
    """Runs on digits by their latent dimensions."""
    prefix = "digits, z="
    found = {int(n.removeprefix(prefix)): run for n, run in results.runs.items() if n.startswith(prefix)}
    return dict(sorted(found.items())) or {2: results.runs[f"{prefix}2"]}  # raises that it was not run


@dataclass(frozen=True)
class Outcome:
    """What a run on faces came to, on its test images."""

    kl: float
    error: float  # squared error, an image
    spread: float  # standard deviation of a pixel between reconstructions, averaged over pixels

    @property
    def collapsed(self) -> bool:
        """Whether nothing is sent and every reconstruction is the same face."""
        return self.kl < _COLLAPSED_KL and self.spread < _COLLAPSED_SPREAD


def outcome(run: Run) -> Outcome:
    """Measure it."""
    images = run.data.split("test")
    x = images.images(slice(None))
    x_hat = redrawn(run, x)
    return Outcome(
        kl=float(run.evaluate("test")["kl"]),
        error=float((x - x_hat).square().flatten(1).sum(1).mean()),
        spread=float(x_hat.std(0).mean()),
    )


def _collapses(results: Results) -> tuple[str, bool]:
    found = outcome(results.runs[face(1.0, "identity")])
    return f"at sigma2 = 1 KL {found.kl:.4f}, spread {found.spread:.5f}", found.collapsed


def _average(results: Results) -> tuple[str, bool]:
    """Whether what it draws is the average face, and its posteriors are the prior."""
    run = results.runs[face(1.0, "identity")]
    mu, logvar = codes(run)
    x = run.data.split("test").images(slice(None))
    mean = run.data.train.images(slice(None)).mean(0)
    drawn = run.snapshot().decode(mu)
    to_mean = float((drawn - mean).square().flatten(1).sum(1).mean())
    to_own = float((drawn - x).square().flatten(1).sum(1).mean())
    shift, log = float(mu.abs().mean()), float(logvar.abs().mean())
    text = (
        f"squared distance {to_mean:.2f} to the average face, {to_own:.2f} to the image itself; "
        f"|mu| {shift:.3f}, |ln sigma2| {log:.3f} on average"
    )
    return text, to_mean < to_own and shift < 0.1 and log < 0.1


def _sigmoid_cures(results: Results) -> tuple[str, bool]:
    """At the variance that is implied by a plain squared error over two: does the sigmoid help?"""
    found = outcome(results.runs[face(1.0, "sigmoid")])
    return f"at sigma2 = 1 with a sigmoid KL {found.kl:.4f}, spread {found.spread:.5f}", not found.collapsed


def _variance_cures(results: Results) -> tuple[str, bool]:
    found = outcome(results.runs[face(0.05, "identity")])
    text = f"at sigma2 = 0.05 without a sigmoid KL {found.kl:.2f}, spread {found.spread:.3f}"
    return text, not found.collapsed


def _learned_blurs(results: Results) -> tuple[str, bool]:
    real = edges(results.data.split("test").images(slice(None)))
    runs = [results.runs[face(sigma2, "sigmoid")] for sigma2 in (0.05, "pixel")]
    fixed, learned = (edges(run.snapshot().decode(run.snapshot().encoded("test")[0])) / real for run in runs)
    text = f"edges of reconstructions {learned:.0%} as strong as in the images, {fixed:.0%} at sigma2 = 0.05"
    return text, learned < fixed


def _little_variety(results: Results) -> tuple[str, bool]:
    run = results.runs[face(0.05, "sigmoid")]
    spread = float(samples(run).std(0).mean())
    real = float(results.data.train.images(slice(None)).std(0).mean())
    return f"standard deviation of a pixel {spread:.3f} in samples, {real:.3f} in faces", spread < 0.8 * real


def _no_tongue(results: Results) -> tuple[str, bool | None]:
    """How often the training face nearest to a sample has its tongue out."""
    data = results.data
    names = getattr(data, "factor_names", None) or ()
    factors = data.factors
    if factors is None or "tongue" not in names:
        return "which frames show it is not recorded", None
    out = factors[:, names.index("tongue")] == 1
    run, images = results.runs[face(0.05, "sigmoid")], data.train.images(slice(None)).flatten(1)
    counts = []
    for width in _WIDTHS:
        nearest = torch.cdist(samples(run, width).flatten(1), images).argmin(1)
        counts.append(int(out[nearest].sum()))
    expected = float(out.float().mean()) * DRAWS
    text = f"{', '.join(map(str, counts))} of {DRAWS} samples at 1, 1.5, 2 times the prior's width"
    return f"{text}; {expected:.0f} would be their share", max(counts) < 0.5 * expected


def _by_size(results: Results, quantity: str) -> tuple[str, list[float]]:
    values = {size: last(run, quantity) for size, run in digits(results).items()}
    listed = ", ".join(f"{value:.1f}" for value in values.values())
    return f"{listed} at z = {', '.join(map(str, values))}", list(values.values())


def _of_the_original(results: Results, holds: bool) -> bool | None:
    """A verdict that hangs on the original's data and sizes; None for others."""
    return holds if results.as_published else None


def _recon_falls(results: Results) -> tuple[str, bool | None]:
    text, values = _by_size(results, "test_recon")
    return text, _of_the_original(results, len(values) > 1 and bool((np.diff(values) < 0).all()))


def _kl_rises(results: Results) -> tuple[str, bool | None]:
    text, values = _by_size(results, "test_kl")
    return text, _of_the_original(results, len(values) > 1 and bool((np.diff(values) > 0).all()))


def _blurrier(results: Results) -> tuple[str, bool | None]:
    real = edges(digits(results)[2].data.split("test").images(slice(0, 2000)))
    found = {size: edges(samples(results.runs[f"digits, z={size}"])) / real for size in (2, 10, 20)}
    listed = ", ".join(f"{share:.0%} at z = {size}" for size, share in found.items())
    return f"edges of samples: {listed}", _of_the_original(results, found[20] < found[10])


def _stable(results: Results) -> tuple[str, bool]:
    runs = [results.runs[name] for name in ("digits, z=10", *AGAIN)]
    totals = np.array([run.history["test_loss"][-1] for run in runs], float)
    spread = float((totals.max() - totals.min()) / totals.mean())
    return f"test totals {', '.join(f'{t:.1f}' for t in totals)}: {spread:.1%} apart", spread < 0.03


def _faster(results: Results) -> tuple[str, None]:
    """Epochs and steps until most of the fall is done, on digits and on faces."""
    parts = []
    for what, name in (("digits", "digits, z=10"), ("faces", face(0.05, "sigmoid"))):
        run = results.runs[name]
        losses = np.asarray(run.history["train_loss"], float)
        done = losses[0] - _SETTLED * (losses[0] - losses.min())
        epochs = int(np.argmax(losses <= done)) + 1
        steps = epochs * (len(run.history["loss"]) // len(losses))
        parts.append(f"{what} after {epochs} epochs ({steps:,} steps)")
    return f"{_SETTLED:.0%} of the fall: {', '.join(parts)}", None


CLAIMS = (
    Claim("without a sigmoid the faces collapse", "KL goes to 0", _collapses),
    Claim("... to the average face", "mu ≈ 0, ln sigma² ≈ 0", _average),
    Claim("with a sigmoid they recover", "they do", _sigmoid_cures),
    Claim("with a smaller variance they recover, without a sigmoid", "re-run: they do", _variance_cures),
    Claim("a learned pixel variance blurs", "blurs", _learned_blurs),
    Claim("prior samples of faces vary little", "vary little", _little_variety),
    Claim("the tongue never appears in a sample", "never, however widely one samples", _no_tongue),
    Claim("recon falls with latent_dim", "falls", _recon_falls),
    Claim("kl rises with latent_dim", "rises", _kl_rises),
    Claim("samples at z = 20 are blurrier", "best bound, yet blurrier", _blurrier),
    Claim("digits are stable over seeds", "stable", _stable),
    Claim("digits converge faster than faces", "30–50 epochs against 300–500", _faster),
)  # fmt: skip

"""Experiment B: chapter 13.4, training phenomena and latent space intuition."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from vaewidgets.diagnostics import active_units, tsne
from vaewidgets.experiments.base import Claim, Recipe, Results, Scale, Setting, Target
from vaewidgets.experiments.measures import codes, generator, redrawn
from vaewidgets.objectives import TERMS, LinearWarmup
from vaewidgets.runs import Run

if TYPE_CHECKING:
    from matplotlib.figure import Figure

_LAYERS: dict[str, Any] = {"latent_dim": 32, "hidden": [256]}
_LOSS = (202.47, 142.67, 128.31, 121.24, 117.39, 115.01, 113.28, 112.10, 111.10, 110.24)
_RECON = (189.44, 123.28, 106.13, 97.86, 93.26, 90.38, 88.34, 86.88, 85.75, 84.75)
_KL = (13.03, 19.39, 22.18, 23.38, 24.13, 24.63, 24.94, 25.21, 25.35, 25.49)
_BETAS = ("beta=0.1", "beta=1", "beta=4")
_FIRST_STEPS = 200  # within which the kl swings
# The decoder that needs no latent is slow: the digits as they are, 8 x 8, show what it does at any scale.
_TINY = {"name": "digits", "size": 8}


def _settings(epochs: int, sweep_epochs: int, strong_epochs: int, batch_size: int) -> tuple[Setting, ...]:
    train: dict[str, Any] = {"lr": 1e-3, "optimizer": "adam", "batch_size": batch_size, "drop_last": True}
    vae = {"class": "MLPVAE", **_LAYERS}
    runs = [Setting("chapter", vae, {**train, "epochs": epochs, "seed": 42}, seed=42)]
    for beta in (0.1, 1.0, 4.0):
        runs.append(
            Setting(
                f"beta={beta:g}", vae, {**train, "epochs": sweep_epochs, "beta": beta, "seed": 42}, seed=42
            )
        )
    plain = {"class": "Autoencoder", **_LAYERS}
    runs.append(Setting("autoencoder", plain, {**train, "epochs": sweep_epochs, "seed": 42}, seed=42))
    return (*runs, *_collapses(strong_epochs))


def _collapses(epochs: int) -> tuple[Setting, ...]:
    """Posterior collapse made to happen both ways, and cured."""
    train: dict[str, Any] = {"lr": 1e-3, "optimizer": "adam", "batch_size": 64, "seed": 42}
    vae = {"class": "MLPVAE", "latent_dim": 8, "hidden": [128]}
    strong = {"class": "AutoregressiveVAE", "latent_dim": 8, "channels": 16, "layers": 3}
    slow = {**train, "epochs": epochs, "lr": 1e-2}
    warm_up = LinearWarmup(end=1.0, steps=15 * epochs)
    return (
        Setting("collapse by beta", vae, {**train, "epochs": 20, "beta": 50.0}, 42, _TINY),
        Setting("collapse by decoder", strong, slow, 42, _TINY),
        Setting("cure: free bits", strong, {**slow, "objective": "free_bits"}, 42, _TINY),
        Setting("cure: annealing", strong, {**slow, "beta": warm_up}, 42, _TINY),
        Setting("cure: InfoVAE", strong, {**slow, "objective": "info_vae"}, 42, _TINY),
    )


def _targets() -> tuple[Target, ...]:
    targets = []
    for epoch, values in enumerate(zip(_LOSS, _RECON, _KL, strict=True), start=1):
        for term, value in zip(TERMS, values, strict=True):
            tolerance = 0.03 if term == "kl" else 0.015
            targets.append(Target("chapter", f"train_{term}", value, tolerance, epoch))
    return tuple(targets)


def _tenths(values: Any) -> list[float]:
    """Means over tenths of the steps."""
    return [float(part.mean()) for part in np.array_split(np.asarray(values, np.float64), 10)]


def _kl_swings(results: Results) -> tuple[str, bool]:
    """The kl shoots up while the decoder makes nothing of it, falls back, and rises with their use."""
    kl = np.asarray(results.runs["chapter"].history["kl"], np.float64)
    early = np.convolve(kl[:_FIRST_STEPS], np.ones(5) / 5, mode="valid")
    top = int(early.argmax())
    low = top + int(early[top:].argmin())
    end = _tenths(kl)[-1]
    text = f"{early[top]:.1f} at step {top + 2}, {early[low]:.1f} at step {low + 2}, {end:.1f} at the end"
    return text, bool(early[top] > 1.5 * early[low] and end > 1.5 * early[low])


def _kl_rises(results: Results) -> tuple[str, bool]:
    kl = _tenths(results.runs["chapter"].history["kl"])
    return f"{kl[0]:.2f} in the first tenth of the steps, {kl[-1]:.2f} in the last", kl[-1] > kl[0]


def _levels_off(results: Results) -> tuple[str, bool]:
    """The last tenth against the one before it, as a share of all that changed."""
    history = results.runs["chapter"].history
    shares = {}
    for term in TERMS:
        means = _tenths(history[term])
        shares[term] = abs(means[-1] - means[-2]) / (max(means) - min(means))
    text = ", ".join(f"{term} {share:.1%}" for term, share in shares.items())
    return f"in the last tenth of the steps change, of their whole change: {text}", max(
        shares.values()
    ) < 0.05


def _test(run: Run, term: str) -> float:
    """Of the test set: as evaluated after the last epoch, or now for a loop that does not evaluate."""
    values = run.history[f"test_{term}"]
    return float(values[-1]) if len(values) else run.evaluate("test")[term]


def _beta_trades(results: Results) -> tuple[str, bool]:
    runs = [results.runs[name] for name in _BETAS]
    kl, recon = ([_test(run, term) for run in runs] for term in ("kl", "recon"))
    text = f"kl {kl[0]:.1f}, {kl[1]:.1f}, {kl[2]:.1f}; recon {recon[0]:.1f}, {recon[1]:.1f}, {recon[2]:.1f}"
    return text, kl[0] > kl[1] > kl[2] and recon[0] < recon[1] < recon[2]


def _autoencoder_sharper(results: Results) -> tuple[str, bool]:
    plain, vae = (_test(results.runs[name], "recon") for name in ("autoencoder", "beta=1"))
    return f"{plain:.1f} against {vae:.1f}", plain < vae


def _smooth(results: Results) -> tuple[str, bool]:
    images = results.data.split("test").images(slice(0, 1000))
    drawn = {}
    for name in ("beta=1", "autoencoder"):
        drawn[name] = _edges(redrawn(results.runs[name], images))
    vae, plain = drawn["beta=1"], drawn["autoencoder"]
    text = (
        f"squared Laplacian an image: VAE {vae:.2f}, autoencoder {plain:.2f}, originals {_edges(images):.2f}"
    )
    return text, vae < plain


def _edges(images: torch.Tensor) -> float:
    """Mean squared Laplacian, summed over pixels: how much of an image is edges."""
    x = torch.nn.functional.pad(images, (1, 1, 1, 1), mode="replicate")
    around = x[..., :-2, 1:-1] + x[..., 2:, 1:-1] + x[..., 1:-1, :-2] + x[..., 1:-1, 2:]
    return float((around - 4 * images).square().flatten(1).sum(1).mean())


def _prior(results: Results) -> tuple[str, bool]:
    """How far decoded draws lie from real images, and whether those round a draw are of one class."""
    train = results.data.split("train")
    images = train.images(slice(0, 5000)).flatten(1)
    far, alike = {}, {}
    for name in ("beta=1", "autoencoder"):
        snapshot = results.runs[name].snapshot()
        noise = torch.randn(200, snapshot.model.latent_dim, generator=generator())
        apart = torch.cdist(snapshot.decode(noise).flatten(1), images)
        far[name] = float(apart.amin(1).square().mean())
        if train.labels is not None:
            near = train.labels[apart.topk(10, largest=False).indices]
            alike[name] = float((near == near.mode(1).values[:, None]).double().mean())
    text = f"squared distance to the nearest image {far['beta=1']:.1f} and {far['autoencoder']:.1f}"
    if alike:
        shares = f"{alike['beta=1']:.0%} and {alike['autoencoder']:.0%}"
        text += f"; of the ten nearest, one digit: {shares}"
    holds = far["autoencoder"] > far["beta=1"] and (not alike or alike["autoencoder"] < alike["beta=1"])
    return text, holds


def _clusters(results: Results) -> tuple[str, bool | None]:
    """Whether neighbours in the t-SNE plane are of one class."""
    test = results.data.split("test")
    if test.labels is None:
        return "the data have no classes", None
    mu, _ = results.runs["chapter"].snapshot().encode(test.images(slice(0, 1000)))
    plane = tsne(mu)
    apart = torch.cdist(plane, plane).fill_diagonal_(torch.inf)
    labels = test.labels[:1000]
    share = float((labels[apart.argmin(1)] == labels).double().mean())
    return f"the nearest neighbour is the same digit for {share:.0%} of {len(mu)} images", share > 0.5


def _paths(results: Results) -> tuple[str, bool]:
    """Straight paths between test images: how many morph, how many pass through another class."""
    pairs = torch.randperm(len(results.data.split("test")), generator=torch.Generator().manual_seed(1))[:60]
    smooth = {}
    for name in ("beta=1", "autoencoder"):
        paths = [results.runs[name].path(int(a), int(b), n=20) for a, b in pairs.reshape(-1, 2)]
        smooth[name] = sum(path.verdict == "smooth" for path in paths)
    text = f"of 30 paths smooth: VAE {smooth['beta=1']}, autoencoder {smooth['autoencoder']}"
    # Which of the two has more is told as it is.
    return text, smooth["beta=1"] > 15


def _collapsed(results: Results) -> tuple[str, bool]:
    by_beta, by_decoder = (_test(results.runs[f"collapse by {cause}"], "kl") for cause in ("beta", "decoder"))
    return f"kl {by_beta:.3f} at beta = 50; {by_decoder:.3f} at beta = 1", max(by_beta, by_decoder) < 0.1


def _one_image(results: Results) -> tuple[str, bool]:
    """Standard deviation of a pixel between images, and between their reconstructions."""
    run = results.runs["collapse by beta"]
    images = run.data.split("test").images(slice(0, 1000))
    drawn = redrawn(run, images)
    before, after = (float(x.std(0).mean()) for x in (images, drawn))
    return f"pixels vary by {before:.3f} between images, {after:.4f} between reconstructions", (
        after < 0.05 * before
    )


def _cured(results: Results) -> tuple[str, bool]:
    cures = ("free bits", "annealing", "InfoVAE")
    kl = {cure: _test(results.runs[f"cure: {cure}"], "kl") for cure in cures}
    text = ", ".join(f"{cure} {value:.2f}" for cure, value in kl.items())
    # Free bits hold their floor by construction; whether the others do is told as it is.
    return f"kl {text}", kl["free bits"] > 1.0


def _units(results: Results) -> tuple[str, bool | None]:
    counts = []
    for name in _BETAS:
        units = active_units(*codes(results.runs[name]))
        counts.append(f"{name}: {units.n_by_kl} by KL, {units.n_by_var} by variance")
    return "; ".join(counts), None


def _figures(results: Results) -> Iterator[tuple[str, Figure]]:
    from vaewidgets.experiments import pictures as draw
    from vaewidgets.figures import histograms_figure

    runs = results.runs
    vae = runs["chapter"]
    against = {"VAE": runs["beta=1"], "autoencoder": runs["autoencoder"]}
    betas = {name: runs[name] for name in _BETAS}
    yield "curves", draw.curves(vae)
    yield "curves_log", draw.curves(vae, log=True)
    yield "reconstructions", draw.reconstructions(against, n=6)
    yield "prior_samples", draw.prior_samples(against, n=6)
    yield "tsne", draw.tsne(vae)
    yield "interpolation", draw.interpolation(vae, pair=(0, 1), steps=10)
    yield "beta_reconstructions", draw.reconstructions(betas, n=6)
    yield "beta_prior_samples", draw.prior_samples(betas, n=6)
    draws = {}
    for name, run in betas.items():
        mu, logvar = codes(run)
        noise = torch.randn(mu.shape, generator=generator())
        draws[name] = np.asarray(mu + torch.exp(0.5 * logvar) * noise)
    yield (
        "beta_latents",
        histograms_figure(
            draws, xlabel="z, all dimensions", caption="Draws from the posteriors of test images"
        ),
    )
    collapses = {name: run for name, run in runs.items() if name.startswith(("collapse", "cure"))}
    yield (
        "collapse_kl",
        draw.epochs(collapses, ("test_kl",), caption="KL of the test set: collapse and cures"),
    )


RECIPE = Recipe(
    name="B",
    title="Chapter 13.4: training phenomena",
    source="published lecture chapter; MNIST, batch 256, Adam 1e-3, seed 42",
    scales={
        "small": Scale(
            {"name": "digits"}, _settings(epochs=30, sweep_epochs=15, strong_epochs=6, batch_size=64)
        ),
        "published": Scale(
            {"name": "mnist"},
            _settings(epochs=10, sweep_epochs=5, strong_epochs=10, batch_size=256),
            _targets(),
        ),
    },
    claims=(
        Claim("kl swings in the first steps", "oscillates, then rises", _kl_swings),
        Claim("kl rises while the latents come into use", "rises, then levels off", _kl_rises),
        Claim("loss, recon and kl level off", "near step 2,000", _levels_off),
        Claim("recon, autoencoder against VAE", "the autoencoder's is sharper", _autoencoder_sharper),
        Claim("the VAE's reconstructions are smoother", "smooth, blurry", _smooth),
        Claim("draws from the prior", "the VAE's are digits, the autoencoder's noise", _prior),
        Claim("t-SNE of test means", "digits form clusters", _clusters),
        Claim("interpolation, autoencoder against VAE", "the VAE's path is smooth", _paths),
        Claim("beta 0.1, 1, 4 on the test set", "a larger beta: less kl, more recon", _beta_trades),
        Claim("active units by both criteria", "24 of 32 at beta = 4", _units),
        Claim("posterior collapse, both ways", "kl to 0", _collapsed),
        Claim("... then every image becomes the same", "one average image", _one_image),
        Claim("... and its cures", "free bits, annealing, InfoVAE", _cured),
    ),
    figures=_figures,
)

"""What experiment E's lecture says of trained models, measured on its runs."""

from __future__ import annotations

import math
from typing import Any

import torch
from torch import Tensor

from vaewidgets.data import load_dataset
from vaewidgets.diagnostics import (
    ablation,
    active_units,
    cluster,
    distil,
    elbow,
    interpolate,
    linear_probe,
    principal_angles,
    probabilistic_pca,
    retrieve,
    tell_apart,
    unfamiliarity,
)
from vaewidgets.experiments.base import Claim, Results
from vaewidgets.experiments.measures import codes, generator, last
from vaewidgets.runs import Run

DELTA = 0.1  # the lecture's threshold of an active unit, in nats
SIZES = (2, 4, 8, 16, 32)
Seen = tuple[str, bool | None]


def used_units(run: Run) -> int:
    """How many latent dimensions of a run have a mean KL above the lecture's threshold, on test images."""
    return _units(run).n_by_kl


def strange_images(data: Any, n: int = 200) -> dict[str, Tensor]:
    """Images that a model of `data` has not seen the like of, by name, each of shape (n, C, H, W) or fewer.

    White shapes on black, digits upside down, noise, and an all black image.
    """
    own = data.split("test").images(slice(None))[:n]
    shapes = load_dataset("shapes", n_train=n, n_test=n, size=tuple(own.shape[-2:]))
    noise = torch.rand(own.shape, generator=generator())
    return {
        "shapes": shapes.split("test").images(slice(None)),
        "upside down": own.flip(2),
        "noise": noise,
        "black": torch.zeros_like(own[:1]),
    }


def _units(run: Run) -> Any:
    return active_units(*codes(run), delta=DELTA)


def _images(split: Any) -> Tensor:
    images: Tensor = split.images(slice(None))
    return images


def _origin(results: Results) -> Seen:
    """Which concentrates near the origin: spread of the codes at k = 2."""
    spread = {}
    for kind in ("VAE", "AE"):
        mu, _ = results.runs[f"{kind} k=2"].snapshot().encoded("train")
        spread[kind] = float(mu.square().sum(1).mean().sqrt())
    text = f"root mean square radius {spread['VAE']:.2f} against {spread['AE']:.2f}"
    return text, spread["VAE"] < spread["AE"]


def _reproduces(results: Results) -> Seen:
    """Reconstruction of the training images; on others an autoencoder may lose by memorising."""
    sizes = (2, 8, 32)
    recon = {
        k: [results.runs[f"{kind} k={k}"].evaluate("train")["recon"] for kind in ("AE", "VAE")] for k in sizes
    }
    text = "; ".join(f"k={k}: {ae:.1f} against {vae:.1f}" for k, (ae, vae) in recon.items())
    return text, all(ae < 0.995 * vae for ae, vae in recon.values())


def _empty_places(results: Results) -> Seen:
    """How far decoded draws from N(0, I) are from the nearest image of the data, k = 8."""
    z = torch.randn(200, 8, generator=generator())
    images = _images(results.data.train).flatten(1)
    far = {}
    for kind in ("VAE", "AE"):
        drawn = results.runs[f"{kind} k=8"].snapshot().decode(z).flatten(1)
        far[kind] = float(torch.cdist(drawn, images).min(1).values.mean())
    text = f"distance to the nearest image, in pixel values: {far['VAE']:.2f} against {far['AE']:.2f}"
    return text, far["VAE"] < 0.9 * far["AE"]


def _sweep(results: Results) -> Seen:
    runs = {k: results.runs[f"VAE k={k}"] for k in SIZES}
    kl = {k: last(run, "test_kl") for k, run in runs.items()}
    recon = {k: last(run, "test_recon") for k, run in runs.items()}
    text = "; ".join(f"k={k}: recon {recon[k]:.1f}, kl {kl[k]:.1f}" for k in runs)
    # levels off: the last doubling adds less than a tenth, the first two more than that each
    rises = kl[4] > 1.1 * kl[2] and kl[8] > 1.1 * kl[4]
    return text, recon[2] > recon[8] and rises and kl[32] < 1.1 * kl[16]


def _elbow(results: Results) -> Seen:
    recon = [last(results.runs[f"VAE k={k}"], "test_recon") for k in SIZES]
    found = elbow(SIZES, recon).latent_dim
    seen = f"elbow at {found or 'none'} of {', '.join(map(str, SIZES))}"
    falls = recon[0] > 1.02 * min(recon)
    return seen, falls and found is not None and SIZES[0] < found < SIZES[-1]


def _collapsing(results: Results) -> Seen:
    used = {k: used_units(results.runs[f"VAE k={k}"]) for k in (8, 32)}
    text = f"{used[8]} of 8 and {used[32]} of 32 above {DELTA:g} nats"
    return text, 2 <= used[32] <= 28


def _ablation(results: Results) -> Seen:
    """Units below the threshold, against the one that costs most."""
    snapshot = results.runs["VAE k=32"].snapshot()
    found = ablation(snapshot.model, _images(results.data.test), snapshot.likelihood)
    idle = ~_units(results.runs["VAE k=32"]).by_kl
    if not bool(idle.any()):
        return "no unit is below the threshold", False
    worst, most = float(found.cost[idle].max()), float(found.cost.max())
    text = f"the costliest of {int(idle.sum())} idle units costs {worst:.2f}, the most useful one {most:.2f}"
    return text, worst < 0.1 * most


def _retrained(results: Results) -> Seen:
    large, small = results.runs["VAE k=32"], results.runs["VAE retrained"]
    a, b = last(large, "test_recon"), last(small, "test_recon")
    text = f"recon {b:.1f} with {small.model.latent_dim} dimensions, {a:.1f} with 32"
    return text, b < 1.02 * a and 2 <= small.model.latent_dim <= 1.5 * used_units(large)


def _annealed(results: Results) -> Seen:
    runs = [results.runs[name] for name in ("VAE k=16", "VAE k=16, annealed")]
    early = [
        float(run.history["train_kl"][4]) if len(run.history["train_kl"]) > 4 else math.nan for run in runs
    ]
    loss = [last(run, "test_loss") for run in runs]
    text = (
        f"kl in epoch 5: {early[0]:.1f} without, {early[1]:.1f} with; units used in the end "
        f"{used_units(runs[0])} and {used_units(runs[1])}; test loss {loss[0]:.1f} and {loss[1]:.1f}"
    )
    return text, early[1] > early[0]


def _linear(results: Results) -> Seen:
    """Share of the variance that linear autoencoders reproduce, against what PCA does with as many."""
    x = _images(results.data.train)
    parts, close = [], True
    for k in (2, 8, 32):
        best = probabilistic_pca(x, k).eigenvalues
        total, rest = float(best.sum()), float(best[k:].sum())
        share = 1 - results.runs[f"linear AE k={k}"].evaluate("train")["recon"] / total
        parts.append(f"k={k}: {share:.3f} against {1 - rest / total:.3f}")
        close &= abs(share - (1 - rest / total)) < 0.01
    return "share of variance, " + "; ".join(parts), close


def _span(results: Results) -> Seen:
    axes = probabilistic_pca(_images(results.data.train), 2).axes
    angle = {}
    for name in ("linear AE k=2", "linear AE k=2, tied"):
        weight = results.runs[name].snapshot().model.to_pixels.weight.detach().double().cpu()
        angle[name] = math.degrees(float(principal_angles(weight, axes).radians.max()))
    text = "largest principal angle " + ", ".join(f"{a:.1f}° ({name})" for name, a in angle.items())
    return text, max(angle.values()) < 10


def _ppca(results: Results) -> Seen:
    """The linear VAE's bound and units, against the closed form at the same fixed sigma²."""
    run = results.runs["linear VAE k=8"]
    best = probabilistic_pca(_images(results.data.train), 8, sigma2=float(run.model.sigma2))
    bound = -run.evaluate("train")["loss"]
    alive = active_units(*codes(run, "train"), delta=0.04).n_by_kl
    text = (
        f"bound {bound:.2f}, log-likelihood {best.log_likelihood:.2f} nats; "
        f"{alive} units alive, {best.n_survivors} eigenvalues above sigma²"
    )
    # the evaluation draws z, so that the bound is known to a few hundredths
    close = -0.2 < best.log_likelihood - bound < 1.0
    return text, close and abs(alive - best.n_survivors) <= 1


def _paths(results: Results) -> Seen:
    """Least ‖z‖ / √d of paths between test images of a 0 and a 1, k = 16."""
    labels = results.data.split("test").labels
    assert labels is not None
    mu, _ = results.runs["VAE k=16"].snapshot().encoded("test")
    zeros, ones = (mu[labels == c][:20] for c in (0, 1))
    least = {}
    for kind in ("lerp", "slerp"):
        paths = [interpolate(a, b, 21, kind) for a, b in zip(zeros, ones, strict=False)]
        least[kind] = sum(float(path.norm(dim=1).min()) for path in paths) / len(paths) / math.sqrt(16)
    text = f"least ‖z‖ in √d on the way, mean of paths: lerp {least['lerp']:.2f}, slerp {least['slerp']:.2f}"
    return text, least["lerp"] < 0.95 * least["slerp"]


def _conditional(results: Results) -> Seen:
    told, plain = results.runs["conditional VAE k=2"], results.runs["VAE k=2"]
    a, b = last(told, "test_loss"), last(plain, "test_loss")
    return f"test loss {a:.1f} with the class told, {b:.1f} without", a < 0.98 * b


def _betas(results: Results) -> Seen:
    runs = [results.runs[name] for name in ("VAE k=16, beta=0.25", "VAE k=16", "VAE k=16, beta=4")]
    kl, recon = ([last(run, f"test_{term}") for run in runs] for term in ("kl", "recon"))
    text = "; ".join(
        f"beta {b:g}: recon {r:.1f}, kl {k:.1f}" for b, r, k in zip((0.25, 1, 4), recon, kl, strict=True)
    )
    return text, kl[0] > kl[1] > kl[2] and recon[0] < recon[1] < recon[2]


def _codes(results: Results) -> Seen:
    run = results.runs["VQ-VAE"]
    model: Any = run.snapshot().model
    device = next(model.parameters()).device
    use = model.code_use([_images(results.data.train).to(device)])
    left = last(run, "test_recon") / float(_images(results.data.test).flatten(1).var(0, correction=0).sum())
    text = (
        f"perplexity {use.perplexity:.1f} of {model.n_codes} codes; {left:.0%} of the variance not reproduced"
    )
    return text, use.perplexity > model.n_codes / 4 and left < 0.5


def _features(results: Results) -> Seen:
    data = results.data
    y, truth = data.train.labels, data.split("test").labels
    assert y is not None
    assert truth is not None
    parts, better = [], True
    for k in (2, 16):
        snapshot = results.runs[f"VAE k={k}"].snapshot()
        a, b = (snapshot.encoded(split)[0] for split in ("train", "test"))
        probe = linear_probe(a, y, b, truth)
        groups = cluster(b, truth)
        near = retrieve(b, a, query_labels=truth, gallery_labels=y)
        parts.append(
            f"k={k}: classifier {probe.accuracy:.0%}, clusters' purity {groups.purity:.0%}, "
            f"neighbours of the class {near.precision:.0%}"
        )
        better &= probe.accuracy > 4 * probe.majority and near.precision > 4 * near.chance
    return "; ".join(parts), better


def _distilled(results: Results) -> Seen:
    snapshot = results.runs["VAE k=16"].snapshot()
    train, test = _images(results.data.train), _images(results.data.test)
    found = distil(snapshot.model, train, test, hidden=(32,), likelihood=snapshot.likelihood)
    text = (
        f"{found.student_size:,} of {found.teacher_size:,} parameters; {found.mean_explained:.1%} of the "
        "variance of the means"
    )
    return text, found.student_size < 0.5 * found.teacher_size and found.mean_explained > 0.85


def _strange(results: Results) -> tuple[dict[str, float], dict[str, float]]:
    snapshot = results.runs["VAE k=16"].snapshot()
    own = unfamiliarity(snapshot.model, _images(results.data.test), snapshot.likelihood)
    error, prior = {}, {}
    for name, images in strange_images(results.data).items():
        scores = unfamiliarity(snapshot.model, images, snapshot.likelihood)
        found = tell_apart(own, scores).auroc
        error[name], prior[name] = found["squared_error"], found["prior"]
    return error, prior


def _unfamiliar(results: Results) -> Seen:
    error, _ = _strange(results)
    text = "AUROC of the squared error: " + ", ".join(f"{name} {value:.2f}" for name, value in error.items())
    return text, all(error[name] > 0.5 for name in ("shapes", "upside down", "noise"))


def _unfamiliar_fails(results: Results) -> Seen:
    error, prior = _strange(results)
    text = "AUROC of the prior: " + ", ".join(f"{name} {value:.2f}" for name, value in prior.items())
    return text, error["noise"] > 0.9 and prior["black"] < 0.5


def _cases(results: Results) -> Seen:
    wanted = {
        "VAE collapsed": "posterior collapse",
        "VAE memorising": "memorising",
        "VAE k=8": "healthy",
    }
    found = {name: results.runs[name].diagnose().verdict for name in wanted}
    return "; ".join(f"{name}: {verdict}" for name, verdict in found.items()), found == wanted


CLAIMS = (
    Claim("AE against VAE: which lies near the origin", "the VAE", _origin),
    Claim("AE against VAE: which reproduces the training images better", "the AE, at every k", _reproduces),
    Claim("decoded draws from N(0, I), AE against VAE", "the VAE's are nearer to the data", _empty_places),
    Claim("bottleneck sweep", "recon falls, kl rises then levels off", _sweep),
    Claim("elbow of the sweep", "before the largest size", _elbow),
    Claim("start large: extra dimensions collapse", "not all 32 in use", _collapsing),
    Claim("ablation: idle dimensions can go", "at next to no cost", _ablation),
    Claim("retrained at the number of units in use", "recon no worse", _retrained),
    Claim("annealing keeps the latents alive while training is young", "kl is higher early", _annealed),
    Claim("linear autoencoder meets the PCA curve", "equal", _linear),
    Claim("linear autoencoder spans the PCA subspace, tied or not", "angle 0", _span),
    Claim("linear VAE is probabilistic PCA", "bound = log-likelihood, units by eigenvalue", _ppca),
    Claim("interpolation: lerp crosses the middle", "slerp keeps the norm", _paths),
    Claim("conditional VAE", "the class is told, and need not be sent", _conditional),
    Claim("beta-VAE", "kl falls, recon rises with beta", _betas),
    Claim("VQ-VAE uses its codebook", "perplexity near the number of codes", _codes),
    Claim("the encoder as a feature extractor", "far above chance", _features),
    Claim("distillation into a smaller encoder", "most of the teacher's code", _distilled),
    Claim("reconstruction error finds the unfamiliar", "better than a coin", _unfamiliar),
    Claim("where that fails", "the prior calls strange images familiar", _unfamiliar_fails),
    Claim("diagnosis of the three cases", "collapse, memorising, healthy", _cases),
)

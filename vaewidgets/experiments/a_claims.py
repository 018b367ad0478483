"""What experiment A says of its two models, measured from the runs."""

from __future__ import annotations

from math import sqrt
from typing import NamedTuple

import torch
from torch import Tensor

from vaewidgets.diagnostics import active_units, aggregate_posterior
from vaewidgets.experiments.base import Claim, Results
from vaewidgets.experiments.measures import DRAWS, codes, edges, generator, last, samples
from vaewidgets.runs import Run

SIZES = (2, 5, 20, 40)  # latent dimensions; the published ones are 2 and 20
FREE = "z=20 at beta=0"  # pays nothing for its codes: they need not be where the prior is
_PHASES = (5, 15, 30)  # last epochs of the three phases
_NEIGHBOURS = 15
_USED = 0.1  # nats; near the usual 0.01 lie units that are still dying when training ends
_DENSE_RADIUS = 2.0  # sigma of the prior: the 86 % of the plane in which the codes should leave no gap
_GAP = 3.0  # times what as many draws from the prior itself would leave
_HOLDS = 0.95  # of the prior's mass, for a path to be where it has density


class _Codes(NamedTuple):
    mu: Tensor
    logvar: Tensor
    labels: Tensor | None


def _codes(run: Run, split: str) -> _Codes:
    return _Codes(*codes(run, split), run.data.split(split).labels)


def _falls(results: Results) -> tuple[str, bool]:
    losses = results.runs["z=2"].history["train_loss"]
    return f"{1 - losses[-1] / losses[0]:.1%} in {len(losses)} epochs", bool(losses[-1] < losses[0])


def _dominates(results: Results) -> tuple[str, bool]:
    history = results.runs["z=2"].history
    share = float((history["train_recon"] / history["train_loss"]).min())
    return f"at least {share:.1%} of the total in every epoch", share > 0.5


def _phases(results: Results) -> tuple[str, bool | None]:
    """Recon falls first, kl rises next, then both level off."""
    history = results.runs["z=2"].history
    kl, recon = history["train_kl"], history["train_recon"]
    if len(kl) < _PHASES[-1]:
        return f"only {len(kl)} epochs", None
    early, middle, late = (epoch - 1 for epoch in _PHASES)
    drops = [float(recon[a] - recon[b]) for a, b in ((0, early), (early, middle), (middle, late))]
    low = float(kl[early] / kl[late])
    settled = float((kl[late] - kl[middle]) / kl[late])
    text = (
        f"by epoch {_PHASES[0]} recon has made {drops[0] / sum(drops):.0%} of its way and kl is at {low:.0%} "
        f"of its last value ({kl[early]:.2f} nats); after epoch {_PHASES[1]} kl gains {settled:.0%}"
    )
    return text, drops[0] == max(drops) and low < 0.5 and settled < 0.25


def _lower(results: Results) -> tuple[str, bool]:
    small, large = (last(results.runs[name], "test_loss") for name in ("z=2", "z=20"))
    return f"{small:.2f} against {large:.2f}: {1 - large / small:.1%} lower", large < small


def _information(results: Results) -> tuple[str, bool]:
    small, large = (last(results.runs[name], "test_kl") for name in ("z=2", "z=20"))
    return f"{small:.2f} against {large:.2f} nats an image", large > small


def _classes(results: Results) -> tuple[str, bool | None]:
    """Distances of class means in the plane: 0 and 1 apart, 3, 5 and 8 together."""
    mu, _, labels = _codes(results.runs["z=2"], "test")
    if labels is None:
        return "the data have no classes", None
    centers = torch.stack([mu[labels == digit].mean(0) for digit in range(10)])
    apart = torch.dist(centers[0], centers[1])
    close = torch.stack([torch.dist(centers[a], centers[b]) for a, b in ((3, 5), (3, 8), (5, 8))]).mean()
    return f"0 to 1: {apart:.2f}; 3, 5 and 8 from each other: {close:.2f}", bool(apart > close)


def _soft(results: Results) -> tuple[str, bool | None]:
    """Whether classes touch: some codes have neighbours of another class, most have not."""
    run = results.runs["z=2"]
    test, train = _codes(run, "test"), _codes(run, "train")
    if test.labels is None or train.labels is None:
        return "the data have no classes", None
    nearest = torch.cdist(test.mu, train.mu).topk(_NEIGHBOURS, largest=False).indices
    strangers = float((train.labels[nearest].mode(1).values != test.labels).float().mean())
    text = f"{strangers:.0%} of the test codes have mostly neighbours of another class"
    return text, 0.02 < strangers < 0.5


def _gaps(results: Results) -> tuple[str, bool]:
    """How far a draw from the prior can be from every code, against as many draws of the prior itself."""
    filled = _codes(results.runs["z=2"], "train").mu
    draw = generator()
    z = torch.randn(4 * DRAWS, 2, generator=draw)
    z = z[z.norm(dim=1) < _DENSE_RADIUS]
    ideal = torch.randn(filled.shape, generator=draw)
    found, best = (float(torch.cdist(z, c).amin(1).quantile(0.99)) for c in (filled, ideal))
    text = f"99 % of the prior within {_DENSE_RADIUS:g}σ has a code within {found:.2f}σ (at best {best:.2f})"
    return text, found < _GAP * best


def _overlaps(results: Results) -> tuple[str, bool]:
    """How much of the KL is spent on all codes together not being the prior."""
    split = aggregate_posterior(*codes(results.runs["z=2"], "train"), draws=DRAWS, generator=generator())
    text = f"of {split.kl:.2f} nats {split.marginal_kl:.2f} lie between the aggregate posterior and the prior"
    return text, split.marginal_kl < 0.25 * split.kl


def _nonsense(results: Results) -> tuple[str, bool]:
    """A model that pays no KL puts its codes elsewhere than the prior: what are the prior's draws to it?"""
    found = []
    for name in ("z=20", FREE):
        split = aggregate_posterior(*codes(results.runs[name], "train"), draws=DRAWS, generator=generator())
        found.append((split.marginal_kl, _agreement(results.runs[name])))
    (close, good), (apart, bad) = found
    text = (
        f"{close:.1f} nats from the prior: the images nearest to a sample agree by {good:.0%} on its class; "
        f"{apart:.0f} nats (beta = 0): {bad:.0%}"
    )
    return text, apart > close and bad < good - 0.03


def _corners(results: Results) -> tuple[str, None]:
    """What the plane's corners decode to, where codes are few."""
    run = results.runs["z=2"]
    z = 2 * torch.randn(DRAWS, 2, generator=generator())
    away = torch.cdist(z, _codes(run, "train").mu).amin(1)
    unlike = _unlike(run.snapshot().decode(z), run.data.train.images(slice(None)))
    order = away.argsort()
    near, far = (float(unlike[part].mean()) for part in (order[: DRAWS // 2], order[-DRAWS // 10 :]))
    return f"distance to the nearest image: {near:.2f} among the codes, {far:.2f} in the emptiest tenth", None


def _unlike(x: Tensor, images: Tensor) -> Tensor:
    """Distance of each picture to the nearest image."""
    return torch.cdist(x.flatten(1), images.flatten(1)).amin(1)


def _path(results: Results) -> tuple[str, bool]:
    """Straight paths between pairs of test images: their share where the prior has 95 % of its mass."""
    mu = _codes(results.runs["z=2"], "test").mu
    pairs = torch.randint(len(mu), (200, 2), generator=generator())
    t = torch.linspace(0, 1, 10)[:, None, None]
    radius = ((1 - t) * mu[pairs[:, 0]] + t * mu[pairs[:, 1]]).norm(dim=2)
    # in two dimensions the squared radius is exponential with mean 2
    inside = float((radius < sqrt(-2 * torch.tensor(1 - _HOLDS).log())).float().mean())
    return f"{inside:.1%} of 200 paths lie where the prior holds {_HOLDS:.0%} of its mass", inside > 0.8


def _sharper(results: Results) -> tuple[str, bool]:
    real = edges(results.data.split("test").images(slice(0, 2000)))
    small, large = (edges(samples(results.runs[name])) / real for name in ("z=2", "z=20"))
    return f"edges {small:.0%} as strong as in the images at z = 2, {large:.0%} at z = 20", small < large


def _varied(results: Results) -> tuple[str, bool]:
    spread = [float(samples(results.runs[name]).std(0).mean()) for name in ("z=2", "z=20")]
    real = float(results.data.split("test").images(slice(0, 2000)).std(0).mean())
    text = (
        f"standard deviation of a pixel: {spread[0]:.3f} at z = 2, {spread[1]:.3f} at z = 20, "
        f"{real:.3f} in the images"
    )
    return text, spread[1] > spread[0]


def _recognisable(results: Results) -> tuple[str, bool]:
    agree = _agreement(results.runs["z=2"])
    return f"of the ten training images nearest to a sample {agree:.0%} are of one class", agree > 0.6


def _agreement(run: Run) -> float:
    """Share of the ten training images nearest to a sample that are of their commonest class."""
    train = run.data.train
    labels = train.labels
    if labels is None:
        return 1.0
    near = torch.cdist(samples(run).flatten(1), train.images(slice(None)).flatten(1))
    votes = labels[near.topk(10, largest=False).indices]
    return float((votes == votes.mode(1).values[:, None]).float().mean())


def _unused(results: Results) -> tuple[str, bool]:
    counts = {}
    for size in SIZES:
        counts[size] = int(active_units(*codes(results.runs[f"z={size}"]), delta=_USED).by_kl.sum())
    text = f"above {_USED:g} nats: " + ", ".join(f"{count} of {size}" for size, count in counts.items())
    shares = [count / size for size, count in counts.items()]
    return text, shares[-1] < shares[-2] < 1.0 and counts[2] == 2


CLAIMS = (
    Claim("the total falls", "37.7 % in 30 epochs", _falls),
    Claim("recon dominates throughout", "recon is most of the total", _dominates),
    Claim(
        "three phases", "recon drops (epochs 1–5), kl grows (5–15), both level off (15–30)", _phases
    ),
    Claim("twenty dimensions: lower test loss", "25.2 % lower", _lower),
    Claim("KL as information sent", "about 6 against about 17 nats", _information),
    Claim("like digits lie close", "3, 5, 8 close; 0 and 1 far apart", _classes),
    Claim("borders are soft", "classes run into each other", _soft),
    Claim("no gaps", "the plane is filled", _gaps),
    Claim("the aggregate posterior overlaps the prior", "it does", _overlaps),
    Claim("samples are nonsense where it does not", "they are", _nonsense),
    Claim("the plane's corners", "nonsense, where the prior holds no codes", _corners),
    Claim("a straight path stays where the prior has density", "it does", _path),
    Claim("2-D samples are recognisable", "blurry but recognisable", _recognisable),
    Claim("20-D samples are sharper", "sharper", _sharper),
    Claim("20-D samples are more varied", "more varied", _varied),
    Claim("dimensions go unused as z grows", "at risk of collapse", _unused),
)  # fmt: skip

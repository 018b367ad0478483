"""What travels between Python and the page of runs that are judged or compared."""

from __future__ import annotations

from typing import Annotated, NotRequired, TypedDict

from vaewidgets.contract.sections import Curves, Packed, Prior, Split


class Setting(TypedDict):
    """In which setting a run differs from its neighbours; `value` is None where it is no number."""

    label: str
    name: str | None
    value: float | None


class Compare(TypedDict):
    """The images that several runs reconstruct, and where the streams of prior samples begin."""

    originals: Packed
    labels: Packed | None
    n_samples: int
    sample_stream: int


class Pictures(TypedDict):
    """Reconstructions and prior samples of one run, u8; an autoencoder has neither sigma nor samples."""

    step: int
    seed: int
    mu: Packed
    sigma: Packed | None
    recon: Packed
    samples: Packed | None


class Rate(TypedDict):
    """Rate in nats and distortion in `unit`, means over n images with their standard errors."""

    step: int
    rate: float
    distortion: float
    rate_error: float | None
    distortion_error: float | None
    n: int
    unit: str
    normalised: bool


class BetaAxisData(TypedDict):
    """What a model is at each of k betas, in their order.

    Points (k, n, 2) and units (k, d) of n images. Of the m images that are shown: `mu` (k, m, d) where one
    network is all of them (`is_one`), which the page decodes at any beta; else reconstructions, u8.
    """

    step: int
    is_one: bool
    betas: list[float]
    names: list[str]
    points: Packed
    labels: Packed | None
    axes: list[str]
    prior: Prior
    kl: Packed
    var_mu: Packed
    rate: list[float]
    distortion: list[float]
    unit: str
    n: int
    is_test: bool
    originals: Packed
    image_labels: Packed | None
    mu: Packed | None
    recon: Packed | None


class Change(TypedDict):
    """A verdict, and the step from which on it held."""

    step: int
    verdict: str


class Life(TypedDict):
    """Steps at which a unit became active and inactive; None: never."""

    unit: int
    born: int | None
    died: int | None


class Lives(TypedDict):
    """When units were born and died, at most so many as fit."""

    latent_dim: int
    delta: float
    first: int
    last: int
    dead: int
    never: int
    units: list[Life]


class DiagnosisData(TypedDict):
    """A verdict in words, with evidence and advice; `explained`: share of the variance of the pixels."""

    step: int
    verdict: str
    evidence: list[str]
    advice: list[str]
    notes: list[str]
    changes: list[Change]
    lives: Lives | None
    n_images: int
    explained: float | None


class Active(TypedDict):
    """How many units are active by each criterion, over n images."""

    step: int
    kl: int
    var: int
    n: int


class Size(TypedDict):
    """A run's size and its newest losses; None where there are none yet."""

    latent_dim: int
    seed: int | None
    epoch: int
    recon: float | None
    kl: float | None
    loss: float | None
    split: Split


class Elbow(TypedDict):
    """The smallest size whose recon is within `tolerance` of the best, or why there is none."""

    latent_dim: int | None
    limit: float | None
    tolerance: float
    notes: list[str]


class SizeSweep(TypedDict):
    """What is said of all sizes together."""

    delta: float
    var_threshold: float
    elbow: Elbow


class CodesHistory(TypedDict):
    """Perplexity and used codes over training."""

    step: Packed
    perplexity: Packed
    used: Packed


class Codes(TypedDict):
    """Use of a codebook; `shown`: which codes have a picture."""

    step: int
    n_codes: int
    grid: Annotated[list[int], "[number, number]"]
    counts: Packed
    perplexity: float
    n_used: int
    n_images: int
    shown: Packed
    pictures: Packed
    examples: Packed
    example_codes: Packed
    history: CodesHistory


class Newest(TypedDict):
    """The newest value of a quantity."""

    value: float
    split: Split


class GhostRun(TypedDict):
    """The run before."""

    id: str
    name: str
    epoch: int
    step: int
    unit: str
    latent_dim: int


class GhostNumbers(TypedDict):
    """Its last losses."""

    loss: Newest | None
    recon: Newest | None
    kl: Newest | None


class GhostActive(TypedDict):
    """Its active units, by each criterion."""

    kl: int
    var: int


class Ghost(TypedDict):
    """What stays of the run before."""

    run: GhostRun
    setting: Setting
    curves: Curves
    numbers: GhostNumbers
    active: GhostActive | None


class Form(TypedDict):
    """What the next run starts from, and what can be chosen; a page that trains has some models only."""

    dataset: str
    kind: str
    likelihood: str
    latent_dim: int
    epochs: int
    seed: int
    batch_size: int
    beta: float
    lr: float
    datasets: list[str]
    likelihoods: dict[str, str]
    code: str
    target_kl: NotRequired[float | None]
    kinds: NotRequired[list[str]]
    latent_dims: NotRequired[list[int]]
    batch_sizes: NotRequired[list[int]]

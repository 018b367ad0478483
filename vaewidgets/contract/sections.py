"""What travels between Python and the page: the sections of a frame.

`python -m vaewidgets.contract.typescript` writes js/contract/types.d.ts from the modules `sections`,
`compared`, `training` and `frame`. Shapes and units are stated there once. Sections are complete and bounded:
they cost the same after a million steps as after a thousand.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal, NotRequired, TypedDict

# Of a metadata string the generator makes the type in TypeScript.
Bytes = Annotated[Any, "DataView | ArrayBuffer | ArrayBufferView"]
Dim = Annotated[Any, "number | { b: [number, number] }"]
Drawn = Annotated[list[Any], '["normal" | "uniform", (number | { b: [number, number] })[]][]']
Ops = Annotated[list[Any], "[string, any[], (number | null)[]][]"]
Stored = Annotated[list[Any], "[string, number[]][]"]
Pair = Annotated[list[float], "[number, number]"]
Shape = Annotated[list[int], "[number, number, number]"]
Split = Literal["train", "test"]
Dtype = Literal["u8", "u16", "i32", "f32", "f16", "q16"]
Draw = Literal["slices", "bars", "line", "heatmap"]
Status = Literal["created", "running", "paused", "stopped", "finished", "failed"]


class Packed(TypedDict):
    """A little-endian array; q16 has a `lo` and a `hi` for each column of the last axis, 65535 is NaN."""

    dtype: Dtype
    shape: list[int]
    data: Bytes
    lo: NotRequired[list[float]]
    hi: NotRequired[list[float]]


class Graph(TypedDict):
    """A torch function as ATen operations.

    The first tensors are the inputs, then come `tensors` (parameters, buffers and constants, one after the
    other in `weights`), then random `draws` that the caller fills, then the results of `ops` in order. A
    dimension is a number, or `{"b": [k, c]}` for k times the batch size plus c.
    """

    inputs: list[list[Dim]]
    optional: NotRequired[int]
    tensors: Stored
    weights: Packed
    draws: Drawn
    ops: Ops
    outputs: list[int]


class Decoder(TypedDict):
    """A network for the page, or the reason why there is none."""

    step: int
    network: Graph | None
    reason: str | None
    value_range: NotRequired[Pair]


class Items(TypedDict):
    """How items that are not grey or color images are drawn; their bytes travel as those of `image_shape`.

    "slices": each channel of `image_shape` as a grey plane; the others: numbers from `range` on one axis.
    `shape` has the order of the bytes: (d,), (rows, columns) of a heat map, or of a series (t, f), f counting
    the lines, which is (f, t) where `channels` is "first". `names` are those of f, or of the last axis.
    """

    draw: Draw
    shape: list[int]
    channels: Literal["first", "last"]
    range: Pair
    names: list[str] | None


class RunState(TypedDict):
    """Who is running, how far, with which controls; `test_name`: of a test split that is perhaps none."""

    id: str
    name: str
    status: Status
    error: str | None
    can_train: bool
    step: int
    epoch: int
    epochs: int | None
    steps_per_epoch: int | None
    steps_per_second: float
    beta: float
    beta_controllable: bool
    beta_schedule: str
    lr: float | None
    lr_controllable: bool
    speed: float | None
    unit: str
    likelihood: str
    dataset: str
    device: str
    image_shape: Shape
    items: NotRequired[Items]
    value_range: Pair
    latent_dim: int
    test_name: NotRequired[str]


class RunInfo(RunState):
    """A run as the page sees it: with `Classes`, which come once and not with each frame."""

    class_names: list[str] | None
    class_values: list[int | str] | None


class Classes(TypedDict):
    """By index of a class: its name, and the label by which Python and the view know it; text beyond 2⁵³."""

    names: list[str]
    values: list[int | str]


class Series(TypedDict):
    """One curve against the step; `low` and `high` bound its bucket."""

    name: str
    split: Split
    step: Packed
    mean: Packed
    low: Packed | None
    high: Packed | None


class Curves(TypedDict):
    """Loss, recon, kl and beta."""

    series: list[Series]


class Projection(TypedDict):
    """A plane in latent space: mean (d,), orthonormal components (2, d)."""

    mean: Packed
    components: Packed


class Prior(TypedDict):
    """The prior on the plane: circles of 1 and 2 sigma."""

    center: Pair
    radii: list[float]


class ScatterData(TypedDict):
    """Posterior means of the sample on a plane (n, 2); `spread` holds covariances 11, 12, 22 on it (n, 3)."""

    step: int
    mode: Literal["direct", "pca", "line"]
    axes: list[str]
    explained: list[float] | None
    points: Packed
    labels: Packed | None
    spread: NotRequired[Packed | None]
    projection: Projection | None
    prior: Prior | None
    n_test: int
    n_train: int


class Units(TypedDict):
    """KL in nats and Var(mu) of each of d units over n images, with both thresholds."""

    step: int
    kl: Packed
    var_mu: Packed
    delta: float
    var_threshold: float
    n: int


class Posteriors(TypedDict):
    """Mu and logvar of as many images of the sample as the page has room for, at a step."""

    step: NotRequired[int]
    mu: Packed
    logvar: Packed | None


class TimeLine(TypedDict):
    """A row for each frame, the oldest first; points (frames, n, 2); `weights`: steps that the page has."""

    steps: list[int]
    epochs: list[int]
    kl: Packed | None
    var_mu: Packed
    weights: list[int]
    points: NotRequired[Packed]
    projection: NotRequired[Projection | None]
    prior: NotRequired[Prior]


class GridRow(TypedDict):
    """Reconstructions by one model, u8 (n, C, H, W)."""

    name: str
    images: Packed


class GridData(TypedDict):
    """Originals, u8, and their reconstructions: from the means, or from draws of `seed`."""

    step: int
    indices: Packed
    labels: Packed | None
    originals: Packed
    seed: int | None
    rows: list[GridRow]


class LatentData(TypedDict):
    """What is known of a latent space.

    `prior`: whether N(0, I) is the model's. Of the posterior means, each (d,): mean, std, low, high, and kl
    in nats; total_std, their deviation and that of the posteriors in one. `directions` (k, d): orthonormal
    rows by falling variance, with `scales` (k,), their standard deviations, and `along` (3, k), the total
    deviation, the least and the greatest coordinate from the mean.
    """

    step: int
    prior: bool
    n: int
    mean: Packed
    std: Packed
    total_std: Packed
    low: Packed
    high: Packed
    kl: Packed | None
    directions: Packed
    scales: Packed
    along: Packed
    points: Packed | None
    labels: Packed | None


class Framing(TypedDict):
    """Medians of images: longer side and centre of mass (x, y) of the ink, as shares; background 1: light."""

    extent: float
    center: Pair
    background: int

"""A frame, the other live keys, messages both ways, commands, and keys of the view."""

from __future__ import annotations

from typing import Annotated, Any, Literal, NotRequired, Required, TypedDict

from vaewidgets.contract.compared import (
    Active,
    BetaAxisData,
    Codes,
    Compare,
    DiagnosisData,
    Form,
    Ghost,
    Pictures,
    Rate,
    Setting,
    Size,
    SizeSweep,
)
from vaewidgets.contract.sections import (
    Classes,
    Curves,
    Decoder,
    Framing,
    GridData,
    LatentData,
    Packed,
    Posteriors,
    RunState,
    ScatterData,
    TimeLine,
    Units,
)

# The keys that all widgets of one run on a page share.
SHARED = ("hover", "selected", "classes", "color", "time")
VIEW_KEYS = (
    *SHARED,
    "amount", "answer", "at", "axes", "base", "beta", "cells", "center", "code", "collected",
    "components", "cycles", "delta", "direction", "directions", "ellipses", "end", "ends", "eps", "f",
    "framed", "game", "ghost", "groups", "image", "images", "kept", "kind", "kl", "label", "log",
    "mode", "mu", "off", "path", "pen", "picked", "plane", "prior_mu", "prior_sigma", "projection",
    "quantity", "ratio", "recon", "revealed", "rows", "samples", "seed", "show", "sigma", "smoothing",
    "span", "start", "step", "steps", "stop", "strokes", "style", "target_kl", "target_recon", "temperature",
    "uncertainty", "var_threshold", "z",
)  # fmt: skip
COMMANDS = (
    "pause", "resume", "stop", "advance", "beta", "lr", "speed", "epochs", "new_run", "presenting",
)  # fmt: skip


class Sections(TypedDict, total=False):
    """Sections of a frame; a widget sends some of them."""

    curves: Curves
    scatter: ScatterData
    units: Units
    grid: GridData
    framing: Framing
    latent: LatentData
    setting: Setting
    codes: Codes
    size: Size
    active: Active | None
    diagnosis: DiagnosisData
    pictures: Pictures
    rate: Rate
    compare: Compare
    axis: BetaAxisData
    sweep: SizeSweep
    form: Form
    ghost: Ghost | None


class Part(Sections, total=False):
    """What a frame says of one run."""

    run: Required[Annotated[RunState, "RunInfo"]]


class Frame(Part, total=False):
    """One complete picture, numbered; without a run (a concept's) it has an error of its own."""

    seq: Required[int]
    error: str | None
    others: list[Part]


class TimeWeights(Decoder):
    """The decoder at an earlier step, and mu and logvar of the sample then."""

    mu: NotRequired[Packed]
    logvar: NotRequired[Packed | None]


class Item(TypedDict):
    """A number for each point."""

    name: str
    unit: str
    values: Packed


class Values(TypedDict):
    """What points can be colored by."""

    step: int
    items: list[Item]


class Layout(TypedDict):
    """t-SNE of the points (n, 2), and their means (n, d); `busy`: the step that is being computed."""

    step: NotRequired[int]
    points: NotRequired[Packed]
    mu: NotRequired[Packed]
    busy: int | None
    error: str | None


class Ablation(TypedDict):
    """What switching units off costs: each of them (NaN: not measured), and all of `off` together."""

    step: int
    unit: str
    recon: float | None
    n: int
    cost: Packed
    off: list[int]
    together: float | None
    measuring: list[int] | None


class ViewState(TypedDict):
    """The view, and how often Python has set it; `pages`: by key, the page that turned it, and shows it."""

    set: int
    values: dict[str, Any]
    pages: NotRequired[dict[str, str]]


class LiveState(TypedDict, total=False):
    """Live keys; those of a run that is not the widget's first end in a colon and the id of the run."""

    ack: int
    news: int
    acts: int
    frame: Frame
    view_state: ViewState
    widget_id: str
    thinned: str | None
    classes: Classes | None
    decoder: Decoder
    axis_decoder: Decoder
    encoder: Decoder
    score: Decoder
    originals: Packed | None
    values: Values
    tsne: Layout | None
    ablation: Ablation | None
    posteriors: Posteriors
    sample_labels: Packed | None
    time_line: TimeLine
    time_weights_0: TimeWeights | None
    time_weights_1: TimeWeights | None
    time_weights_2: TimeWeights | None
    time_weights_3: TimeWeights | None
    time_weights_4: TimeWeights | None
    time_weights_5: TimeWeights | None
    time_weights_6: TimeWeights | None
    time_weights_7: TimeWeights | None


class Hello(TypedDict):
    """From the page: a view opened, in a page that allows workers and WebAssembly, or not."""

    type: Literal["hello"]
    workers: NotRequired[bool]
    wasm: NotRequired[bool]


class Pull(TypedDict):
    """From the page, where threads do not reach it: what is newer than the live key `news` is to be sent."""

    type: Literal["pull"]
    have: int


class Reached(TypedDict):
    """From the page: of two messages, one was sent by a thread; whether both have come."""

    type: Literal["reached"]
    thread: bool


class Command(TypedDict):
    """From the page: something is to be done, or was turned (`name` is then "view:" and a key)."""

    type: Literal["command"]
    seq: int
    name: Annotated[str, "CommandName | `view:${ViewKey}`"]
    value: Any
    page: NotRequired[str]


class Question(TypedDict):
    """From the page: points are to be decoded."""

    type: Literal["decode"]
    seq: int
    z: Annotated[Any, "number[] | number[][]"]
    run: str


class Decoded(TypedDict):
    """To the page: the answer to a question; the image's data are the message's buffer."""

    type: Literal["decoded"]
    seq: int
    image: Packed | None
    error: str | None

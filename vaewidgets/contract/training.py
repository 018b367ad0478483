"""What a page needs to train by itself: the data, the settings that it may choose, a graph for each step."""

from __future__ import annotations

from typing import Any, TypedDict

from vaewidgets.contract.sections import Graph, Packed, Pair, Shape


class TrainingTensor(TypedDict):
    """A parameter or buffer: `dtype` as in a safetensors file ("F32", "I64"), `trained` by gradients."""

    name: str
    shape: list[int]
    dtype: str
    trained: bool


class TrainingChoice(TypedDict):
    """A model that the page can train, by the settings that tell it from the others, and its graphs.

    A graph finds the model's `tensors` by name; values of its constants alone are in its `weights`. `step`
    and `evaluation` take x, beta, step, n_data and, with `takes_labels`, one-hot rows (zeros: no class); they
    return `terms`, `step` then a gradient for each trained tensor. `score`, where a widget wants it, takes z,
    x and the rows; it returns x_hat, the cost of each pixel and its gradient by z. `start` takes nothing and
    returns every tensor as first drawn; without it a new run goes on from `weights`. `facts` are those of its
    run file.
    """

    kind: str
    likelihood: str
    latent_dim: int
    unit: str
    takes_labels: bool
    tensors: list[TrainingTensor]
    terms: list[str]
    step: Graph
    evaluation: Graph
    encoder: Graph
    decoder: Graph | None
    score: Graph | None
    start: Graph | None
    facts: dict[str, Any]


class TrainingSplit(TypedDict):
    """Images (n, C, H, W): u8, to be put on the value range, or floats in it; labels are those of the set.

    With `rest`, u8 of `image_shape`, they are smaller: the page enlarges them (see `enlarge` of
    publish/training/enlarged.py) and adds `rest` modulo 256.
    """

    images: Packed
    rest: Packed | None
    labels: Packed | None


class TrainingData(TypedDict):
    """The data set of a page that trains; `whole`: no image of it was left out.

    `places`: for each image, in the order of the page's sample, where it stands in that of the run; None: at
    the same place.
    """

    name: str
    image_shape: Shape
    value_range: Pair
    class_names: list[str] | None
    n_classes: int
    train: TrainingSplit
    test: TrainingSplit | None
    whole: bool
    places: Packed | None


class TrainingOptions(TypedDict):
    """Settings of the run: `schedule` of beta as in run files; `optimizer` by name, with torch's defaults."""

    epochs: int | None
    batch_size: int
    seed: int
    lr: float
    schedule: dict[str, Any]
    optimizer: str
    eval_every: int
    drop_last: bool


class TrainingHistory(TypedDict):
    """What was recorded by step (f32) and, as in run files, by epoch: [updates made, values by name]."""

    steps: Packed
    columns: dict[str, Packed]
    epochs: list[Any]


class Trainable(TypedDict):
    """A run that the page can train: `chosen` is the index of its own model.

    `weights` are its newest, its tensors one after the other; None: the page draws them anew. `history` goes
    with them; None: too long for a page.
    """

    name: str
    choices: list[TrainingChoice]
    chosen: int
    weights: Packed | None
    history: TrainingHistory | None
    step: int
    epoch: int
    options: TrainingOptions
    batch_sizes: list[int]
    data: TrainingData
    facts: dict[str, Any]

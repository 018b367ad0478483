"""Wrong arguments of everything public: each is refused by an error of ours, and nothing is trained."""

from __future__ import annotations

import inspect
import re
import traceback
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn

import vaewidgets as vw
from tests.runs.conftest import our_threads, wait_until
from vaewidgets.errors import VAEWidgetsError
from vaewidgets.runs.background import TrainingRun

NAN = float("nan")
NOTHING = object()
WORD = "no-such-word"
# What is wrong for a parameter, by the names in its annotation; a parameter without one of them is skipped.
WRONG: dict[str, tuple[Any, ...]] = {
    "bool": (None, "yes", 2.5, NOTHING),
    "int": (None, "3", NAN, 2.5, -7, True, NOTHING),
    "float": (None, "0.5", NAN, True, NOTHING),
    "str": (None, 3, WORD, NOTHING),
    "Literal": (None, 3, WORD, NOTHING),
    "Tensor": (None, "x", 3, NOTHING),
    "Run": (None, WORD, 3, NOTHING),
    "Sweep": (None, WORD, 3, NOTHING),
    "ImageDataset": (None, WORD, 3, NOTHING),
    "Module": (None, WORD, 3, NOTHING),
    "Schedule": (None, WORD, NOTHING),
    "Sequence": (None, 3.5, NOTHING),
    "Iterable": (None, 3, NOTHING),
    "tuple": (None, WORD, NOTHING),
    "Mapping": (None, WORD, 3, NOTHING),
    "Likelihood": (None, WORD, 3, NOTHING),
    "NamedLikelihood": (None, 3, NOTHING),
    "Objective": (None, 3, WORD, NOTHING),
    "Generator": (None, 3, WORD, NOTHING),
    "LossConvention": (None, 3, WORD, NOTHING),
    "PathLike": (None, 3, NOTHING),
    "Callable": (None, 3, NOTHING),
    "Executor": (None, 3, WORD, NOTHING),
    "Recipe": (None, 3, WORD, NOTHING),
    "LiveWidget": (None, WORD, 3, NOTHING),
    "device": (None, WORD, NOTHING),
}
# Which values fit an annotation, although they are wrong for another part of it.
FITS: dict[str, Callable[[Any], bool]] = {
    "None": lambda v: v is None,
    "bool": lambda v: isinstance(v, bool),
    "int": lambda v: type(v) is int and v > 0,
    "float": lambda v: type(v) in (int, float) and v > 0,
    "Callable": callable,
    "Any": lambda v: True,
}


# What is no argument for: texts that may be anything, folders that may be missing.
ANY_TEXT = {
    "name",
    "test_name",
    "title",
    "question",
    "because",
    "order_by",
    "unit",
    "path",
    "root",
    "folder",
    "device",
    "a",
    "b",
}
# Values that are let through on purpose.
MEANT = {("LinearVAE", "sigma2", None), ("Prediction", "because", None)}
NOT_CALLED = {"Report", "Run", "Sweep", "VAE"}  # made by others, or to be implemented


class Plain(nn.Module):
    """A VAE as a user writes it."""

    def __init__(self) -> None:
        super().__init__()
        self.encoder, self.decoder = nn.Linear(64, 4), nn.Linear(2, 64)

    def encode(self, x: Tensor) -> tuple[Tensor, ...]:
        return self.encoder(x.flatten(1)).chunk(2, dim=1)

    def decode(self, z: Tensor) -> Tensor:
        return torch.sigmoid(self.decoder(z)).view(-1, 1, 8, 8)


@pytest.fixture(scope="module", autouse=True)
def no_thread_left() -> Iterator[None]:
    """The feeds of the widgets made here end before another file counts threads."""
    yield
    assert wait_until(lambda: not our_threads())


def small(**_: Any) -> vw.MLPVAE:
    """Return a small model of the data set's images."""
    return vw.MLPVAE((1, 8, 8), hidden=(8,))


@pytest.fixture(scope="module")
def calls(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, Callable[[], dict[str, Any]]]]:
    """Give valid arguments of everything public, the required ones at least."""
    data = vw.load_dataset("digits", n_train=40, n_test=20, size=8)
    options: dict[str, Any] = {"batch_size": 16, "epochs": 1, "autosave": False, "device": "cpu"}
    run = vw.train(small(), data, **options).wait(progress=False)
    of_beta = vw.train(vw.MultiRateVAE((1, 8, 8), hidden=(8,)), data, start=False, **options)
    codes = vw.train(vw.VQVAE((1, 8, 8), 4, channels=(4,)), data, **options).wait(progress=False)
    torch.manual_seed(0)
    x, mu, logvar = torch.rand(12, 1, 8, 8), torch.randn(12, 2), torch.zeros(12, 2)
    page = tmp_path_factory.mktemp("pages") / "page.html"
    model, likelihood = run.model, run.likelihood
    run.save(page.with_name("run.safetensors"))
    known: dict[str, Callable[[], dict[str, Any]]] = {
        "ImageDataset": lambda: {"images": np.zeros((12, 8, 8), np.uint8)},
        "ArrayDataset": lambda: {"x": np.zeros((12, 5))},
        "load_dataset": lambda: {"name": "digits", "download": False},
        "train": lambda: {"model": small(), "data": data, "start": False, **options},
        "attach": lambda: {"model": Plain(), "data": data},
        "sweep": lambda: {"make_model": small, "data": data, "batch_size": 16, "epochs": 1},
        "as_vae": lambda: {"model": Plain(), "image_shape": (1, 8, 8)},
        "load_run": lambda: {"path": page.with_name("run.safetensors"), "data": data},
        "save_html": lambda: {"widgets": vw.KLPlayground(), "path": page},
        "show": lambda: {"widgets": vw.KLPlayground(), "as_html": True},
        "Experiment": lambda: {"recipe": "A"},
        "BetaAxis": lambda: {"runs": [of_beta]},
        "CodebookUsage": lambda: {"run": codes},
        "Prediction": lambda: {"question": "Which?", "choices": ["one", "other"]},
        "Tour": lambda: {"widgets": vw.KLPlayground(), "stops": [("One.", {"mu": 1.0})]},
        "LatentExplorer": lambda: {"source": run},
        "ablation": lambda: {"model": model, "x": x},
        "unfamiliarity": lambda: {"model": model, "x": x},
        "importance_bound": lambda: {"model": model, "likelihood": likelihood, "x": x, "k": 10},
        "rate_distortion": lambda: {"model": model, "likelihood": likelihood, "x": x},
        "run_stats": lambda: {"model": model, "data": data},
        "distil": lambda: {"teacher": model, "train": x, "test": x, "epochs": 1},
        "judge_path": lambda: {"images": x},
        "mmd": lambda: {"a": mu, "b": mu},
        "principal_angles": lambda: {"a": x[:, 0, :2].flatten(0, 1), "b": x[:, 0, 2:4].flatten(0, 1)},
        "probabilistic_pca": lambda: {"x": x, "q": 2},
        "mutual_information_gap": lambda: {"codes": mu, "factors": torch.arange(24).view(12, 2) % 3},
        "elbow": lambda: {"latent_dims": [1, 2, 3, 4], "recon": [9.0, 5.0, 4.0, 4.0]},
        "diagnose": lambda: {"history": run.history},
    }
    known |= {"TargetKL": lambda: {"kl": 20.0}, "GECO": lambda: {"recon": 90.0}}
    shared = {"image_shape": (1, 8, 8), "run": run, "runs": [run], "mu": mu, "logvar": logvar}
    for name in (name for name in PUBLIC if name not in known):
        parameters = inspect.signature(getattr(vw, name)).parameters.values()
        needed = [one.name for one in parameters if one.default is one.empty]
        known[name] = lambda needed=needed: {one: shared[one] for one in needed}
    yield known
    for one in (run, of_beta, codes):
        one.close()


PUBLIC = [
    name
    for name in vw.__all__
    if name not in NOT_CALLED and callable(getattr(vw, name)) and not inspect.ismodule(getattr(vw, name))
]


def wrong_values(parameter: inspect.Parameter) -> list[Any]:
    """Return values that are wrong for a parameter, by its annotation."""
    words = set(re.findall(r"\w+", re.sub(r"'[^']*'", "", str(parameter.annotation))))
    found: list[Any] = []
    for value in (value for word in WRONG if word in words for value in WRONG[word]):
        fits = any(word in words and fit(value) for word, fit in FITS.items())
        is_text = isinstance(value, str) and (
            parameter.name in ANY_TEXT or ("str" in words and value != WORD)
        )
        if not fits and not is_text and not any(value is one for one in found):
            found.append(value)
    return found


def outcome(function: Callable[..., Any], arguments: dict[str, Any]) -> str:
    """Return what a call does: nothing to say where it refuses its arguments by an error of ours."""
    try:
        function(**arguments)
    except VAEWidgetsError:
        return ""
    except Exception as error:
        by_signature = isinstance(error, TypeError) and not traceback.extract_tb(error.__traceback__)[1:]
        return "" if by_signature else f"{type(error).__name__}: {error}"
    return "accepted"


@pytest.mark.parametrize("name", PUBLIC)
def test_wrong_arguments_are_refused(
    name: str, calls: dict[str, Callable[[], dict[str, Any]]], monkeypatch: pytest.MonkeyPatch
) -> None:
    function = getattr(vw, name)
    made = function(**calls[name]())
    if hasattr(made, "close"):
        made.close()
    started: list[Any] = []
    monkeypatch.setattr(TrainingRun, "resume", started.append)
    found = {}
    for parameter in inspect.signature(function).parameters.values():
        for value in wrong_values(parameter):
            if not any(one[:2] == (name, parameter.name) and one[2] is value for one in MEANT):
                said = outcome(function, {**calls[name](), parameter.name: value})
                found |= {f"{parameter.name}={value!r}": said} if said else {}
    assert found == {}
    assert started == []


def test_wrong_arguments_would_be_found() -> None:
    """The walk itself: what it tries, and what it sees."""

    def count(n: int, name: str | None = None) -> None:
        int(n)

    parameters = inspect.signature(count).parameters
    assert len(wrong_values(parameters["n"])) == 7
    assert wrong_values(parameters["name"]) == [3, NOTHING]
    assert outcome(count, {"n": 2.5}) == "accepted"
    assert outcome(count, {"n": None}).startswith("TypeError: int()")
    assert outcome(count, {"m": 1}) == ""

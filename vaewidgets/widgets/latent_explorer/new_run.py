"""The settings of a run as one wrote them: to start another one with some of them changed, and as code."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

from vaewidgets.adapters.seeded import seeded
from vaewidgets.adapters.thread_mode import restored_modes
from vaewidgets.checks import is_whole, number, one_of, whole
from vaewidgets.contract.compared import Form
from vaewidgets.data import ImageDataset, datasets_at_hand, load_dataset
from vaewidgets.errors import OptionError, did_you_mean
from vaewidgets.models import build
from vaewidgets.models.pixels import OUTPUTS
from vaewidgets.models.variants import KINDS, kind_of, variant
from vaewidgets.objectives import TargetKL, traits
from vaewidgets.objectives.named import OBJECTIVES
from vaewidgets.runs import Run, train
from vaewidgets.sections.settings import config_of
from vaewidgets.widgets.latent_explorer import code
from vaewidgets.widgets.latent_explorer.code import Code

LIKELIHOODS = {"bernoulli": "BCE", "squared_error": "MSE"}
WHOLE = ("latent_dim", "epochs", "seed", "batch_size")
REAL = ("beta", "lr")
FIELDS = ("dataset", "kind", "likelihood", *WHOLE, *REAL)
TARGET = "target_kl"  # may be left out, or None: beta is held where it is
# images of each split of the whole set; fewer were asked for by n_train and n_test
WHOLE_SETS = {
    "strokes": (2000, 400),
    "digits": (1442, 355),
    "mnist": (60_000, 10_000),
    "fashion-mnist": (60_000, 10_000),
    "frey": (1638, 327),
    "shapes": (10_000, 2_000),
    "faces": (1600, 320),
}
_TRAIN_OPTIONS = (
    "epochs",
    "batch_size",
    "lr",
    "optimizer",
    "seed",
    "drop_last",
    "eval_every",
    "precision",
    "cuda_graph",
    "speed",
)
_DEFAULTS: dict[str, Any] = {
    "optimizer": "adam",
    "drop_last": False,
    "eval_every": 1,
    "precision": "float32",
    "cuda_graph": False,
    "speed": None,
}


def form_state(run: Run, at_hand: Sequence[str]) -> Form:
    """What a form for the next run starts from: this run's settings, and what can be chosen.

    Parameters
    ----------
    run : Run
    at_hand : sequence of str
        Data sets that can be loaded, from `datasets_at_hand`.
    """
    model, options = run.model, run.options
    kind = kind_of(model)
    likelihood = getattr(model, "likelihood", None)
    likelihoods = dict(LIKELIHOODS)
    if likelihood in OUTPUTS:
        likelihoods.setdefault(likelihood, likelihood)
    own = run.data.name
    return {
        "dataset": own,
        "kind": kind if kind in KINDS else "VAE",
        "likelihood": likelihood if likelihood in OUTPUTS else "bernoulli",
        "latent_dim": model.latent_dim,
        "epochs": run.epochs or 30,
        "seed": _whole(options.get("seed"), 0),
        "batch_size": _whole(options.get("batch_size"), 128),
        "beta": run.current_beta,
        "lr": run.lr or 1e-3,
        "datasets": list(dict.fromkeys((own, *at_hand))),
        "likelihoods": likelihoods,
        "code": code_of(run),
    }


def make_run(run: Run, settings: Mapping[str, Any]) -> Run:
    """Another run, not started, with the settings of a form in place of those of `run`.

    Parameters
    ----------
    run : Run
        Gives what the form does not say: the data where they have the same name, width and activation of the
        layers where its model has such, optimizer, precision and speed.
    settings : mapping
        Each of dataset, kind ("VAE" or "AE"), likelihood, latent_dim, epochs, seed, batch_size, beta and lr;
        also target_kl, in nats an image, where beta is to follow from it.

    Raises
    ------
    OptionError, DataError
        Before anything is built: a setting that is missing, unknown or out of its range.
    """
    wanted = check_settings(settings)
    data = _data_of(run, wanted["dataset"])
    config: dict[str, Any] = {"class": KINDS[wanted["kind"]].__name__}
    config |= {name: wanted[name] for name in ("latent_dim", "likelihood")}
    if kind_of(run.model) in KINDS:
        config = variant(run.model, **{name: wanted[name] for name in ("kind", "likelihood", "latent_dim")})
    config["image_shape"] = data.image_shape
    with restored_modes(), seeded(wanted["seed"]):  # the weights' seed, too, as in the code that is shown
        model = build(config)
    target = wanted.pop(TARGET)
    if target is not None and wanted["kind"] != "AE":
        wanted["beta"] = TargetKL(target)
    names = ("optimizer", "precision", "cuda_graph", "autosave")
    kept = {name: run.options[name] for name in names if name in run.options}
    return train(
        model,
        data,
        **{name: wanted[name] for name in ("epochs", "seed", "batch_size", "beta", "lr")},
        **kept,
        speed=run.speed if run.can_train else None,
        start=False,
    )


def check_settings(settings: Mapping[str, Any]) -> dict[str, Any]:
    """Return the settings of a form with their types, or raise an `OptionError`."""
    if not isinstance(settings, Mapping):
        raise OptionError(f"a new run got {type(settings).__name__}; expected its settings as a dict.")
    for name in settings:
        if name not in (*FIELDS, TARGET):
            raise OptionError(f"a new run has no setting {name!r}.{did_you_mean(name, (*FIELDS, TARGET))}")
    missing = [name for name in FIELDS if name not in settings]
    if missing:
        raise OptionError(f"a new run also wants {', '.join(missing)}.")
    out = {TARGET: None, **settings}
    if out[TARGET] is not None:
        out[TARGET] = number(TARGET, out[TARGET], above=0, also=", or None")
    one_of("kind", out["kind"], KINDS)
    one_of("likelihood", out["likelihood"], OUTPUTS)
    for name in (*WHOLE, *REAL):
        value = number(name, out[name])
        out[name] = whole(name, int(value) if value.is_integer() else value) if name in WHOLE else value
    return out


def _data_of(run: Run, name: str) -> ImageDataset:
    if name == run.data.name:
        data: ImageDataset = run.data
        return data
    known = datasets_at_hand()
    if name not in known:
        raise OptionError(
            f"dataset is {name!r}; at hand are {', '.join(map(repr, known))}.{did_you_mean(name, known)}"
        )
    return load_dataset(name, download=False)


def code_of(run: Run) -> str:
    """A code cell that trains the same run again: same data, first weights, order and noise.

    What is not known here, such as data or a model of one's own, is named in a comment. Where beta or lr were
    turned while it trained, a comment says so: the code starts as the run did.

    Names and options may come from a file: they get into the code as quoted literals only (see `code`).
    """
    seed = code.call("torch.manual_seed", _whole(run.options.get("seed"), 0))
    return code.cell(
        code.imported("torch"),
        code.imported("vaewidgets", "vw"),
        None,
        _data_code(run.data),
        code.comment("of the first weights", behind=seed),
        _model_code(run),
        *(_train_code(run) if run.can_train else [_attach_code()]),
        code.call("vw.LatentExplorer", code.name("run")),
    )


def _data_code(data: ImageDataset) -> Code:
    if data.name not in WHOLE_SETS:
        unknown = code.assign("data", code.UNKNOWN)
        kind = "ImageDataset" if data.holds_images else "ArrayDataset"
        return code.comment(f"your own {kind}, here named {{}}", data.name, behind=unknown)
    sizes = (len(data.train), len(data.test) if data.test is not None else 0)
    options: dict[str, Any] = {
        name: n
        for name, n, whole in zip(("n_train", "n_test"), sizes, WHOLE_SETS[data.name], strict=True)
        if n != whole
    }
    if tuple(data.value_range) != (0.0, 1.0):
        options["value_range"] = tuple(data.value_range)
    return code.assign("data", code.call("vw.load_dataset", data.name, **options))


def _model_code(run: Run) -> Code:
    config = config_of(run.model)
    if config is None:
        unknown = code.assign("model", code.UNKNOWN)
        return code.comment("your own {}", type(run.model).__name__, behind=unknown)
    kind = config.pop("class")
    config.pop("image_shape")
    given = {key: tuple(v) if isinstance(v, list) else v for key, v in config.items() if v is not None}
    return code.assign("model", code.call(f"vw.{kind}", code.name("data.image_shape"), **given))


def _attach_code() -> Code:
    attached = code.assign("run", code.call("vw.attach", code.name("model"), code.name("data")))
    return code.comment("your loop calls run.log(loss=..., recon=..., kl=...)", behind=attached)


def _train_code(run: Run) -> list[Code]:
    options = dict(run.options)
    beta = _constant(options.get("beta"))
    given = {name: options[name] for name in _TRAIN_OPTIONS if name in options}
    given["epochs"] = run.epochs
    notes = []
    if beta is None:
        notes.append(code.comment("beta followed a schedule: {}; give it as beta=...", options.get("beta")))
    else:
        given["beta"] = beta
        if run.current_beta != beta:
            notes.append(code.comment("beta was turned while it trained, to {}", run.current_beta))
    if run.lr is not None and run.lr != options.get("lr"):
        notes.append(code.comment("lr was turned while it trained, to {}", run.lr))
    objective = options.get("objective", run.objective.name)
    if type(run.objective) not in OBJECTIVES.values() or objective != run.objective.name:
        # a file keeps the name of it only
        notes.append(code.comment("the objective was your own, {}; give it as objective=...", objective))
    else:
        given |= _objective_option(run)
    shown = {}
    for name, value in given.items():
        if not isinstance(value, Code) and not code.is_literal(value):
            notes.append(code.comment("{} was {}, which cannot be written here", name, value))
        elif name not in _DEFAULTS or value != _DEFAULTS[name]:
            shown[name] = value
    return [
        *notes,
        code.assign("run", code.call("vw.train", code.name("model"), code.name("data"), **shown)),
    ]


def _objective_option(run: Run) -> dict[str, Any]:
    """One of ours as an option: nothing for the model's own, its name, or with settings of its own a call."""
    objective = run.objective
    settings = objective.to_dict()
    name = settings.pop("name")
    if objective.to_dict() != type(objective)().to_dict():
        return {"objective": code.call(f"vw.{type(objective).__name__}", **settings)}
    return {} if name == traits(run.model).default_objective else {"objective": name}


def _constant(description: Any) -> float | int | None:
    try:
        value = float(description)
    except (TypeError, ValueError, OverflowError):
        return None
    if not math.isfinite(value):
        return None
    return int(value) if value.is_integer() else value


def _whole(value: Any, default: int) -> int:
    """A whole number among the options, which may come from a file."""
    return int(value) if is_whole(value) else default

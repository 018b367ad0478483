"""The settings of a run as one wrote them: to start another one with some of them changed, and as code."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from vaewidgets.data import ImageDataset, datasets_at_hand, load_dataset
from vaewidgets.errors import OptionError, did_you_mean
from vaewidgets.models import MLPVAE, Autoencoder, build
from vaewidgets.protocol.seeded import drawing, seeded
from vaewidgets.training import Run, train
from vaewidgets.widgets.settings import config_of

__all__ = ["code_of", "form_state", "make_run"]

KINDS = {"VAE": MLPVAE, "AE": Autoencoder}
LIKELIHOODS = {"bernoulli": "BCE", "squared_error": "MSE"}
WHOLE = ("latent_dim", "epochs", "seed", "batch_size")
REAL = ("beta", "lr")
FIELDS = ("dataset", "kind", "likelihood", *WHOLE, *REAL)
# images of each split of the whole set; fewer were asked for by n_train and n_test
WHOLE_SETS = {
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


def form_state(run: Run, at_hand: Sequence[str]) -> dict[str, Any]:
    """What a form for the next run starts from: this run's settings, and what can be chosen.

    Parameters
    ----------
    run : Run
    at_hand : sequence of str
        Data sets that can be loaded, from `datasets_at_hand`.
    """
    model, options = run.model, run.options
    kind = next((name for name, cls in KINDS.items() if type(model) is cls), None)
    likelihood = getattr(model, "likelihood", None)
    own = run.data.name
    return {
        "dataset": own,
        "kind": kind or "VAE",
        "likelihood": likelihood if likelihood in LIKELIHOODS else "bernoulli",
        "latent_dim": model.latent_dim,
        "epochs": run.epochs or 30,
        "seed": int(options.get("seed", 0)),
        "batch_size": int(options.get("batch_size", 128)),
        "beta": run.current_beta,
        "lr": run.lr or 1e-3,
        "datasets": list(dict.fromkeys((own, *at_hand))),
        "likelihoods": dict(LIKELIHOODS),
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
        Each of dataset, kind ("VAE" or "AE"), likelihood, latent_dim, epochs, seed, batch_size, beta and lr.

    Raises
    ------
    OptionError, DataError
        Before anything is built: a setting that is missing, unknown or out of its range.
    """
    wanted = check_settings(settings)
    data = _data_of(run, wanted["dataset"])
    old = run.model
    config = {"class": KINDS[wanted["kind"]].__name__, "image_shape": data.image_shape}
    config |= {name: wanted[name] for name in ("latent_dim", "likelihood")}
    if isinstance(old, MLPVAE | Autoencoder):
        config |= {"hidden": old.hidden, "activation": old.activation}
    with drawing, seeded(wanted["seed"]):  # the weights' seed, too, as in the code that is shown
        model = build(config)
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
        raise OptionError(f"a new run got {type(settings).__name__}; wanted its settings as a dict.")
    for name in settings:
        if name not in FIELDS:
            raise OptionError(f"a new run has no setting {name!r}.{did_you_mean(name, FIELDS)}")
    missing = [name for name in FIELDS if name not in settings]
    if missing:
        raise OptionError(f"a new run also wants {', '.join(missing)}.")
    out = dict(settings)
    for name, choices in (("kind", KINDS), ("likelihood", LIKELIHOODS)):
        if out[name] not in choices:
            raise OptionError(f"{name} is {out[name]!r}; wanted one of {', '.join(map(repr, choices))}.")
    for name in (*WHOLE, *REAL):
        value = out[name]
        if isinstance(value, bool) or not isinstance(value, int | float):
            raise OptionError(f"{name} is {value!r}; wanted a number.")
        if name in WHOLE:
            if value != int(value):
                raise OptionError(f"{name} is {value!r}; wanted a whole number.")
            out[name] = int(value)
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


# as code ------------------------------------------------------------------------------------------


def code_of(run: Run) -> str:
    """A code cell that trains the same run again: same data, first weights, order and noise.

    What is not known here, such as data or a model of one's own, is named in a comment. Where beta or lr were
    turned while it trained, a comment says so: the code starts as the run did.
    """
    lines = ["import torch", "import vaewidgets as vw", ""]
    lines += _data_code(run.data)
    seed = int(run.options.get("seed", 0))
    lines += [f"torch.manual_seed({seed})  # of the first weights", *_model_code(run)]
    if run.can_train:
        lines += _train_code(run)
    else:
        lines += ["run = vw.attach(model, data)  # your loop calls run.log(loss=..., recon=..., kl=...)"]
    return "\n".join([*lines, "vw.LatentExplorer(run)"])


def _data_code(data: ImageDataset) -> list[str]:
    if data.name not in WHOLE_SETS:
        return [f"data = ...  # your own ImageDataset, here named {data.name!r}"]
    sizes = (len(data.train), len(data.test) if data.test is not None else 0)
    options = [
        f", {name}={n}"
        for name, n, whole in zip(("n_train", "n_test"), sizes, WHOLE_SETS[data.name], strict=True)
        if n != whole
    ]
    if tuple(data.value_range) != (0.0, 1.0):
        options.append(f", value_range={tuple(data.value_range)!r}")
    return [f"data = vw.load_dataset({data.name!r}{''.join(options)})"]


def _model_code(run: Run) -> list[str]:
    config = config_of(run.model)
    if config is None:
        return [f"model = ...  # your own {type(run.model).__name__}"]
    name = config.pop("class")
    config.pop("image_shape")
    given = {key: tuple(v) if isinstance(v, list) else v for key, v in config.items() if v is not None}
    settings = "".join(f", {key}={value!r}" for key, value in given.items())
    return [f"model = vw.{name}(data.image_shape{settings})"]


def _train_code(run: Run) -> list[str]:
    options = dict(run.options)
    beta = _constant(options.get("beta"))
    given = {name: options[name] for name in _TRAIN_OPTIONS if name in options}
    given["epochs"] = run.epochs
    if beta is not None:
        given["beta"] = beta
    if options.get("objective", _default_objective(run)) != _default_objective(run):
        given["objective"] = options["objective"]
    shown = {
        name: value for name, value in given.items() if name not in _DEFAULTS or value != _DEFAULTS[name]
    }
    notes = []
    if beta is None:
        notes.append(f"# beta followed a schedule: {options.get('beta')}; give it as beta=...")
    elif run.current_beta != beta:
        notes.append(f"# beta was turned while it trained, to {run.current_beta:g}")
    if run.lr is not None and run.lr != options.get("lr"):
        notes.append(f"# lr was turned while it trained, to {run.lr:g}")
    settings = ", ".join(f"{name}={value!r}" for name, value in shown.items())
    return [*notes, f"run = vw.train(model, data, {settings})"]


def _default_objective(run: Run) -> str:
    return str(getattr(run.model, "default_objective", "elbo"))


def _constant(description: Any) -> float | int | None:
    try:
        value = float(description)
    except (TypeError, ValueError):
        return None
    return int(value) if value.is_integer() else value

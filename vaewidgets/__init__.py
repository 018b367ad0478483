"""Variational autoencoders you can touch: widgets on a live training loop.

Public names are imported on first use (PEP 562), so that `import vaewidgets` is quick and
`vaewidgets.training` needs no widget package.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

__version__ = "0.1.0"

# public name -> the room that holds it
_ROOM_OF = {
    "ActiveUnitsBar": "widgets",
    "AnnealingSchedule": "widgets",
    "ArchitectureDiagram": "widgets",
    "Autoencoder": "models",
    "AutoregressiveVAE": "models",
    "Bernoulli": "objectives",
    "BetaCompare": "widgets",
    "BetaTC": "objectives",
    "BottleneckGame": "widgets",
    "BottleneckSweep": "widgets",
    "Capacity": "objectives",
    "CodebookUsage": "widgets",
    "ConditionalVAE": "models",
    "Constant": "objectives",
    "ContinuousBernoulli": "objectives",
    "ConvVAE": "models",
    "Cyclical": "objectives",
    "Diagnosis": "widgets",
    "ELBO": "objectives",
    "Experiment": "recipes",
    "FreeBits": "objectives",
    "Gaussian": "objectives",
    "ImageDataset": "data",
    "InfoVAE": "objectives",
    "InterpolationStrip": "widgets",
    "KLPlayground": "widgets",
    "LatentExplorer": "widgets",
    "LatentManifold": "widgets",
    "LatentScatter": "widgets",
    "LatentTraversal": "widgets",
    "LinearAutoencoder": "models",
    "LinearVAE": "models",
    "LinearWarmup": "objectives",
    "LossConvention": "protocol",
    "MLPVAE": "models",
    "Prediction": "widgets",
    "PriorSamples": "widgets",
    "Reconstruction": "objectives",
    "ReconstructionGrid": "widgets",
    "ReparameterizationDemo": "widgets",
    "Report": "recipes",
    "Run": "training",
    "SketchEncoder": "widgets",
    "SquaredError": "objectives",
    "Sweep": "training",
    "TrainingCurves": "widgets",
    "VAE": "protocol",
    "VQ": "objectives",
    "VQVAE": "models",
    "ablation": "diagnostics",
    "active_units": "diagnostics",
    "aggregate_posterior": "diagnostics",
    "as_vae": "protocol",
    "attach": "training",
    "diagnose": "diagnostics",
    "distil": "diagnostics",
    "elbow": "diagnostics",
    "importance_bound": "diagnostics",
    "judge_path": "diagnostics",
    "kl_per_dim": "objectives",
    "load_dataset": "data",
    "load_run": "training",
    "mmd": "objectives",
    "mutual_information_gap": "diagnostics",
    "principal_angles": "diagnostics",
    "probabilistic_pca": "diagnostics",
    "rate_distortion": "diagnostics",
    "run_stats": "diagnostics",
    "save_html": "widgets",
    "sweep": "training",
    "train": "training",
    "unfamiliarity": "diagnostics",
}
# the error tree is a module, since its names say what they are: `except vw.errors.DataError`
_MODULES = frozenset(
    {"data", "diagnostics", "errors", "models", "objectives", "portable", "protocol", "training", "widgets"}
)

__all__ = ["__version__", *sorted(_ROOM_OF), *sorted(_MODULES)]

if TYPE_CHECKING:
    from vaewidgets import (
        data,
        diagnostics,
        errors,
        models,
        objectives,
        portable,
        protocol,
        training,
        widgets,
    )
    from vaewidgets.adapters import VAE, LossConvention, as_vae
    from vaewidgets.data import ImageDataset, load_dataset
    from vaewidgets.diagnostics import (
        ablation,
        active_units,
        aggregate_posterior,
        diagnose,
        distil,
        elbow,
        importance_bound,
        judge_path,
        mutual_information_gap,
        principal_angles,
        probabilistic_pca,
        rate_distortion,
        run_stats,
        unfamiliarity,
    )
    from vaewidgets.experiments import Experiment, Report
    from vaewidgets.models import (
        MLPVAE,
        VQVAE,
        Autoencoder,
        AutoregressiveVAE,
        ConditionalVAE,
        ConvVAE,
        LinearAutoencoder,
        LinearVAE,
    )
    from vaewidgets.objectives import (
        ELBO,
        VQ,
        Bernoulli,
        BetaTC,
        Capacity,
        Constant,
        ContinuousBernoulli,
        Cyclical,
        FreeBits,
        Gaussian,
        InfoVAE,
        LinearWarmup,
        Reconstruction,
        SquaredError,
        kl_per_dim,
        mmd,
    )
    from vaewidgets.runs import Run, attach, load_run, train
    from vaewidgets.sweeps import Sweep, sweep
    from vaewidgets.widgets import (
        ActiveUnitsBar,
        AnnealingSchedule,
        ArchitectureDiagram,
        BetaCompare,
        BottleneckGame,
        BottleneckSweep,
        CodebookUsage,
        Diagnosis,
        InterpolationStrip,
        KLPlayground,
        LatentExplorer,
        LatentManifold,
        LatentScatter,
        LatentTraversal,
        Prediction,
        PriorSamples,
        ReconstructionGrid,
        ReparameterizationDemo,
        SketchEncoder,
        TrainingCurves,
        save_html,
    )


def __getattr__(name: str) -> Any:
    if name in _MODULES:
        return import_module(f"{__name__}.{name}")
    room = _ROOM_OF.get(name)
    if room is None:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = getattr(import_module(f"{__name__}.{room}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted(__all__)

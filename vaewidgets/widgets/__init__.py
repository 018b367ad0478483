"""The widgets: each takes a run and shows it live, after the run and after a reload.

Never imports an experiment; no other room but `experiments` imports from here.
"""

from vaewidgets.live.hosts import host
from vaewidgets.live.save import save_html
from vaewidgets.live.show import show
from vaewidgets.widgets.active_units_bar import ActiveUnitsBar
from vaewidgets.widgets.annealing_schedule import AnnealingSchedule
from vaewidgets.widgets.architecture_diagram import ArchitectureDiagram
from vaewidgets.widgets.beta_axis import BetaAxis
from vaewidgets.widgets.beta_compare import BetaCompare
from vaewidgets.widgets.bottleneck_game import BottleneckGame
from vaewidgets.widgets.bottleneck_sweep import BottleneckSweep
from vaewidgets.widgets.codebook_usage import CodebookUsage
from vaewidgets.widgets.diagnosis import Diagnosis
from vaewidgets.widgets.elbo_microscope import ElboMicroscope
from vaewidgets.widgets.interpolation_strip import InterpolationStrip
from vaewidgets.widgets.kl_playground import KLPlayground
from vaewidgets.widgets.latent_arithmetic import LatentArithmetic
from vaewidgets.widgets.latent_explorer import LatentExplorer
from vaewidgets.widgets.latent_geometry import LatentGeometry
from vaewidgets.widgets.latent_manifold import LatentManifold
from vaewidgets.widgets.latent_scatter import LatentScatter
from vaewidgets.widgets.latent_traversal import LatentTraversal
from vaewidgets.widgets.learned_prior import LearnedPrior
from vaewidgets.widgets.prediction import Prediction
from vaewidgets.widgets.prior_samples import PriorSamples
from vaewidgets.widgets.reconstruction_grid import ReconstructionGrid
from vaewidgets.widgets.reparameterization_demo import ReparameterizationDemo
from vaewidgets.widgets.sketch_encoder import SketchEncoder
from vaewidgets.widgets.tour import Tour
from vaewidgets.widgets.training_curves import TrainingCurves

__all__ = [
    "ActiveUnitsBar",
    "AnnealingSchedule",
    "ArchitectureDiagram",
    "BetaAxis",
    "BetaCompare",
    "BottleneckGame",
    "BottleneckSweep",
    "CodebookUsage",
    "Diagnosis",
    "ElboMicroscope",
    "InterpolationStrip",
    "KLPlayground",
    "LatentArithmetic",
    "LatentExplorer",
    "LatentGeometry",
    "LatentManifold",
    "LatentScatter",
    "LatentTraversal",
    "LearnedPrior",
    "Prediction",
    "PriorSamples",
    "ReconstructionGrid",
    "ReparameterizationDemo",
    "SketchEncoder",
    "Tour",
    "TrainingCurves",
    "host",
    "save_html",
    "show",
]

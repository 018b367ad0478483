"""All models, in one list."""

from tests.experiments.foreign_models.convolutional import CONVOLUTIONAL, PYTHAE, PYTORCH_VAE
from tests.experiments.foreign_models.flat import FLAT

TABLE = (*FLAT, *CONVOLUTIONAL, *PYTORCH_VAE, *PYTHAE)

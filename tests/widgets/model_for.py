"""The model that a widget asks for, small: most take any VAE."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import vaewidgets as vw


def model_for(widget_class: Any, image_shape: Sequence[int], latent_dim: int = 2) -> Any:
    if widget_class is vw.CodebookUsage:  # it refuses models without a codebook
        return vw.VQVAE(image_shape, 16, code_dim=4, channels=(8, 8))
    if widget_class is vw.BetaAxis:  # of one run it wants a model that is conditioned on beta
        return vw.MultiRateVAE(image_shape, latent_dim, hidden=(32,))
    return vw.MLPVAE(image_shape, latent_dim=latent_dim, hidden=(32,))

"""How another project reduces the losses that it logs, and back to ours."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

from vaewidgets.checks import number, one_of

_RECON = ("sum", "batch_sum", "pixel_mean")
_KL = ("sum", "batch_sum", "latent_mean", "pixel_mean")


@dataclass(frozen=True)
class LossConvention:
    """How a training loop reduces the recon and kl that it logs.

    Ours, which the defaults stand for: summed over pixels and latent dimensions, averaged over the images of
    the batch; recon is binary cross-entropy or the plain sum of squares; kl is positive and not weighted.

    Attributes
    ----------
    recon : {"sum", "batch_sum", "pixel_mean"}
        "sum": summed over pixels, averaged over images. "batch_sum": summed over both. "pixel_mean": averaged
        over both, as `torch.nn.functional.mse_loss` does by default.
    recon_factor : float
        What the loop multiplies recon by: 0.5 for half the sum of squares.
    kl : {"sum", "batch_sum", "latent_mean", "pixel_mean"}
        "sum": summed over latent dimensions, averaged over images. "batch_sum": summed over both.
        "latent_mean": averaged over both. "pixel_mean": as "sum", divided by the number of pixels.
    kl_sign : {1, -1}
        -1 where the loop logs the negative of the divergence.
    kl_weight : float or None
        The weight (beta) that the logged kl is already multiplied by; None for none.
    recon_sign : {1, -1}
        -1 where the loop logs a log-likelihood as recon, and not its negative; the loss keeps its sign.

    Raises
    ------
    OptionError
        If a word is unknown or a factor cannot be undone.
    """

    recon: Literal["sum", "batch_sum", "pixel_mean"] = "sum"
    recon_factor: float = 1.0
    kl: Literal["sum", "batch_sum", "latent_mean", "pixel_mean"] = "sum"
    kl_sign: Literal[1, -1] = 1
    kl_weight: float | None = None
    recon_sign: Literal[1, -1] = 1

    def __post_init__(self) -> None:
        one_of("recon", self.recon, _RECON)
        one_of("kl", self.kl, _KL)
        one_of("recon_sign", self.recon_sign, (1, -1))
        one_of("kl_sign", self.kl_sign, (1, -1))
        for name, factor in (("recon_factor", self.recon_factor), ("kl_weight", self.kl_weight)):
            if factor is not None or name == "recon_factor":
                fix = "Log a term before it is weighted by 0"
                number(name, factor, above=0, also=f", since it is divided out. {fix}")

    def canonical(
        self, recon: Any, kl: Any, batch_size: int, n_pixels: int, latent_dim: int
    ) -> tuple[Any, Any]:
        """Turn logged terms into sums over pixels and latent dimensions, averaged over images.

        Parameters
        ----------
        recon, kl : Tensor, ndarray, float or None
            As logged; None stays None. Tensors stay on their device, with no synchronisation.
        batch_size : int
            Images in the batch that they were logged for.
        n_pixels : int
            C * H * W.
        latent_dim : int

        Returns
        -------
        recon, kl
            Of the same types.
        """
        recon_scale = {"sum": 1.0, "batch_sum": 1.0 / batch_size, "pixel_mean": float(n_pixels)}[self.recon]
        kl_scale = {
            "sum": 1.0,
            "batch_sum": 1.0 / batch_size,
            "latent_mean": float(latent_dim),
            "pixel_mean": float(n_pixels),
        }[self.kl]
        kl_scale *= self.kl_sign / (1.0 if self.kl_weight is None else self.kl_weight)
        recon_scale *= self.recon_sign / self.recon_factor
        return _scaled(recon, recon_scale), _scaled(kl, kl_scale)


def _scaled(value: Any, scale: float) -> Any:
    # A tensor times 1 would be a kernel launch for nothing in every step.
    return value if value is None or scale == 1.0 else value * scale

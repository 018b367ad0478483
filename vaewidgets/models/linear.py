"""Linear models, whose optima are known in closed form: probabilistic PCA and PCA."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Literal, final

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from vaewidgets.checks import flag
from vaewidgets.errors import OptionError, ShapeError
from vaewidgets.models.base import Model
from vaewidgets.models.pixels import PixelHead, floored_log_sigma2, pixel_head


@final
class LinearVAE(Model):
    """VAE of one linear layer each way: q(z|x) = N(V x + b, diag(s)), p(x|z) = N(W z + c, sigma² I).

    The posterior's variance s is one parameter for all images, as it is in the optimum, which is that of
    probabilistic PCA (Tipping & Bishop 1999): there the bound equals the log-likelihood, unit i costs
    ½ ln(λ_i / sigma²) nats, Var(mu_i) = 1 − sigma²/λ_i, and a unit is dead exactly when λ_i ≤ sigma². For
    images of any range, since nothing squashes the mean.

    Parameters
    ----------
    image_shape : (C, H, W)
    latent_dim : int, default 2
    sigma2 : float or "shared", default "shared"
        Variance of a pixel about its mean, in pixel values squared: fixed, or learned.

    Raises
    ------
    OptionError
        If an option is unknown or out of its range.

    References
    ----------
    Lucas, Tucker, Grosse & Norouzi 2019, arXiv:1911.02469.
    """

    def __init__(
        self, image_shape: Sequence[int], latent_dim: int = 2, *, sigma2: float | Literal["shared"] = "shared"
    ) -> None:
        super().__init__(image_shape, latent_dim, _linear_head(sigma2))
        n_pixels = math.prod(self.image_shape)
        self.to_mu = nn.Linear(n_pixels, self.latent_dim)
        self.posterior_logvar = nn.Parameter(torch.zeros(self.latent_dim))
        self.to_pixels = nn.Linear(self.latent_dim, n_pixels)

    def _posterior(self, x: Tensor) -> tuple[Tensor, Tensor]:
        mu = self.to_mu(x.flatten(1))
        return mu, self.posterior_logvar.expand_as(mu)

    def _pixels(self, z: Tensor) -> Tensor:
        return self.to_pixels(z).view(-1, *self.image_shape)

    def variance(self) -> Tensor:
        """sigma² as the likelihood has it, a 0-d tensor: the fixed value, or what was learned so far."""
        return self._log_variance().exp()

    def exact_elbo(self, x: Tensor) -> Tensor:
        """Evidence lower bound without sampling noise: the expectation over z is in closed form.

        E_q ‖x − W z − c‖² = ‖x − W mu − c‖² + Σ_j s_j ‖W_j‖².

        Parameters
        ----------
        x : Tensor, shape (B, C, H, W)

        Returns
        -------
        Tensor, 0-d
            Nats per image, the mean over the images; differentiable.

        Raises
        ------
        ShapeError
            If the images have another shape than `image_shape`.
        """
        self._check_images(x)
        flat = x.flatten(1)
        mu = self.to_mu(flat)
        residual = (flat - self.to_pixels(mu)).square().sum(1).mean()
        return self._elbo(residual, mu.square().mean(0))

    def exact_elbo_of_moments(self, mean: Tensor, covariance: Tensor) -> Tensor:
        """`exact_elbo` of all images at once, of their first two moments, which is all that it depends on.

        Costs latent_dim · d² whatever the number of images, so that full-batch training takes seconds.
        Where the mean image is large beside the spread (faces), train on moments of mean 0 and then move the
        mean into the biases: optimisers are else slow to find it, and short of the optimum by nats.

        Parameters
        ----------
        mean : Tensor, shape (d,)
            Of the d = C·H·W pixels.
        covariance : Tensor, shape (d, d)
            Divided by the number of images. In float64 (and the model in it) where digits matter.

        Returns
        -------
        Tensor, 0-d
            Nats per image.

        Raises
        ------
        ShapeError
            If the moments are not those of d pixels.
        """
        n_pixels = math.prod(self.image_shape)
        if mean.shape != (n_pixels,) or covariance.shape != (n_pixels, n_pixels):
            raise ShapeError(
                f"moments have shapes {tuple(mean.shape)} and {tuple(covariance.shape)}; expected "
                f"({n_pixels},) and ({n_pixels}, {n_pixels}), those of flattened {self.image_shape} images."
            )
        v, w = self.to_mu.weight, self.to_pixels.weight
        v_cov = v @ covariance
        code_covariance = v_cov @ v.t()
        mu = self.to_mu(mean)
        # tr[(I − W V) S (I − W V)ᵀ], and the mean's own residual
        spread = covariance.trace() - 2 * (v_cov * w.t()).sum() + ((w.t() @ w) * code_covariance).sum()
        residual = (mean - self.to_pixels(mu)).square().sum() + spread
        return self._elbo(residual, mu.square() + code_covariance.diagonal())

    def _elbo(self, residual: Tensor, second_moment: Tensor) -> Tensor:
        """ELBO of the mean squared residual of W mu + c (0-d) and of the mean of mu² (latent_dim,)."""
        s = self.posterior_logvar.exp()
        log_variance = self._log_variance()
        error = residual + (s * self.to_pixels.weight.square().sum(0)).sum()
        n_pixels = math.prod(self.image_shape)
        recon = 0.5 * (n_pixels * (math.log(2 * math.pi) + log_variance) + error * torch.exp(-log_variance))
        kl = 0.5 * (second_moment + s - self.posterior_logvar - 1).sum()
        return -(recon + kl)

    def _log_variance(self) -> Tensor:
        if self.log_sigma2 is not None:
            return floored_log_sigma2(self.log_sigma2)
        assert isinstance(self.sigma2, float)
        return self.posterior_logvar.new_tensor(math.log(self.sigma2))


@final
class LinearAutoencoder(Model):
    """Autoencoder of one linear layer each way, trained by squared error: it spans the PCA subspace.

    z = V x + b and x_hat = W z + c; tied: z = Wᵀ (x − c). The optimum is any basis of the subspace of the
    covariance's first eigenvectors, not the eigenvectors themselves.

    Parameters
    ----------
    image_shape : (C, H, W)
    latent_dim : int, default 2
    tied : bool, default False
        One matrix for both ways.

    Raises
    ------
    OptionError
        If an option is unknown or out of its range.

    References
    ----------
    Baldi & Hornik 1989, Neural Networks 2(1), 53–58.
    """

    default_objective = "reconstruction"

    def __init__(self, image_shape: Sequence[int], latent_dim: int = 2, *, tied: bool = False) -> None:
        super().__init__(image_shape, latent_dim, PixelHead("squared_error", "identity"))
        self.tied = tied = flag("tied", tied, also=" (True: one matrix both ways)")
        n_pixels = math.prod(self.image_shape)
        self.to_pixels = nn.Linear(self.latent_dim, n_pixels)
        self.to_z = None if tied else nn.Linear(n_pixels, self.latent_dim)
        if tied:
            # As torch draws an encoder of so many pixels. A decoder's columns are far too long for one:
            # what they hold outside of the images' subspace swamps the rest, and Adam never finds that.
            nn.init.uniform_(self.to_pixels.weight, -(n_pixels**-0.5), n_pixels**-0.5)

    def _posterior(self, x: Tensor) -> tuple[Tensor, None]:
        flat = x.flatten(1)
        if self.to_z is not None:
            return self.to_z(flat), None
        return F.linear(flat - self.to_pixels.bias, self.to_pixels.weight.t()), None

    def _pixels(self, z: Tensor) -> Tensor:
        return self.to_pixels(z).view(-1, *self.image_shape)


def _linear_head(sigma2: float | str) -> PixelHead:
    head = pixel_head("gaussian", "identity", sigma2)
    if head.sigma2 == "pixel":
        raise OptionError(
            'sigma2 is "pixel", but a LinearVAE has one variance for all pixels. Use a number, "shared", or '
            'MLPVAE(hidden=(), likelihood="gaussian", sigma2="pixel").'
        )
    return head

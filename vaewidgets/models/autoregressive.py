"""A VAE whose decoder sees the pixels before the one that it predicts."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any, Literal, final

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from vaewidgets.checks import whole, wholes
from vaewidgets.errors import OptionError, ShapeError
from vaewidgets.models.base import Model, stack
from vaewidgets.models.pixels import NamedLikelihood, pixel_head

_SMALL = 1e-3  # a logit below which a continuous Bernoulli is all but uniform


class _MaskedConv(nn.Module):
    """Convolution over the rows above and the pixels to the left; with `centre`, the pixel itself too.

    Only the upper half of the kernel exists: (out, in, radius + 1, 2 · radius + 1).
    """

    mask: Tensor

    def __init__(self, n_in: int, n_out: int, kernel: int, *, centre: bool) -> None:
        super().__init__()
        self.radius = kernel // 2
        full = nn.Conv2d(n_in, n_out, (self.radius + 1, kernel))  # for torch's usual first weights
        assert full.bias is not None
        self.weight, self.bias = full.weight, full.bias
        mask = torch.ones(self.radius + 1, kernel)
        mask[-1, self.radius + centre :] = 0
        self.register_buffer("mask", mask, persistent=False)

    def forward(self, x: Tensor) -> Tensor:
        r = self.radius
        return F.conv2d(F.pad(x, (r, r, r, 0)), self.weight * self.mask, self.bias)

    def matrix(self) -> Tensor:
        """Weights for a patch flattened as (row, column, channel): (patch, out)."""
        return (self.weight * self.mask).permute(2, 3, 1, 0).flatten(0, 2)


@final
class AutoregressiveVAE(Model):
    """VAE with a masked-convolution decoder: p(x|z) = Π_i p(x_i | x_1 … x_{i−1}, z), pixels in reading order.

    While training the decoder is given the true pixels: `decode_raw(z, x)`. It models images well without z,
    so that at beta = 1 the cheapest thing is to ignore z: the KL falls to 0, which is posterior collapse by a
    strong decoder. Free bits or a small beta make it use z again.

    Parameters
    ----------
    image_shape : (C, H, W)
        The channels of one pixel are independent, given the pixels before it.
    latent_dim : int, default 8
    hidden : sequence of int, default (256,)
        Widths of the encoder's hidden layers.
    channels : int, default 32
        Of the decoder.
    layers : int, default 4
        Residual masked convolutions behind the first one.
    kernel : int, default 5
        Odd, at least 3. The decoder sees (layers + 1) · (kernel // 2) pixels up and to the side.
    likelihood : {"bernoulli", "continuous_bernoulli"} or a Likelihood
        Data must lie in [0, 1]; Bernoulli draws black and white pixels, the other one grey.

    Raises
    ------
    OptionError
        If an option is unknown or out of its range.

    References
    ----------
    van den Oord, Kalchbrenner & Kavukcuoglu 2016, arXiv:1601.06759 (masked convolutions); Chen et al. 2017,
    arXiv:1611.02731 and Bowman et al. 2016, arXiv:1511.06349 (why z is ignored).
    """

    sees_pixels = True

    def __init__(
        self,
        image_shape: Sequence[int],
        latent_dim: int = 8,
        *,
        hidden: Sequence[int] = (256,),
        channels: int = 32,
        layers: int = 4,
        kernel: int = 5,
        likelihood: Literal["bernoulli", "continuous_bernoulli"] | NamedLikelihood = "bernoulli",
    ) -> None:
        head = pixel_head(likelihood, likelihoods=("bernoulli", "continuous_bernoulli"))
        super().__init__(image_shape, latent_dim, head)
        self.hidden = wholes("hidden", hidden, 1, also=", the widths of the layers, e.g. (512, 256)")
        self.channels, self.layers = whole("channels", channels, 1), whole("layers", layers, 1)
        self.kernel = whole("kernel", kernel, 3)
        if kernel % 2 == 0:
            raise OptionError(f"kernel is {kernel}; expected an odd number, so that it has a centre.")
        n_image, height, width = self.image_shape
        widths = (math.prod(self.image_shape), *self.hidden)
        self.encoder = stack(widths, "relu")
        self.to_mu = nn.Linear(widths[-1], self.latent_dim)
        self.to_logvar = nn.Linear(widths[-1], self.latent_dim)
        # z as a picture: it may say something else at each place
        self.from_z = nn.Linear(self.latent_dim, channels * height * width)
        self.first = _MaskedConv(n_image, channels, kernel, centre=False)
        self.masked = nn.ModuleList(
            _MaskedConv(channels, channels, kernel, centre=True) for _ in range(layers)
        )
        self.mix = nn.ModuleList(nn.Conv2d(channels, channels, 1) for _ in range(layers))
        self.to_logits = nn.Conv2d(channels, n_image, 1)

    def encode(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """Posterior of each image (B, C, H, W): mu and logvar, each (B, latent_dim)."""
        self._check_images(x)
        return self._posterior(x)

    def _posterior(self, x: Tensor) -> tuple[Tensor, Tensor]:
        h = self.encoder(x.flatten(1))
        return self.to_mu(h), self.to_logvar(h)

    def _picture(self, z: Tensor) -> Tensor:
        return self.from_z(z).view(-1, self.channels, *self.image_shape[1:])

    def _pixels(self, z: Tensor) -> Tensor:
        raise NotImplementedError("its pixels follow from one another: see decode_raw and decode")

    def decode_raw(self, z: Tensor, x: Tensor | None = None) -> Tensor:
        """Logits of every pixel, given z and the true pixels before it.

        Parameters
        ----------
        z : Tensor, shape (B, latent_dim)
        x : Tensor, shape (B, C, H, W)
            The images that are scored. Logits of a pixel depend on earlier ones only.

        Returns
        -------
        Tensor, shape (B, C, H, W)

        Raises
        ------
        ShapeError
            If the images are missing or of another shape.
        """
        if x is None:
            raise ShapeError(
                "AutoregressiveVAE.decode_raw got no images; it predicts each pixel from those before it: "
                "decode_raw(z, x). To generate, use decode(z)."
            )
        self._check_images(x)
        h = self.first(x) + self._picture(z)
        for masked, mix in zip(self.masked, self.mix, strict=True):
            h = h + mix(masked(h.relu()).relu())
        return self.to_logits(h.relu())

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Encode, draw z once an image, predict each pixel from those of x: (x_hat, mu, logvar)."""
        mu, logvar = self.encode(x)
        z = mu + torch.exp(0.5 * logvar) * torch.randn_like(mu)
        return self._head.image(self.decode_raw(z, x)), mu, logvar

    @torch.no_grad()
    def decode(self, z: Tensor, *, generator: torch.Generator | None = None) -> Tensor:
        """Generate an image of each latent point, pixel by pixel.

        Parameters
        ----------
        z : Tensor, shape (B, latent_dim)
        generator : torch.Generator on the CPU, optional
            Draws the pixels, independently for each image. Without it all images, at every call, are drawn
            with the same numbers: an image then depends on its z alone, and two differ by their z alone.

        Returns
        -------
        Tensor, shape (B, C, H, W)
            A draw of each pixel, in [0, 1]. No gradient.
        """
        n_image, height, width = self.image_shape
        shape = (1 if generator is None else len(z), height, width, n_image)
        noise = torch.rand(shape, generator=generator or torch.Generator().manual_seed(0))
        return self._generate(z, noise.to(device=z.device, dtype=z.dtype))

    def _generate(self, z: Tensor, noise: Tensor) -> Tensor:
        """Pixel by pixel; each layer's values so far are kept, so that a pixel costs one patch a layer."""
        n_image, height, width = self.image_shape
        r, n = self.kernel // 2, len(z)
        picture = self._picture(z).permute(0, 2, 3, 1)
        x = z.new_zeros(n, height + r, width + 2 * r, n_image)
        kept = [z.new_zeros(n, height + r, width + 2 * r, self.channels) for _ in self.masked]
        modules: Any = zip(self.masked, self.mix, strict=True)
        layers = [(a.matrix(), a.bias, b.weight.flatten(1), b.bias) for a, b in modules]
        matrix, bias = self.first.matrix(), self.first.bias
        to_logits = self.to_logits.weight.flatten(1), self.to_logits.bias
        for i in range(height):
            for j in range(width):
                patch = (slice(None), slice(i, i + r + 1), slice(j, j + 2 * r + 1))
                h = torch.addmm(bias, x[patch].flatten(1), matrix) + picture[:, i, j]
                for past, (matrix_l, bias_l, *mix) in zip(kept, layers, strict=True):
                    past[:, i + r, j + r] = h.relu()
                    h = h + F.linear(torch.addmm(bias_l, past[patch].flatten(1), matrix_l).relu(), *mix)
                x[:, i + r, j + r] = self._draw(F.linear(h.relu(), *to_logits), noise[:, i, j])
        return x[:, r:, r : r + width].permute(0, 3, 1, 2).contiguous()

    def _draw(self, logits: Tensor, u: Tensor) -> Tensor:
        """Pixels at the quantile u of their distribution."""
        if self.likelihood == "bernoulli":
            return (u < torch.sigmoid(logits)).to(logits.dtype)
        # F⁻¹(u) = ln(1 + u (e^l − 1)) / l for l < 0, and 1 − F⁻¹(1 − u) at −l for l > 0
        negative = logits < 0
        low = -logits.abs().clamp_min(_SMALL)
        v = torch.where(negative, u, 1 - u)
        quantile = torch.log1p(v * torch.expm1(low)) / low
        return torch.where(negative, quantile, 1 - quantile).clamp(0, 1)

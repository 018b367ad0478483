"""A vector-quantised autoencoder: a grid of codes from one learned codebook."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Literal, final

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from vaewidgets.checks import image_size, number, one_of, whole, wholes
from vaewidgets.errors import OptionError, ShapeError
from vaewidgets.models.base import Model, doubling, halving
from vaewidgets.models.pixels import (
    LikelihoodName,
    NamedLikelihood,
    OutputName,
    Sigma2,
    TotalCount,
    pixel_head,
)


@dataclass(frozen=True, repr=False, eq=False)
class CodeUse:
    """How often each code was used over a set of images.

    Attributes
    ----------
    counts : Tensor, int64, shape (n_codes,)
        On the CPU; they sum to images times positions.
    """

    counts: Tensor

    @property
    def perplexity(self) -> float:
        """Exp of the codes' entropy: 1 for one code, n_codes for uniform use."""
        return perplexity(self.counts)

    @property
    def n_used(self) -> int:
        """Codes used at least once."""
        return int((self.counts > 0).sum())

    def __repr__(self) -> str:
        return (
            f"CodeUse({self.n_used} of {len(self.counts)} codes used, perplexity {self.perplexity:.1f}, "
            f"{int(self.counts.sum())} positions)"
        )


def perplexity(counts: Tensor) -> float:
    """Exp of the entropy of code frequencies; count over an epoch, since a batch sees but few codes.

    Parameters
    ----------
    counts : Tensor, shape (n_codes,)
        At least 0, not all 0.

    Returns
    -------
    float
        1 for one code to n_codes for uniform use.

    Raises
    ------
    ShapeError
        If the counts are not one row, or all 0.
    """
    counts = counts.detach().cpu().double()
    if counts.ndim != 1 or not float(counts.sum()) > 0:
        raise ShapeError(
            f"counts have shape {tuple(counts.shape)} and sum {float(counts.sum()):g}; expected (n_codes,), "
            "not all 0."
        )
    p = counts / counts.sum()
    return math.exp(float(torch.special.entr(p).sum()))


@final
class VQVAE(Model):
    """Autoencoder whose code is a grid of vectors from a codebook: z_e → the nearest code e, by position.

    The gradient of the decoder goes straight through to the encoder; the codebook follows the encoder by
    moving averages or by its own gradient. Trained by the objective "vq": recon + ‖sg[z_e] − e‖² +
    commitment · ‖z_e − sg[e]‖². There is no posterior: `encode` returns (z, None), z being the grid's codes
    in a row (code_dim, down, across); `decode` takes any such row, also one between codes.

    Parameters
    ----------
    image_shape : (C, H, W)
        Any size; the grid has ⌈H / 2^n⌉ × ⌈W / 2^n⌉ positions, n being the number of `channels`.
    n_codes : int, default 64
        Size of the codebook.
    code_dim : int, default 16
        Length of a code. `latent_dim` is code_dim times the positions.
    channels : sequence of int, default (32, 64)
        Each halves the image.
    codebook : {"ema", "gradient"}
        Whether codes are moving averages of the vectors that chose them, or parameters.
    decay : float, default 0.95
        Of the moving averages (codes and their use), above 0 and below 1. The paper's 0.99 is for long runs:
        an unused code then takes 300 steps to be restarted, and 60 at 0.95.
    restart_below : float, default 0.05
        A code used less than this share of the average is put on a vector of the batch; at the first step all
        are, so that the codebook starts on the data. 0 for never.
    likelihood : str or Likelihood
        "bernoulli", "continuous_bernoulli" (images in [0, 1]), "squared_error", "gaussian", "poisson",
        "negative_binomial" (counts) or "categorical" (one-hot); "squared_error" by default.
    output : str, optional
        Function on the decoder's mean: "sigmoid", "identity" or "tanh"; by default
        "identity" for squared error, else "sigmoid". For counts "exp" (the
        default) or "softplus".
    sigma2 : float, "shared" or "pixel", optional
        Variance of "gaussian": fixed, one learned number (the default), or learned for each pixel.
    total_count : float, "shared" or "dimension", optional
        Of "negative_binomial": fixed, one learned number (the default), or learned for each dimension.

    Attributes
    ----------
    grid : (int, int)
        Positions, down and across.
    codes_table : Tensor, shape (n_codes, code_dim)
        The codebook.
    usage : Tensor, shape (n_codes,)
        Moving average of each code's use; 1 is the average code's.

    Raises
    ------
    OptionError
        If an option is unknown or out of its range.

    Notes
    -----
    A restarted code takes its vector from the batch by position, not by a random draw: the batches are
    shuffled, and a run stays repeatable from its own generators.

    References
    ----------
    van den Oord, Vinyals & Kavukcuoglu 2017, arXiv:1711.00937 (moving averages: appendix A.1); restarts:
    Dhariwal et al. 2020, arXiv:2005.00341.
    """

    default_objective = "vq"
    codes_table: Tensor
    code_sums: Tensor
    usage: Tensor
    updates: Tensor

    def __init__(
        self,
        image_shape: Sequence[int],
        n_codes: int = 64,
        *,
        code_dim: int = 16,
        channels: Sequence[int] = (32, 64),
        codebook: Literal["ema", "gradient"] = "ema",
        decay: float = 0.95,
        restart_below: float = 0.05,
        likelihood: LikelihoodName | NamedLikelihood = "squared_error",
        output: OutputName | None = None,
        sigma2: Sigma2 | None = None,
        total_count: TotalCount | None = None,
    ) -> None:
        n_image, *size = image_size(image_shape)
        widths = wholes("channels", channels, 1, also=", the widths of the layers, e.g. (32, 64)")
        if not widths:
            raise OptionError(f"channels is {channels!r}; expected at least one, e.g. channels=(32,).")
        grid = tuple(-(-n >> len(widths)) for n in size)
        head = pixel_head(likelihood, output, sigma2, total_count)
        super().__init__(image_shape, whole("code_dim", code_dim, 1) * math.prod(grid), head)
        self.n_codes, self.code_dim, self.channels = whole("n_codes", n_codes, 1), code_dim, widths
        self.grid = grid
        self.codebook = one_of("codebook", codebook, ("ema", "gradient"))
        self.decay = number("decay", decay, above=0, below=1)
        self.restart_below = number("restart_below", restart_below, 0, 1)
        self.encoder = _encoder(n_image, widths, code_dim)
        self.decoder = _decoder(head.channels(n_image), widths, code_dim)
        for layer in (*self.encoder, *self.decoder):
            _keep_scale(layer)
        self._make_codebook()

    def _make_codebook(self) -> None:
        table = torch.empty(self.n_codes, self.code_dim).uniform_(-1 / self.n_codes, 1 / self.n_codes)
        # unused so far, hence restarted on the first batch; where nothing restarts, each is its own average
        used = torch.zeros(self.n_codes) if self.restart_below else torch.ones(self.n_codes)
        self.register_buffer("usage", used)
        self.register_buffer("updates", torch.zeros((), dtype=torch.int64))
        if self.codebook == "gradient":
            self.codes_table = nn.Parameter(table)
        else:
            self.register_buffer("codes_table", table)
            self.register_buffer("code_sums", table * used[:, None])

    def codes(self, x: Tensor) -> Tensor:
        """Index of the code at each position: int64, shape (B, *grid), of images (B, C, H, W)."""
        return self._nearest(self._vectors(x)).view(len(x), *self.grid)

    def decode_codes(self, codes: Tensor) -> Tensor:
        """Mean images (B, C, H, W) of code indices (B, *grid).

        Raises
        ------
        ShapeError
            If the indices have another shape.
        OptionError
            If an index is no code.
        """
        if codes.shape[1:] != self.grid or codes.is_floating_point():
            raise ShapeError(
                f"codes have shape {tuple(codes.shape)} and type {codes.dtype}; expected whole numbers, "
                f"(batch, {self.grid[0]}, {self.grid[1]})."
            )
        if len(codes) and not 0 <= int(codes.min()) <= int(codes.max()) < self.n_codes:
            raise OptionError(
                f"codes run from {int(codes.min())} to {int(codes.max())}; this VQVAE has 0 to "
                f"{self.n_codes - 1}."
            )
        return self.decode(F.embedding(codes, self.codes_table).permute(0, 3, 1, 2).flatten(1))

    @torch.no_grad()
    def code_use(self, batches: Iterable[Tensor]) -> CodeUse:
        """Count codes over an epoch.

        Parameters
        ----------
        batches : iterable of Tensor, each (B, C, H, W)
            E.g. ``data.test.batches(512, device=..., shuffle=False)``.
        """
        counts = sum(torch.bincount(self.codes(x).flatten(), minlength=self.n_codes) for x in batches)
        if not isinstance(counts, Tensor):
            raise OptionError("code_use got no batch; expected at least one of images (B, C, H, W).")
        return CodeUse(counts.cpu())

    def quantise(self, x: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Encode, quantise, and in training mode move the codebook.

        Parameters
        ----------
        x : Tensor, shape (B, C, H, W)

        Returns
        -------
        z : Tensor, shape (B, latent_dim)
            The codes, with the gradient straight through to the encoder.
        codebook : Tensor, 0-d
            ‖sg[z_e] − e‖², summed over an image's codes, mean over the batch; 0 where averages move them.
        commitment : Tensor, 0-d
            ‖z_e − sg[e]‖², likewise, unweighted.
        """
        self._check_images(x)
        z_e = self._vectors(x)
        if self.training:
            self._restart(z_e.detach())
        index = self._nearest(z_e)
        e = F.embedding(index, self.codes_table)
        codebook = (z_e.detach() - e).square().sum() / len(x)
        commitment = (z_e - e.detach()).square().sum() / len(x)
        if self.training:
            self._count(z_e.detach(), index)
        if self.codebook == "ema":
            codebook = torch.zeros_like(codebook)
        return self._straight_through(z_e, e, len(x)), codebook, commitment

    @torch.no_grad()
    def _restart(self, vectors: Tensor) -> None:
        """Put codes of too little use on vectors (n, code_dim) of the batch. No wait for the device."""
        n, k = len(vectors), self.n_codes
        spread = torch.arange(k, device=vectors.device) * n // k
        # below 2^24, where the page's float32 counts exactly, too
        chosen = vectors[(spread + self.updates % 1024 * 7919) % n]
        dead = (self.usage < self.restart_below) & torch.isfinite(chosen).all(1)
        self.codes_table.copy_(torch.where(dead[:, None], chosen, self.codes_table))
        self.usage.copy_(torch.where(dead, 1.0, self.usage))
        if self.codebook == "ema":
            self.code_sums.copy_(torch.where(dead[:, None], chosen, self.code_sums))

    @torch.no_grad()
    def _count(self, vectors: Tensor, index: Tensor) -> None:
        """Moving averages of use and, for "ema", of the vectors that chose each code."""
        share = self.n_codes / len(vectors)  # the average code's use is 1
        ones = torch.ones_like(vectors[:, 0])
        used = torch.zeros_like(self.usage).index_add_(0, index, ones) * share
        self.usage.lerp_(used, 1 - self.decay)
        self.updates.add_(1)
        if self.codebook == "ema":
            sums = torch.zeros_like(self.code_sums).index_add_(0, index, vectors) * share
            self.code_sums.lerp_(sums, 1 - self.decay)
            self.codes_table.copy_(self.code_sums / self.usage.clamp_min(1e-6)[:, None])

    def _vectors(self, x: Tensor) -> Tensor:
        """z_e at each position, (B · positions, code_dim)."""
        step = 1 << len(self.channels)
        _, height, width = self.image_shape
        x = F.pad(x, (0, -width % step, 0, -height % step))
        return self.encoder(x).flatten(2).transpose(1, 2).reshape(-1, self.code_dim)

    def _nearest(self, vectors: Tensor) -> Tensor:
        """Index of the nearest code of each vector (n, code_dim)."""
        table = self.codes_table
        # ‖v − e‖² without ‖v‖², which is the same for all codes
        return (table.square().sum(1) - 2 * vectors @ table.t()).argmin(1).detach()

    def _straight_through(self, z_e: Tensor, e: Tensor, n: int) -> Tensor:
        z = (z_e + (e - z_e).detach()).view(n, -1, self.code_dim)
        return z.transpose(1, 2).reshape(n, self.latent_dim)  # channels first, as the decoder reads it

    def _posterior(self, x: Tensor) -> tuple[Tensor, None]:
        z_e = self._vectors(x)
        e = F.embedding(self._nearest(z_e), self.codes_table)
        return self._straight_through(z_e, e, len(x)), None

    def _pixels(self, z: Tensor) -> Tensor:
        down, across = self.grid
        return self._cropped(self.decoder(z.view(-1, self.code_dim, down, across)))


def _encoder(n_image: int, channels: tuple[int, ...], code_dim: int) -> nn.Sequential:
    layers, last = halving((n_image, *channels)), channels[-1]
    layers += [nn.Conv2d(last, last, 3, padding=1), nn.ReLU(), nn.Conv2d(last, code_dim, 1)]
    return nn.Sequential(*layers)


def _decoder(n_out: int, channels: tuple[int, ...], code_dim: int) -> nn.Sequential:
    first = nn.Conv2d(code_dim, channels[-1], 3, padding=1)
    return nn.Sequential(
        first,
        nn.ReLU(),
        *doubling(tuple(reversed(channels))),
        nn.ConvTranspose2d(channels[0], n_out, 4, stride=2, padding=1),
    )


def _keep_scale(layer: nn.Module) -> None:
    """First weights at which a layer keeps its input's scale (He et al. 2015).

    Under torch's own the vectors start all but equal, and many steps go by until they differ by more than the
    codes do.
    """
    if isinstance(layer, nn.Conv2d | nn.ConvTranspose2d):
        area = math.prod(layer.kernel_size) / (math.prod(layer.stride) if layer.transposed else 1)
        nn.init.normal_(layer.weight, std=math.sqrt(2 / (layer.in_channels * area)))
        assert layer.bias is not None
        nn.init.zeros_(layer.bias)

"""Convolutional models to trace, for 4 × 6 images: our own, and odd ones for each option of each layer."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from tests.graphs.models import IMAGE, N, Z
from vaewidgets.models import ConvVAE


def conv_vae() -> nn.Module:
    """Our own: two halvings, one doubling."""
    return ConvVAE(IMAGE, Z, channels=(3, 4, 5))


def cropped_conv_vae() -> nn.Module:
    """Our own, its 8 × 8 images cut to 5 × 7; a second head on the channels."""
    return ConvVAE((2, 5, 7), Z, channels=(3, 4, 5), likelihood="gaussian", sigma2="pixel")


class Convolutions(nn.Module):
    """Strides, paddings and dilations that differ by axis; BatchNorm that folds, and that cannot."""

    def __init__(self) -> None:
        super().__init__()
        self.down = nn.Sequential(
            nn.Conv2d(1, 5, (3, 2), stride=(1, 2), padding=(1, 0), bias=False),
            nn.BatchNorm2d(5),
            nn.LeakyReLU(0.2, inplace=True),
            nn.BatchNorm2d(5),
            nn.Conv2d(5, 3, (3, 1), padding="same"),
            nn.Conv2d(3, 4, 3, padding=2, dilation=2, padding_mode="reflect"),
        )
        self.heads = nn.Conv2d(4, 2 * Z, (4, 3))
        self.up = nn.Sequential(
            nn.ConvTranspose2d(Z, 5, (2, 3)),
            nn.BatchNorm2d(5),
            nn.ReLU(),
            nn.ConvTranspose2d(5, 3, 3, stride=(2, 1), padding=1, output_padding=(1, 0)),
            nn.ConvTranspose2d(3, 1, (1, 2), stride=(1, 2), dilation=(1, 1), bias=False),
            nn.BatchNorm2d(1),
        )

    def encode(self, x: Tensor) -> tuple[Tensor, Tensor]:
        mu, logvar = self.heads(self.down(x)).flatten(1).chunk(2, 1)
        return mu, logvar * 0.1

    def decode(self, z: Tensor) -> Tensor:
        return torch.sigmoid(self.up(z[:, :, None, None]))


class Pools(nn.Module):
    """Each kind of pooling, with its options."""

    def __init__(self) -> None:
        super().__init__()
        self.first = nn.Conv2d(1, 3, 3, padding=1)
        self.heads = nn.Linear(54, 2 * Z)

    def encode(self, x: Tensor) -> tuple[Tensor, Tensor]:
        h = self.first(x)
        pooled = (
            F.max_pool2d(h, 2),
            nn.MaxPool2d(3, stride=2, padding=1, ceil_mode=True)(-h)[:, :1],
            nn.MaxPool2d((2, 3), stride=1, dilation=(2, 1))(h)[:, :, :1, :1],
            nn.AvgPool2d(2, ceil_mode=True)(h)[:, 1:2],
            nn.AvgPool2d(3, stride=2, padding=1)(h)[:, :1, :1],
            F.avg_pool2d(h, (2, 3), padding=1, count_include_pad=False)[:, :, :1, :1],
            nn.AdaptiveAvgPool2d((1, None))(h)[:, :, :, :1],
            F.adaptive_max_pool2d(h, 1),
            h.mean((2, 3)),
        )
        mu, logvar = self.heads(torch.cat([part.flatten(1) for part in pooled], 1)).chunk(2, 1)
        return mu, logvar


class Upsamples(nn.Module):
    """Each kind of interpolation and padding, pixel shuffle, residual sums, one number a channel."""

    def __init__(self) -> None:
        super().__init__()
        self.first, self.mix = nn.Linear(Z, 12), nn.Conv2d(2, 2, 3, padding=1)
        self.squeeze, self.shuffle = nn.Linear(2, 2), nn.Conv2d(2, 4, 1)
        self.gain = nn.Parameter(torch.tensor([0.5, 2.0]))

    def decode(self, z: Tensor) -> Tensor:
        h = self.first(z).view(-1, 2, 2, 3)
        h = nn.Upsample(scale_factor=2)(h) + F.interpolate(h, (4, 6), mode="bilinear")
        h = h + nn.UpsamplingBilinear2d((4, 6))(h[:, :, :3, :5]) * self.gain.view(2, 1, 1)
        h = h + self.mix(h)
        h = h * torch.sigmoid(self.squeeze(h.mean(dim=(2, 3))))[:, :, None, None]
        small = F.interpolate(nn.ZeroPad2d((1, 0, 0, 2))(h), size=(2, 3), mode="nearest-exact")
        small = small + F.interpolate(nn.ReplicationPad2d(1)(h), size=(2, 3), mode="bicubic", antialias=True)
        return F.pixel_shuffle(self.shuffle(small), 2) + F.interpolate(h, (4, 6), mode="area")[:, :1]


class SpatialBroadcast(nn.Module):
    """z at every pixel, with its coordinates (Watters et al. 2019), and a class told as one number each."""

    def __init__(self) -> None:
        super().__init__()
        grid = torch.meshgrid(torch.linspace(-1, 1, 4), torch.linspace(-1, 1, 6), indexing="ij")
        self.register_buffer("grid", torch.stack(grid)[None])
        self.layers = nn.Sequential(nn.Conv2d(Z + 2 + 4, 6, 3, padding=1), nn.ReLU(), nn.Conv2d(6, 1, 1))

    def told(self, z: Tensor, told: Tensor) -> Tensor:
        z = torch.cat((z, told), dim=1)
        planes = z[:, :, None, None].expand(-1, -1, *IMAGE[1:])
        return self.layers(torch.cat((self.grid.expand(z.shape[0], -1, -1, -1), planes), dim=1))

    def decode(self, z: Tensor) -> Tensor:
        one_hot = F.one_hot(torch.full((len(z),), 2), 4).to(z)
        return self.told(z, one_hot)


class Stacked(nn.Module):
    """Two images side by side, joined behind the rows and on a new axis."""

    def __init__(self) -> None:
        super().__init__()
        self.a, self.b = nn.Linear(Z, N // 2), nn.Linear(Z, N // 2)

    def decode(self, z: Tensor) -> Tensor:
        a, b = self.a(z).view(-1, 1, 4, 3), self.b(z).view(-1, 1, 4, 3).tanh()
        return torch.cat((a, b), dim=-1) + torch.stack((b, a), 3).flatten(3)


class Series(nn.Module):
    """Convolutions, pooling and interpolation of four lines of six steps."""

    def __init__(self) -> None:
        super().__init__()
        self.down = nn.Sequential(
            nn.Conv1d(4, 5, 3, stride=2, padding=1),
            nn.BatchNorm1d(5),
            nn.ReLU(),
            nn.Conv1d(5, 4, 3, padding="same", dilation=2),
            nn.MaxPool1d(2, stride=1),
        )
        self.pools = nn.ModuleList([nn.AdaptiveAvgPool1d(1), nn.AdaptiveMaxPool1d(2), nn.AvgPool1d(2)])
        self.heads = nn.Linear(20, 2 * Z)
        self.up = nn.Sequential(
            nn.ConvTranspose1d(Z, 5, 2),
            nn.BatchNorm1d(5),
            nn.LeakyReLU(0.2),
            nn.ConvTranspose1d(5, 4, 3, stride=2, padding=1, output_padding=1),
            nn.Upsample(6, mode="linear"),
            nn.ReflectionPad1d(1),
            nn.Conv1d(4, 4, 3, bias=False),
        )

    def encode(self, x: Tensor) -> tuple[Tensor, Tensor]:
        h = self.down(x[:, 0])
        parts = [h.mean(2), *(pool(h).flatten(1) for pool in self.pools)]
        mu, logvar = self.heads(torch.cat(parts, 1)).chunk(2, 1)
        return mu, logvar * 0.1

    def decode(self, z: Tensor) -> Tensor:
        return torch.sigmoid(self.up(z[:, :, None]))[:, None]


IMAGE_ENCODERS = [conv_vae, Convolutions, Pools, Series]
IMAGE_DECODERS = [conv_vae, cropped_conv_vae, Convolutions, Upsamples, SpatialBroadcast, Stacked, Series]

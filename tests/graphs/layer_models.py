"""Decoders with layers and habits that public models have; each must be recorded and run in the page."""

from __future__ import annotations

import warnings

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from tests.graphs.models import IMAGE, N, Z


class Sigmoid(nn.Module):
    """As the author of chapter 13.4 writes it."""

    def forward(self, x: Tensor) -> Tensor:
        return torch.where(x >= 0, 1 / (1 + torch.exp(-x)), torch.exp(x) / (1 + torch.exp(x)))


class FirstLayer(nn.Module):
    """What all of these begin with."""

    def __init__(self) -> None:
        super().__init__()
        self.first = nn.Linear(Z, N)


class HandWritten(FirstLayer):
    """Layers written by hand, a function in place, a mask that is written."""

    def decode(self, z: Tensor) -> Tensor:
        h = self.first(z)
        grown = h.clone().exp_()
        h = torch.maximum(h, torch.zeros_like(h)) + 0.01 * grown
        h[h > 2] = 2.0
        out, low = torch.empty_like(h), h < 1
        out[low], out[~low] = h[low].exp(), 2 * h[~low] + 1
        h = h + 0.1 * out
        return Sigmoid()(h).view(-1, *IMAGE)


class Norms(FirstLayer):
    """Group, instance, layer and RMS norm."""

    def __init__(self) -> None:
        super().__init__()
        self.norms = nn.Sequential(
            nn.GroupNorm(2, 4), nn.InstanceNorm2d(4, affine=True), nn.LayerNorm([2, 3]), nn.RMSNorm(3)
        )

    def decode(self, z: Tensor) -> Tensor:
        return self.norms(self.first(z).view(-1, 4, 2, 3))


class WeightNorms(FirstLayer):
    """Weights computed from others, old and new style."""

    def __init__(self) -> None:
        super().__init__()
        norms = nn.utils.parametrizations
        self.layers = nn.Sequential(norms.weight_norm(nn.Linear(N, 6)), norms.spectral_norm(nn.Linear(6, 6)))
        self.old = nn.utils.spectral_norm(nn.Linear(6, 5))
        with torch.no_grad():
            for _ in range(20):  # in training each step brings the norm nearer to the true one
                self.decode(torch.zeros(1, Z))

    def decode(self, z: Tensor) -> Tensor:
        return self.old(self.layers(self.first(z)))


class Attention(FirstLayer):
    """Attention as a layer, in an encoder, in a decoder with a causal mask, and as a function."""

    def __init__(self) -> None:
        super().__init__()
        self.attention = nn.MultiheadAttention(4, 2, batch_first=True)
        self.encoder = nn.TransformerEncoderLayer(4, 2, 8, batch_first=True, activation="gelu")
        self.decoder = nn.TransformerDecoderLayer(4, 2, 8, batch_first=True)
        self.place, self.queries = nn.Parameter(torch.randn(1, 6, 4)), nn.Embedding(5, 4)

    def decode(self, z: Tensor) -> Tensor:
        h = self.first(z).view(-1, 6, 4) + self.place
        h = self.encoder(self.attention(h, h, h, need_weights=False)[0])
        queries = self.queries(torch.arange(5).expand(len(z), 5))
        mask = nn.Transformer.generate_square_subsequent_mask(5)
        out = self.decoder(queries, h, tgt_mask=mask)
        mixed = F.scaled_dot_product_attention(out, h, h) + torch.einsum("bij,bkj->bik", out, h)[..., :4]
        return 0.5 * mixed


class Recurrent(FirstLayer):
    """GRU, LSTM, a plain RNN and a cell in a loop."""

    def __init__(self) -> None:
        super().__init__()
        self.gru = nn.GRU(4, 3, 2, batch_first=True, bidirectional=True)
        self.lstm, self.rnn = nn.LSTM(4, 3, batch_first=True), nn.RNN(4, 3)
        self.cell = nn.GRUCell(4, 5)

    def decode(self, z: Tensor) -> Tensor:
        x = self.first(z).view(-1, 6, 4)
        h = torch.zeros(len(z), 5)
        for t in range(x.shape[1]):
            h = self.cell(x[:, t], h)
        rnn = self.rnn(x.transpose(0, 1))[0].transpose(0, 1)
        return torch.cat([self.gru(x)[0].flatten(1), self.lstm(x)[0][:, -1], rnn.flatten(1), h], 1)


class Codebook(FirstLayer):
    """The nearest code, looked up in four ways."""

    def __init__(self) -> None:
        super().__init__()
        self.embedding = nn.Embedding(10, 4)
        self.register_buffer("codes", torch.randn(8, Z))

    def decode(self, z: Tensor) -> Tensor:
        nearest = ((z[:, None] - self.codes[None]) ** 2).sum(-1).argmin(1)
        one_hot = torch.zeros(len(z), 8).scatter_(1, nearest[:, None], 1)
        looked_up = (F.embedding(nearest, self.codes), one_hot @ self.codes, self.codes[nearest])
        chosen = self.codes.index_select(0, nearest)
        return torch.cat([*looked_up, chosen, torch.cdist(z, self.codes), self.embedding(nearest)], 1)


class InPlace(FirstLayer):
    """Writes into views that others see, and into a tensor that is made on the way."""

    def __init__(self) -> None:
        super().__init__()
        self.plain_attribute = torch.linspace(0, 1, N)

    def decode(self, z: Tensor) -> Tensor:
        h = self.first(z)
        h[:, :4].relu_()
        view = h.view(-1, 4, 6)
        h.mul_(2)
        out = torch.zeros(len(z), 5)
        out[:, :Z] = z
        out[:, Z:] += 1
        part = h[:, 2:5]
        part += out[:, :3]
        own = torch.tensor([0.5, 1.5])
        own.mul_(self.plain_attribute[1:3].exp())
        return torch.cat([view.flatten(1), out, (z[:, :2] * own).t().contiguous().t()], 1)


class BatchSizes(FirstLayer):
    """Numbers and tensors that the batch size goes into."""

    def decode(self, z: Tensor) -> Tensor:
        size = z.size(0)
        h = self.first(z)[torch.arange(size)] * (1 / size) * size
        h = h + torch.full((size, 1), 0.5) + torch.tensor(1.0 / size) * size
        return (h + torch.ones(size, 2)[:, :1] + h.numel() / size).view(size, -1).squeeze()


class OneImage(FirstLayer):
    """Takes one image at a time."""

    def decode(self, z: Tensor) -> Tensor:
        assert len(z) == 1
        return self.first(z.squeeze(0)).view(1, *IMAGE)


class Functions(FirstLayer):
    """Functions that only some models use."""

    def decode(self, z: Tensor) -> Tensor:
        h = self.first(z).view(-1, 4, 6)
        same = [F.normalize(h, dim=1), h.softmax(-1).log(), F.celu(h), F.softsign(h), F.tanhshrink(h)]
        same += [F.hardshrink(h), F.softshrink(h), F.prelu(h, torch.tensor([0.2])), h.cumsum(1)]
        same += [h.sort(-1)[0], h.roll(2, 1), torch.tril(h), h.clamp(0, 1) ** 2.5, F.log_softmax(h, 1)]
        less = [F.glu(h, dim=1), torch.logsumexp(h, 1), h.norm(dim=1), h.topk(2, -1)[0], h.prod(1)]
        less += [h.std(1), h.var(2), h.amax(1), h.argmax(2).float(), (h > 0).any(1).float(), h.mean((1, 2))]
        grid = torch.meshgrid(torch.arange(2.0), torch.arange(3.0), indexing="ij")[0]
        return torch.cat(
            [*(x.reshape(len(h), -1) for x in (*same, *less)), grid.flatten()[None].repeat(len(h), 1)], 1
        )


class Resampling(FirstLayer):
    """Interpolation, padding, patches and grids."""

    def decode(self, z: Tensor) -> Tensor:
        h = self.first(z).view(-1, 4, 2, 3)
        modes = ("nearest", "bilinear", "bicubic", "area", "nearest-exact")
        out = [F.interpolate(h, scale_factor=2, mode=mode) for mode in modes]
        out += [F.interpolate(h, size=(5, 7), mode="bilinear", align_corners=True), F.unfold(h, 2)]
        out += [F.interpolate(h, size=(3, 2), mode="bilinear", antialias=True), F.pixel_shuffle(h, 2)]
        out += [F.pad(h, (1, 1, 0, 1), mode="circular"), F.pad(h, (1, 1, 1, 0), value=1.0)]
        out += [F.fold(F.unfold(h, 2), (2, 3), 2), F.conv2d(h, torch.ones(4, 2, 1, 1), groups=2)]
        grid = F.affine_grid(torch.eye(2, 3).expand(len(h), 2, 3), list(h.shape), align_corners=False)
        out.append(F.grid_sample(h, grid * 0.9, align_corners=False))
        return torch.cat([x.flatten(1) for x in out], 1)


class Coupling(FirstLayer):
    """A small flow."""

    def decode(self, z: Tensor) -> Tensor:
        x, total = self.first(z), torch.zeros(1)
        for _ in range(3):
            a, b = x.chunk(2, 1)
            scale = torch.tanh(a)
            x, total = torch.cat([b * torch.exp(scale) + a, a], 1), total + scale.sum(1, keepdim=True)
        return torch.cat([x, total], 1)


class Scripted(FirstLayer):
    """A part that TorchScript runs."""

    def __init__(self) -> None:
        super().__init__()
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", FutureWarning)  # it is deprecated
            self.script = torch.jit.script(nn.Sequential(nn.Linear(N, 6), nn.ReLU()))

    def decode(self, z: Tensor) -> Tensor:
        return self.script(self.first(z))


class Gradient(FirstLayer):
    """A step down a gradient inside the forward."""

    def decode(self, z: Tensor) -> Tensor:
        with torch.enable_grad():
            z = z.detach().requires_grad_()
            energy = F.softplus(self.first(z)).pow(2).sum()
            return z - 0.1 * torch.autograd.grad(energy, z)[0]


class Unbatched(FirstLayer):
    """A convolution of one image with no axis for the batch."""

    def __init__(self) -> None:
        super().__init__()
        self.conv = nn.Conv2d(2, 2, 3, padding=1, groups=2)

    def decode(self, z: Tensor) -> Tensor:
        return self.conv(self.first(z).view(2, 2, 6))[None]


LAYER_DECODERS = [
    *(HandWritten, Norms, WeightNorms, Attention, Recurrent, Codebook, InPlace, BatchSizes, OneImage),
    *(Functions, Resampling, Coupling, Scripted, Gradient, Unbatched),
]

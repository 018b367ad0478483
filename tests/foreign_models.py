"""Small stand-ins for other people's VAEs: their attribute names, call shapes and reductions, our own code.

Each class has ``image_shape``-sized inputs of few pixels, and ``logged(out, x, mu, logvar)``: the recon and
kl that the project's own loop would log for a decoder output `out`, reduced and signed as there.
"""

from collections import OrderedDict
from types import SimpleNamespace

import torch
import torch.nn.functional as F
from torch import nn

GREY = (1, 8, 8)
COLOR = (3, 8, 8)


def sample(mu, logvar):
    return mu + torch.exp(0.5 * logvar) * torch.randn_like(mu)


def kl_terms(mu, logvar):
    """KL against N(0, I), (B, latent_dim)."""
    return 0.5 * (mu.square() + logvar.exp() - logvar - 1)


class ChapterVAE(nn.Module):
    """As in chapter 13.4: images in, probabilities out, sums divided by the batch."""

    shape, value_range = GREY, (0.0, 1.0)

    def __init__(self, input_shape=GREY, latent_dim=3):
        super().__init__()
        self.input_shape = input_shape
        self.latent_dim = latent_dim
        n = torch.Size(input_shape).numel()
        self.trunk = nn.Sequential(nn.Flatten(), nn.Linear(n, 16), nn.ReLU())
        self.to_mean = nn.Linear(16, latent_dim)
        self.to_spread = nn.Linear(16, latent_dim)
        self.back = nn.Sequential(nn.Linear(latent_dim, 16), nn.ReLU(), nn.Linear(16, n), nn.Sigmoid())

    def encode(self, x):
        h = self.trunk(x)
        return self.to_mean(h), self.to_spread(h)

    def decode(self, z):
        return self.back(z).view(-1, *self.input_shape)

    def forward(self, x):
        mu, logvar = self.encode(x)
        return self.decode(sample(mu, logvar)), mu, logvar

    def logged(self, out, x, mu, logvar):
        n = len(x)
        return F.binary_cross_entropy(out, x, reduction="sum") / n, kl_terms(mu, logvar).sum() / n


class ExampleVAE(nn.Module):
    """As PyTorch's own example: flat images, no latent_dim attribute, sums over the whole batch."""

    shape, value_range = GREY, (0.0, 1.0)

    def __init__(self):
        super().__init__()
        self.fc1 = nn.Linear(64, 16)
        self.fc21 = nn.Linear(16, 4)
        self.fc22 = nn.Linear(16, 4)
        self.fc3 = nn.Linear(4, 16)
        self.fc4 = nn.Linear(16, 64)

    def encode(self, x):
        h = F.relu(self.fc1(x))
        return self.fc21(h), self.fc22(h)

    def decode(self, z):
        return torch.sigmoid(self.fc4(F.relu(self.fc3(z))))

    def forward(self, x):
        mu, logvar = self.encode(x.view(-1, 64))
        return self.decode(sample(mu, logvar)), mu, logvar

    def logged(self, out, x, mu, logvar):
        recon = F.binary_cross_entropy(out, x.view(-1, 64), reduction="sum")
        return recon, -0.5 * torch.sum(1 + logvar - mu.pow(2) - logvar.exp())


class ModelOutput(OrderedDict):
    """Pythae's results: a dictionary whose entries are attributes too."""

    def __setattr__(self, name, value):
        self[name] = value

    def __getattr__(self, name):
        try:
            return self[name]
        except KeyError:
            raise AttributeError(name) from None


class PythaeEncoder(nn.Module):
    def __init__(self, n, latent_dim, variational=True):
        super().__init__()
        self.body = nn.Linear(n, 16)
        self.embedding = nn.Linear(16, latent_dim)
        self.log_var = nn.Linear(16, latent_dim) if variational else None

    def forward(self, x):
        h = torch.relu(self.body(x.reshape(len(x), -1)))
        out = ModelOutput(embedding=self.embedding(h))
        if self.log_var is not None:
            out["log_covariance"] = self.log_var(h)
        return out


class PythaeDecoder(nn.Module):
    def __init__(self, shape, latent_dim):
        super().__init__()
        self.shape = shape
        self.body = nn.Sequential(nn.Linear(latent_dim, torch.Size(shape).numel()), nn.Sigmoid())

    def forward(self, z):
        return ModelOutput(reconstruction=self.body(z).view(-1, *self.shape))


class PythaeVAE(nn.Module):
    """As in pythae: dictionaries in and out, half the sum of squares, or cross-entropy."""

    shape, value_range = GREY, (0.0, 1.0)

    def __init__(self, reconstruction_loss="mse", model_name="VAE", variational=True):
        super().__init__()
        self.model_name = model_name
        self.model_config = SimpleNamespace(
            input_dim=GREY, latent_dim=5, reconstruction_loss=reconstruction_loss
        )
        self.latent_dim = 5
        self.input_dim = GREY
        self.encoder = PythaeEncoder(64, 5, variational)
        self.decoder = PythaeDecoder(GREY, 5)

    def forward(self, inputs):
        x = inputs["data"]
        code = self.encoder(x)
        z = sample(code.embedding, code.log_covariance)
        recon_x = self.decoder(z)["reconstruction"]
        recon, kl = self.logged(recon_x, x, code.embedding, code.log_covariance)
        return ModelOutput(recon_loss=recon, reg_loss=kl, loss=recon + kl, recon_x=recon_x, z=z)

    def logged(self, out, x, mu, logvar):
        flat, target = out.flatten(1), x.flatten(1)
        if self.model_config.reconstruction_loss == "mse":
            recon = 0.5 * F.mse_loss(flat, target, reduction="none").sum(-1)
        else:
            recon = F.binary_cross_entropy(flat, target, reduction="none").sum(-1)
        return recon.mean(), kl_terms(mu, logvar).sum(-1).mean()


class PyTorchVAE(nn.Module):
    """As in AntixK's collection: lists, tanh, mean squared error, the KL logged with its sign turned."""

    shape, value_range = COLOR, (-1.0, 1.0)

    def __init__(self):
        super().__init__()
        self.latent_dim = 6
        self.encoder = nn.Sequential(nn.Conv2d(3, 4, 3, 2, 1), nn.BatchNorm2d(4), nn.LeakyReLU())
        self.fc_mu = nn.Linear(64, 6)
        self.fc_var = nn.Linear(64, 6)
        self.decoder_input = nn.Linear(6, 64)
        self.decoder = nn.Sequential(nn.ConvTranspose2d(4, 4, 4, 2, 1), nn.LeakyReLU())
        self.final_layer = nn.Sequential(nn.Conv2d(4, 3, 3, padding=1), nn.Tanh())

    def encode(self, input):
        h = self.encoder(input).flatten(1)
        return [self.fc_mu(h), self.fc_var(h)]

    def decode(self, z):
        return self.final_layer(self.decoder(self.decoder_input(z).view(-1, 4, 4, 4)))

    def forward(self, input, **kwargs):
        mu, log_var = self.encode(input)
        return [self.decode(sample(mu, log_var)), input, mu, log_var]

    def loss_function(self, *args, **kwargs):
        recons, input, mu, log_var = args
        recon = F.mse_loss(recons, input)
        kl = kl_terms(mu, log_var).sum(1).mean()
        return {
            "loss": recon + kwargs["M_N"] * kl,
            "Reconstruction_Loss": recon.detach(),
            "KLD": -kl.detach(),
        }

    def logged(self, out, x, mu, logvar):
        losses = self.loss_function(out, x, mu, logvar, M_N=0.00025)
        return losses["Reconstruction_Loss"], losses["KLD"]


class BoltsVAE(nn.Module):
    """As in lightning-bolts: no encode, forward gives the reconstruction alone, everything averaged."""

    shape, value_range = COLOR, (0.0, 1.0)

    def __init__(self, kl_coeff=0.1):
        super().__init__()
        self.latent_dim = 7
        self.kl_coeff = kl_coeff
        self.encoder = nn.Sequential(nn.Conv2d(3, 4, 3, 2, 1), nn.ReLU(), nn.Flatten())
        self.fc_mu = nn.Linear(64, 7)
        self.fc_var = nn.Linear(64, 7)
        self.decoder = nn.Sequential(nn.Linear(7, 192), nn.Unflatten(1, COLOR))

    def forward(self, x):
        h = self.encoder(x)
        return self.decoder(sample(self.fc_mu(h), self.fc_var(h)))

    def logged(self, out, x, mu, logvar):
        q = torch.distributions.Normal(mu, torch.exp(logvar / 2))
        p = torch.distributions.Normal(torch.zeros_like(mu), torch.ones_like(mu))
        kl = torch.distributions.kl_divergence(q, p).mean() * self.kl_coeff
        return F.mse_loss(out, x, reduction="mean"), kl


class BetaVAE(nn.Module):
    """As 1Konny's: private methods, mu and logvar side by side, logits."""

    shape, value_range = GREY, (0.0, 1.0)

    def __init__(self, z_dim=4):
        super().__init__()
        self.z_dim = z_dim
        self.encoder = nn.Sequential(nn.Flatten(), nn.Linear(64, 2 * z_dim))
        self.decoder = nn.Sequential(nn.Linear(z_dim, 64), nn.Unflatten(1, GREY))

    def _encode(self, x):
        return self.encoder(x)

    def _decode(self, z):
        return self.decoder(z)

    def forward(self, x):
        both = self._encode(x)
        mu, logvar = both[:, : self.z_dim], both[:, self.z_dim :]
        return self._decode(sample(mu, logvar)).view(x.size()), mu, logvar

    def logged(self, out, x, mu, logvar):
        recon = F.binary_cross_entropy_with_logits(out, x, reduction="sum").div(len(x))
        return recon, kl_terms(mu, logvar).sum(1).mean(0)

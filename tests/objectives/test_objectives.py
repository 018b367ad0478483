import math

import pytest
import torch
from torch import nn

from vaewidgets.errors import OptionError, ProtocolError, ShapeError
from vaewidgets.models import MLPVAE
from vaewidgets.objectives import (
    ELBO,
    VQ,
    Bernoulli,
    BetaTC,
    Capacity,
    FreeBits,
    InfoVAE,
    Reconstruction,
    SquaredError,
    get_objective,
    kl_parts,
    kl_per_dim,
    mmd,
    objective_from_dict,
)
from vaewidgets.objectives.named import OBJECTIVES

ALL = [ELBO(), FreeBits(0.1), Capacity(5.0, 20), InfoVAE(10.0, 0.5), BetaTC(), Reconstruction()]


def a_model(latent_dim=3, seed=0):
    torch.manual_seed(seed)
    return MLPVAE((1, 6, 6), latent_dim, hidden=(16,))


def a_batch(n=12):
    return torch.rand(n, 1, 6, 6, generator=torch.Generator().manual_seed(1))


def terms_of(objective, model, x, beta=1.0, **options):
    return objective(model, Bernoulli(), x, beta, generator=torch.Generator().manual_seed(5), **options)


def normal(shape, seed=0):
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed))


@pytest.mark.parametrize("objective", ALL, ids=lambda v: v.name)
def test_common_to_all(objective):
    model, x = a_model(), a_batch()
    terms = terms_of(objective, model, x, 2.0, step=10, n_data=100)
    assert set(terms.extras) == set(objective.extras)
    for value in (*terms[:3], *terms.extras.values()):
        assert value.ndim == 0
        assert torch.isfinite(value)
    if objective.bounds:  # recon and kl are those of the ELBO, whatever the loss makes of them
        elbo = terms_of(ELBO(), model, x)
        torch.testing.assert_close(terms.recon, elbo.recon)
        torch.testing.assert_close(terms.kl, elbo.kl)
    terms.loss.backward()
    trained = [p for name, p in model.named_parameters() if objective.bounds or "logvar" not in name]
    assert all(p.grad is not None and p.grad.abs().sum() > 0 for p in trained)


@pytest.mark.parametrize("objective", [*ALL, VQ(0.5)], ids=lambda v: v.name)
def test_settings_survive_a_run_file(objective):
    assert objective_from_dict(objective.to_dict()) == objective
    assert get_objective(objective.name) == type(objective)()
    assert OBJECTIVES[objective.name] is type(objective)


# free bits ------------------------------------------------------------------------------------


def test_free_bits_hold_their_floor():
    """From an encoder that says nothing, the KL rises to the floor of each dimension, not beyond."""
    torch.manual_seed(0)
    mu, logvar = nn.Parameter(0.05 * normal((8, 4))), nn.Parameter(0.05 * normal((8, 4), 1))

    class Free(nn.Module):
        def encode(self, x):
            return mu, logvar

        def decode_raw(self, z):
            return torch.zeros(8, 1, 2, 2)  # ignores z: nothing but the KL moves the encoder

    x = torch.zeros(8, 1, 2, 2)
    with torch.no_grad():
        mu += 1.0
    optimiser = torch.optim.SGD([mu, logvar], lr=0.5)
    for _ in range(400):
        optimiser.zero_grad()
        terms = FreeBits(0.2)(Free(), SquaredError(), x)
        terms.loss.backward()
        optimiser.step()
    per_dim = kl_per_dim(mu, logvar).mean(0).detach()
    assert (per_dim <= 0.2).all()
    assert (per_dim > 0.15).all()  # an ELBO would take it to 0
    assert float(terms.extras["kl_floored"]) == pytest.approx(4 * 0.2)


def test_free_bits_above_the_floor_are_the_elbo():
    model, x = a_model(), a_batch()
    with torch.no_grad():
        model.to_mu.bias += 3.0
    floored, elbo = terms_of(FreeBits(0.1), model, x, 2.0), terms_of(ELBO(), model, x, 2.0)
    torch.testing.assert_close(floored.loss, elbo.loss)


# capacity -------------------------------------------------------------------------------------


@pytest.mark.parametrize(("step", "capacity"), [(0, 0.0), (5, 2.5), (20, 10.0), (1000, 10.0)])
def test_capacity_grows_in_a_straight_line(step, capacity):
    terms = terms_of(Capacity(10.0, 20), a_model(), a_batch(), 7.0, step=step)
    assert float(terms.extras["capacity"]) == capacity
    torch.testing.assert_close(terms.loss, terms.recon + 7.0 * (terms.kl - capacity).abs())


# MMD ------------------------------------------------------------------------------------------


def test_mmd_of_equal_samples_is_zero_and_of_far_ones_two():
    a = normal((50, 4))
    assert float(mmd(a, a)) == pytest.approx(0.0, abs=1e-7)
    points = torch.zeros(50, 4)
    assert float(mmd(points, points + 1e3)) == pytest.approx(2.0)


def evenly(n, d, seed):
    """Normal points spread more evenly than by chance, so that averages over them are nearly exact."""
    uniform = torch.quasirandom.SobolEngine(d, scramble=True, seed=seed).draw(n)
    return torch.distributions.Normal(0.0, 1.0).icdf(uniform.clamp(1e-6, 1 - 1e-6))


@pytest.mark.parametrize("shift", [0.0, 0.5, 2.0])
def test_mmd_of_two_gaussians_in_closed_form(shift):
    """Under this kernel E k(u, v) = (h / (h + 2))^(d/2) exp(−‖shift‖² / (2 (h + 2)))."""
    n, d, h = 2048, 2, 2.0
    a, b = evenly(n, d, 0), evenly(n, d, 1) + shift
    within = (h / (h + 2)) ** (d / 2)
    across = within * math.exp(-(d * shift**2) / (2 * (h + 2)))
    assert float(mmd(a, b)) == pytest.approx(2 * (within - across), abs=0.001)


def test_samples_of_other_dimensions_are_refused():
    with pytest.raises(ShapeError, match=r"samples of shapes \(3, 2\) and \(3, 4\)"):
        mmd(torch.zeros(3, 2), torch.zeros(3, 4))


def test_info_vae_counts_the_discrepancy_and_what_is_left_of_the_kl():
    model, x = a_model(), a_batch()
    terms = terms_of(InfoVAE(30.0, alpha=0.25), model, x, 2.0)
    wanted = terms.recon + 2.0 * 0.75 * terms.kl + 30.0 * terms.extras["mmd"]
    torch.testing.assert_close(terms.loss, wanted)


# total correlation ----------------------------------------------------------------------------


def gaussian_posteriors(correlation, n=1500, noise=0.4, seed=0):
    """Posteriors whose aggregate is N(0, R), the correlation of its two dimensions given."""
    covariance = torch.tensor([[1.0, correlation], [correlation, 1.0]], dtype=torch.float64)
    root = torch.linalg.cholesky(covariance - noise * torch.eye(2, dtype=torch.float64))
    mu = normal((n, 2), seed).double() @ root.T
    logvar = torch.full_like(mu, math.log(noise))
    return mu + noise**0.5 * normal((n, 2), seed + 1).double(), mu, logvar


def test_nothing_is_known_of_a_factorised_posterior_that_ignores_x():
    mu = torch.zeros(40, 5)
    for n_data in (None, 40, 60_000):
        parts = kl_parts(normal((40, 5)), mu, mu, n_data)
        assert all(abs(float(part)) < 1e-5 for part in parts), parts


@pytest.mark.parametrize("correlation", [0.0, 0.3, 0.55])
def test_total_correlation_of_a_gaussian(correlation):
    """TC = −½ ln det R; 0 for the factorised one. MI = ½ ln det R − ½ d ln noise."""
    parts = kl_parts(*gaussian_posteriors(correlation))
    tc = -0.5 * math.log(1 - correlation**2)
    assert float(parts.tc) == pytest.approx(tc, abs=0.03)
    assert float(parts.mi) == pytest.approx(-tc - math.log(0.4), abs=0.06)
    assert float(parts.dim_kl) == pytest.approx(0.0, abs=0.06)


def test_the_parts_add_up_to_the_sampled_kl():
    z, mu, logvar = gaussian_posteriors(0.3, n=64)
    density = torch.distributions.Normal
    log_q = density(mu, (0.5 * logvar).exp()).log_prob(z).sum(1)
    log_p = density(0.0, 1.0).log_prob(z).sum(1)
    torch.testing.assert_close(sum(kl_parts(z, mu, logvar, 5000)), (log_q - log_p).mean())


def test_a_minibatch_estimates_the_density_of_the_whole_set():
    """Weighted by 1/N and (N − 1)/(N (B − 1)), the minibatch's estimate of q(z) is unbiased."""
    z, mu, logvar = gaussian_posteriors(0.3, n=300)
    density = torch.distributions.Normal(mu, (0.5 * logvar).exp()).log_prob(z[:1]).sum(1).exp()
    generator = torch.Generator().manual_seed(0)
    drawn = [1 + torch.randperm(299, generator=generator)[:29] for _ in range(2000)]
    others = torch.stack([density[index] for index in drawn])
    estimates = density[0] / 300 + others.mean(1) * (299 / 300)
    assert float(estimates.mean()) == pytest.approx(float(density.mean()), rel=0.02)


def test_beta_weighs_the_total_correlation_alone():
    terms = terms_of(BetaTC(alpha=0.5, gamma=2.0), a_model(), a_batch(), 6.0, n_data=500)
    extras = terms.extras
    wanted = terms.recon + 0.5 * extras["mi"] + 6.0 * extras["tc"] + 2.0 * extras["dim_kl"]
    torch.testing.assert_close(terms.loss, wanted)


def test_a_batch_of_one_has_no_correlation_to_show():
    terms = terms_of(BetaTC(), a_model(), a_batch(1), 4.0)
    assert all(torch.isfinite(value) for value in (terms.loss, *terms.extras.values()))


# without a KL ---------------------------------------------------------------------------------


class Codebook(nn.Module):
    """Two codes, ±1, one a coordinate."""

    default_objective = "vq"

    def __init__(self):
        super().__init__()
        self.codes = nn.Parameter(torch.tensor([-1.0, 1.0]))
        self.scale = nn.Parameter(torch.tensor(0.5))

    def encode(self, x):
        return self.quantise(x)[0], None

    def quantise(self, x):
        z_e = self.scale * x.flatten(1)
        e = self.codes[(z_e > 0).long()]
        codebook = (z_e.detach() - e).square().sum(1).mean()
        commitment = (z_e - e.detach()).square().sum(1).mean()
        return z_e + (e - z_e).detach(), codebook, commitment

    def decode_raw(self, z):
        return z.view(-1, 1, 2, 1)

    decode = decode_raw


def test_vector_quantisation_written_out():
    model, x = Codebook(), torch.tensor([[3.0, -1.0], [2.0, 4.0]]).view(2, 1, 2, 1)
    terms = VQ(0.25)(model, SquaredError(), x)
    distance = ((1.5 - 1) ** 2 + (-0.5 + 1) ** 2 + 0.0 + (2 - 1) ** 2) / 2
    recon = (4 + 0 + 1 + 9) / 2
    assert terms.recon.item() == recon
    assert terms.loss.item() == recon + 1.25 * distance
    assert [float(v) for v in terms.extras.values()] == [distance, distance]
    assert terms.kl.item() == 0
    terms.loss.backward()
    # recon's gradient goes straight through to the encoder, a quarter of the commitment's beside it
    by_recon = (2 * (1 - 3) * 3 + 2 * (-1 + 1) * -1 + 2 * (1 - 2) * 2 + 2 * (1 - 4) * 4) / 2
    by_commitment = (2 * 0.5 * 3 + 2 * 0.5 * -1 + 0 + 2 * 1 * 4) / 2
    assert float(model.scale.grad) == pytest.approx(by_recon + 0.25 * by_commitment)
    # the codes are moved by their own term alone
    assert model.codes.grad.tolist() == pytest.approx([2 * -0.5 / 2, (2 * -0.5 + 0 + 2 * -1) / 2])


def test_a_model_that_an_objective_cannot_train_is_refused():
    with pytest.raises(OptionError, match=r'wants a posterior variance, which Codebook has not.*"vq"'):
        ELBO().check(Codebook())
    with pytest.raises(OptionError, match=r"wants a model with a codebook.*MLPVAE has no method quantise"):
        VQ().check(a_model())
    Reconstruction().check(Codebook())
    VQ().check(Codebook())
    with pytest.raises(ProtocolError, match=r"Codebook\.encode returned no logvar"):
        ELBO()(Codebook(), SquaredError(), torch.zeros(2, 1, 2, 1))


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: FreeBits(0.0), "floor is 0.0; expected a finite number above 0"),
        (lambda: FreeBits(True), "floor is True"),
        (lambda: Capacity(-1), "maximum is -1"),
        (lambda: Capacity(steps=0), "steps is 0; expected a whole number"),
        (lambda: InfoVAE(-1.0), "mmd_weight is -1.0; expected a finite number of at least 0"),
        (lambda: InfoVAE(alpha=2.0), "alpha is 2.0; expected a finite number of at most 1"),
        (lambda: InfoVAE(bandwidth=0), "bandwidth is 0"),
        (lambda: BetaTC(alpha=float("nan")), "alpha is nan"),
        (lambda: VQ(-0.1), "commitment is -0.1"),
        (lambda: get_objective("beta-tc"), "objective is 'beta-tc'.*Did you mean 'beta_tc'"),
    ],
)
def test_bad_settings_are_refused(make, message):
    with pytest.raises(OptionError, match=message):
        make()

import pytest
import torch

from vaewidgets.data import load_dataset
from vaewidgets.errors import OptionError, ShapeError
from vaewidgets.models import MLPVAE, AutoregressiveVAE
from vaewidgets.objectives import FreeBits, get_likelihood
from vaewidgets.runs import train


@pytest.fixture(scope="module")
def digits():
    return load_dataset("digits", size=8)


def small(shape=(1, 8, 8), latent_dim=4, **options):
    torch.manual_seed(0)
    return AutoregressiveVAE(shape, latent_dim, **{"hidden": (64,), "channels": 16, "layers": 2, **options})


@pytest.mark.parametrize("kernel", [3, 5])
def test_a_pixel_is_predicted_from_earlier_ones_only(kernel):
    model = small((2, 5, 6), kernel=kernel, layers=3).double()
    x = torch.rand(1, 2, 5, 6, dtype=torch.float64)
    z = torch.randn(1, 4, dtype=torch.float64)
    jacobian = torch.autograd.functional.jacobian(lambda x: model.decode_raw(z, x)[0].sum(0), x)[:, :, 0].sum(
        2
    )
    depends = (jacobian.abs() > 0).view(30, 30)  # of the prediction on the pixel, in reading order
    assert not depends.triu().any()
    assert depends[8, 7]
    assert depends[8, 1]


@pytest.mark.parametrize("likelihood", ["bernoulli", "continuous_bernoulli"])
def test_generation_draws_from_what_is_predicted(likelihood):
    model = small((2, 5, 7), likelihood=likelihood).eval()
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.mul_(2)
    z = torch.randn(3, 4)
    x = model.decode(z)
    noise = torch.rand(1, 5, 7, 2, generator=torch.Generator().manual_seed(0)).permute(0, 3, 1, 2)
    with torch.no_grad():
        logits = model.decode_raw(z, x)  # all at once, on the image that was drawn pixel by pixel
    if likelihood == "bernoulli":
        assert torch.equal(x, (noise < torch.sigmoid(logits)).float())
        assert 0.05 < float(x.mean()) < 0.95
    else:
        cdf = torch.expm1(logits.double() * x) / torch.expm1(logits.double())
        torch.testing.assert_close(cdf.float(), noise.expand_as(x), atol=2e-3, rtol=0)


def test_an_image_depends_on_its_z_alone_or_on_a_stated_generator():
    model = small().eval()
    z = torch.randn(4, 4)
    assert torch.equal(model.decode(z)[2:], model.decode(z[2:]))
    first = model.decode(z, generator=torch.Generator().manual_seed(5))
    assert torch.equal(first, model.decode(z, generator=torch.Generator().manual_seed(5)))
    assert not torch.equal(first, model.decode(z, generator=torch.Generator().manual_seed(6)))
    same = model.decode(z[:1].expand(2, -1), generator=torch.Generator().manual_seed(5))
    assert not torch.equal(same[0], same[1])


def test_a_strong_decoder_ignores_z_at_beta_1_and_free_bits_cure_it(digits):
    x = digits.test.images(slice(None))
    score = get_likelihood("bernoulli")
    kl, recon, worse = {}, {}, {}
    for name, objective in (("elbo", None), ("free bits", FreeBits(floor=1.0))):
        model = small(channels=24)
        run = train(
            model, digits, epochs=10, batch_size=64, lr=1e-2, seed=0, objective=objective, autosave=False
        )
        run.wait(progress=False)
        kl[name], recon[name] = run.history["test_kl"][-1], run.history["test_recon"][-1]
        with torch.no_grad():
            mu, _ = model.eval().encode(x)
            own, other = (score.recon(model.decode_raw(z, x), x).mean() for z in (mu, mu.roll(1, 0)))
        worse[name] = float(other - own)  # what another image's code costs, in nats
    weak = train(
        MLPVAE((1, 8, 8), 4, hidden=(64,)), digits, epochs=10, batch_size=64, lr=3e-3, seed=0, autosave=False
    )
    weak.wait(progress=False)
    assert kl["elbo"] < 0.1
    assert worse["elbo"] < 0.1
    assert kl["free bits"] > 3  # of the 4 nats that are free on the training batches
    assert worse["free bits"] > 1
    assert recon["free bits"] < recon["elbo"] - 1
    # strong, not broken: without z it models the images better than a VAE that must use z
    assert recon["elbo"] + kl["elbo"] < weak.history["test_loss"][-1]
    assert weak.history["test_kl"][-1] > 1


def test_refusals():
    with pytest.raises(ShapeError, match=r"decode_raw got no images.*To generate, use decode\(z\)"):
        small().decode_raw(torch.zeros(1, 4))
    with pytest.raises(OptionError, match="kernel is 4; expected an odd number"):
        small(kernel=4)
    with pytest.raises(
        OptionError, match="likelihood is 'gaussian'; expected one of 'bernoulli', 'continuous_bernoulli'"
    ):
        small(likelihood="gaussian")

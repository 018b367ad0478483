"""A model conditioned on beta: one beta of it is a plain model, and the objective tells it which."""

import math

import pytest
import torch

import vaewidgets as vw
from vaewidgets.errors import OptionError
from vaewidgets.graphs import portable_network
from vaewidgets.objectives import get_likelihood, get_objective

SHAPE = (1, 4, 4)


def turned(**options):
    """A model that differs at each of its knots."""
    torch.manual_seed(0)
    model = vw.MultiRateVAE(SHAPE, 3, betas=(0.25, 16), hidden=(8, 6), **options)
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.normal_()
    return model.eval()


@pytest.mark.parametrize(
    "options", [{}, {"likelihood": "gaussian", "activation": "tanh", "knots": 2}, {"hidden": (5,)}]
)
def test_at_one_beta_it_is_an_mlp(options):
    model = turned(**options) if "hidden" not in options else vw.MultiRateVAE(SHAPE, 3, **options).eval()
    x, z = torch.rand(5, *SHAPE), torch.randn(5, 3)
    for beta in (model.betas[0], 1.0, 3.7, model.betas[1]):
        plain = model.at(beta)
        assert type(plain) is vw.MLPVAE
        for got, want in zip(model.encode(x, beta), plain.encode(x), strict=True):
            torch.testing.assert_close(got, want)
        torch.testing.assert_close(model.decode_raw(z, beta), plain.decode_raw(z))
        torch.testing.assert_close(model.decode(z, beta), plain.decode(z))


def test_without_a_beta_it_is_at_the_middle_and_outside_at_the_nearest_end():
    model, x = turned(), torch.rand(5, *SHAPE)
    for given, same in ((None, 2.0), (1e-9, 0.25), (0.0, 0.25), (1e9, 16.0)):
        torch.testing.assert_close(model.encode(x, given), model.encode(x, same))
    assert model.place(0.25).item() == pytest.approx(-1)
    assert model.place(4.0).item() == pytest.approx(1 / 3)
    each = torch.tensor([[0.25], [1.0], [2.0], [4.0], [16.0]])
    apart = torch.cat([model.encode(x[i : i + 1], each[i].item())[0] for i in range(5)])
    torch.testing.assert_close(model.encode(x, each)[0], apart)


def test_the_weights_of_a_knot_are_those_of_its_beta_and_lie_on_a_line_between_two():
    model = turned()
    knots = [0.25 * 64 ** (i / 4) for i in range(5)]
    for layer, name in ((model.to_mu, "to_mu"), (model.to_pixels, "to_pixels")):
        for i, beta in enumerate(knots):
            plain = getattr(model.at(beta), name)
            torch.testing.assert_close(plain.bias, layer.bias[i])
            torch.testing.assert_close(plain.weight, layer.weight[min(i, len(layer.weight) - 1)])
    between = model.at(math.sqrt(knots[1] * knots[2])).to_logvar
    torch.testing.assert_close(between.weight, model.to_logvar.weight[1:3].mean(0))


def test_the_objective_weighs_by_the_beta_that_it_tells_the_model():
    model, x = turned(), torch.rand(6, *SHAPE)
    likelihood = get_likelihood("bernoulli")
    for name in ("elbo", "beta_tc"):
        noise = [torch.Generator().manual_seed(1) for _ in range(2)]
        got = get_objective(name)(model, likelihood, x, 4.0, generator=noise[0])
        want = get_objective(name)(model.at(4.0), likelihood, x, 4.0, generator=noise[1])
        torch.testing.assert_close(torch.stack(got[:3]), torch.stack(want[:3]))
    got.loss.backward()
    used = model.to_logvar.bias.grad.abs().sum(1) > 0
    assert used.tolist() == [False, False, True, True, False], (
        "beta 4 lies between the third and fourth of five"
    )


def test_it_trains_on_all_betas_and_the_test_set_is_scored_at_the_middle(tmp_path):
    data = vw.ImageDataset(torch.rand(64, *SHAPE), test=torch.rand(16, *SHAPE))
    model = vw.MultiRateVAE(SHAPE, hidden=(8,))
    run = vw.train(model, data, beta=vw.LogUniform(0.1, 10), epochs=4, batch_size=8, autosave=False)
    run.wait(progress=False)
    assert run.options["beta"] == "0.1 to 10, another at each step"
    beta = run.history["beta"]
    assert beta.min() < 0.2
    assert beta.max() > 5
    last = run.recorder.epochs()[1]
    # weighed by 1, the middle of the range
    assert last["test_loss"] == pytest.approx(last["test_recon"] + last["test_kl"], rel=1e-4)
    path = tmp_path / "run.safetensors"
    run.save(path)
    again = vw.load_run(path)
    x = data.test.images([0, 1])
    torch.testing.assert_close(again.model.encode(x, 5.0), run.model.encode(x, 5.0))


def test_one_beta_for_a_model_of_all_is_said():
    data = vw.ImageDataset(torch.rand(64, *SHAPE), test=torch.rand(16, *SHAPE))
    with pytest.warns(UserWarning, match="learns that one alone.*beta=vw.LogUniform"):
        vw.train(vw.MultiRateVAE(SHAPE, hidden=(8,)), data, batch_size=8, autosave=False, start=False)


@pytest.mark.parametrize("betas", [(1,), (2, 1), (0, 1), "0.1", (1, 1), (0.1, math.inf)])
def test_a_range_that_is_none_is_refused(betas):
    with pytest.raises(OptionError, match="betas is"):
        vw.MultiRateVAE(SHAPE, betas=betas)


def test_the_page_is_told_beta_by_its_place_in_the_range():
    model = turned()
    network = portable_network("decode_at", ((3,), (1,)), module=model)
    z = torch.randn(2, 3)
    t = model.place(3.0).expand(2, 1)
    (got,) = network.run(z.double().numpy(), t.double().numpy())
    torch.testing.assert_close(
        torch.as_tensor(got).float(), model.decode(z, 3.0).detach().flatten(1), atol=1e-4, rtol=1e-4
    )


def test_one_knot_is_refused():
    with pytest.raises(OptionError, match="knots is 1"):
        vw.MultiRateVAE(SHAPE, knots=1)


def test_a_linear_model_has_no_place_for_beta():
    with pytest.raises(OptionError, match="at least one layer, for beta to enter"):
        vw.MultiRateVAE(SHAPE, hidden=())

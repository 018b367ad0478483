import pytest
import torch

from vaewidgets.errors import OptionError
from vaewidgets.models import ConvVAE
from vaewidgets.objectives import ELBO, SquaredError


@pytest.mark.parametrize(("latent_dim", "parameters"), [(128, 3_342_305), (256, 5_538_017)])
def test_published_parameter_counts(latent_dim, parameters):
    model = ConvVAE((1, 28, 28), latent_dim)
    assert sum(p.numel() for p in model.parameters()) == parameters


def test_the_published_network_layer_by_layer():
    model = ConvVAE((1, 28, 28))
    sizes, x = [], torch.rand(2, 1, 28, 28)
    for layer in model.encoder:
        x = layer(x)
        if isinstance(layer, torch.nn.Conv2d):
            sizes.append(tuple(x.shape[1:]))
    assert sizes == [(32, 14, 14), (64, 7, 7), (128, 3, 3), (256, 3, 3)]
    assert model.to_mu.in_features == 2304
    sizes, h = [], torch.rand(2, 256, 7, 7)
    for layer in model.decoder:
        h = layer(h)
        if not isinstance(layer, torch.nn.ReLU):
            sizes.append(tuple(h.shape[1:]))
    assert sizes == [(128, 14, 14), (64, 28, 28), (32, 28, 28), (1, 28, 28)]
    assert (model.likelihood, model.output) == ("squared_error", "tanh")
    assert model.decode(torch.randn(5, 128) * 100).abs().max() <= 1


def test_the_first_steps_do_not_saturate_the_output():
    # Strokes on black, as MNIST: the bias of the last layer alone would go to the black that most pixels are.
    torch.manual_seed(0)
    x = torch.full((2, 1, 28, 28), -1.0)
    x[0, :, 8:20, 13:15] = 1.0
    x[1, :, 13:15, 8:20] = 1.0
    model = ConvVAE((1, 28, 28))
    optimizer = torch.optim.Adam(model.parameters(), 1e-3)
    generator = torch.Generator().manual_seed(0)
    for _ in range(20):
        optimizer.zero_grad()
        ELBO()(model, SquaredError(), x, generator=generator).loss.backward()
        optimizer.step()
    with torch.no_grad():
        assert model.decode(model.encode(x)[0]).std() > 0.1


@pytest.mark.parametrize("shape", [(1, 8, 8), (1, 28, 20), (3, 33, 47), (1, 9, 64)])
@pytest.mark.parametrize("channels", [(2, 3), (4, 5, 6), (2, 3, 4, 5)])
def test_any_size(shape, channels):
    model = ConvVAE(shape, 3, channels=channels)
    x = torch.rand(2, *shape)
    assert model(x)[0].shape == x.shape


def test_too_small_an_image_is_refused():
    with pytest.raises(OptionError, match=r"images of 7 x 28 are too small .* at least 8 x 8"):
        ConvVAE((1, 7, 28))
    with pytest.raises(OptionError, match=r"channels is .* expected at least two"):
        ConvVAE((1, 8, 8), channels=(3,))

import math

import pytest
import torch

from vaewidgets.data import load_dataset
from vaewidgets.errors import OptionError, ShapeError
from vaewidgets.models import VQVAE, perplexity
from vaewidgets.runs import train


@pytest.fixture(scope="module")
def digits():
    return load_dataset("digits", size=8)


def all_images(data):
    return data.train.images(slice(None))


def small(**options):
    torch.manual_seed(0)
    return VQVAE((1, 8, 8), **{"n_codes": 16, "code_dim": 4, "channels": (8, 16), **options})


def test_perplexity_is_1_for_one_code_and_k_for_uniform_use():
    assert perplexity(torch.tensor([0, 7, 0, 0])) == 1
    assert perplexity(torch.full((64,), 5)) == pytest.approx(64)
    assert perplexity(torch.tensor([1, 1, 2])) == pytest.approx(
        math.exp(0.5 * math.log(4) + 0.5 * math.log(2))
    )
    with pytest.raises(ShapeError, match=r"counts have shape \(3,\) and sum 0"):
        perplexity(torch.zeros(3))


def test_planted_code_use_over_an_epoch(digits):
    model = small(n_codes=4).eval()
    x = all_images(digits)[:1]
    vectors = model._vectors(x).detach()  # four positions
    model.codes_table.copy_(vectors)
    use = model.code_use([x, x, x])
    assert use.counts.tolist() == [3, 3, 3, 3]
    assert use.perplexity == pytest.approx(4)
    model.codes_table[1:] += 1e3
    use = model.code_use([x, x])
    assert use.counts.tolist() == [8, 0, 0, 0]
    assert (use.perplexity, use.n_used) == (1, 1)
    assert repr(use) == "CodeUse(1 of 4 codes used, perplexity 1.0, 8 positions)"


def test_every_position_takes_the_nearest_code(digits):
    model = small().eval()
    model.codes_table.normal_()
    x = all_images(digits)[:20]
    with torch.no_grad():
        vectors = model._vectors(x)
        want = torch.cdist(vectors, model.codes_table).argmin(1).view(20, 2, 2)
        codes = model.codes(x)
        assert torch.equal(codes, want)
        z = model.encode(x)[0].view(20, 4, 2, 2)
        torch.testing.assert_close(z[3, :, 1, 0], model.codes_table[codes[3, 1, 0]])
        torch.testing.assert_close(model.decode_codes(codes), model.decode(model.encode(x)[0]))
        _, codebook, commitment = model.quantise(x)
    distance = (vectors - model.codes_table[want.flatten()]).square().sum() / 20
    assert float(codebook) == 0
    assert float(commitment) == pytest.approx(float(distance), rel=1e-4)


@pytest.mark.parametrize("codebook", ["ema", "gradient"])
def test_gradients_of_the_three_terms(digits, codebook):
    model = small(codebook=codebook, restart_below=0).train()
    x = all_images(digits)[:8]
    z, codebook_term, commitment = model.quantise(x)
    encoder, table = list(model.encoder.parameters()), model.codes_table

    def reaches(term, tensors):
        grads = torch.autograd.grad(term, tensors, retain_graph=True, allow_unused=True)
        return any(g is not None and bool(g.abs().sum() > 0) for g in grads)

    assert reaches(z.square().sum(), encoder)  # straight through
    assert reaches(commitment, encoder)
    if codebook == "gradient":
        assert not reaches(codebook_term, encoder)
        assert not reaches(commitment, [table])
        (grad,) = torch.autograd.grad(codebook_term, [table])
        index = model.codes(x).flatten()
        want = torch.zeros_like(table).index_add(0, index, 2 * (table[index] - model._vectors(x)) / 8)
        torch.testing.assert_close(grad, want)


def test_moving_averages_by_hand(digits):
    model = small(decay=0.9, restart_below=0).train()
    table, x = model.codes_table.clone(), all_images(digits)[:8]
    index, vectors = model.codes(x).flatten(), model._vectors(x).detach()
    model.quantise(x)
    share = 16 / len(vectors)
    for k in range(16):
        mine = vectors[index == k]
        use = 0.9 + 0.1 * share * len(mine)
        want = (0.9 * table[k] + 0.1 * share * mine.sum(0)) / use
        torch.testing.assert_close(model.codes_table[k], want)
        assert float(model.usage[k]) == pytest.approx(use)
    model.eval()
    model.quantise(x)
    torch.testing.assert_close(model.usage.mean(), torch.tensor(1.0))
    assert int(model.updates) == 1


@pytest.mark.parametrize("codebook", ["ema", "gradient"])
def test_a_dead_code_restarts_on_a_vector_of_the_batch(digits, codebook):
    model = small(codebook=codebook).train()
    x = all_images(digits)[:32]
    model.quantise(x)
    with torch.no_grad():
        model.codes_table[5] = 1e3
        model.usage[5] = 0.01
    vectors = model._vectors(x).detach()
    model._restart(vectors)
    assert bool((vectors == model.codes_table.detach()[5]).all(1).any())
    assert float(model.usage[5]) == 1
    with torch.no_grad():
        model.usage[5] = 0.01
    before = model.codes_table.detach().clone()
    model._restart(torch.full_like(vectors, math.nan))
    assert torch.equal(model.codes_table.detach(), before)


@pytest.mark.parametrize("codebook", ["ema", "gradient"])
def test_trained_it_uses_its_codes_and_restarts_are_why(digits, codebook):
    use, recon = {}, {}
    for restart_below in (0.05, 0):
        model = small(n_codes=32, codebook=codebook, restart_below=restart_below, decay=0.99)
        run = train(model, digits, epochs=8, batch_size=64, lr=3e-3, seed=0, autosave=False)
        run.wait(progress=False)
        use[restart_below] = model.eval().code_use([all_images(digits)])
        recon[restart_below] = run.history["test_recon"][-1]
        assert run.history["commitment_cost"].shape == run.history["recon"].shape
    assert use[0.05].perplexity > 20
    assert use[0.05].perplexity > 1.4 * use[0].perplexity
    assert recon[0.05] < recon[0]
    x = all_images(digits)
    assert recon[0.05] < 0.6 * float(x.flatten(1).var(0, correction=0).sum())


def test_refusals():
    with pytest.raises(OptionError, match=r"codebook is 'emma'.*Did you mean 'ema'"):
        small(codebook="emma")
    with pytest.raises(OptionError, match="decay is 1; expected a number above 0 and below 1"):
        small(decay=1)
    with pytest.raises(OptionError, match=r"channels is \(\); expected at least one"):
        small(channels=())
    with pytest.raises(ShapeError, match=r"codes have shape \(1, 4\)"):
        small().decode_codes(torch.zeros(1, 4, dtype=torch.int64))
    with pytest.raises(OptionError, match="codes run from 0 to 16; this VQVAE has 0 to 15"):
        small().decode_codes(torch.tensor([[[0, 16], [0, 0]]]))
    with pytest.raises(OptionError, match="code_use got no batch"):
        small().code_use([])

"""What a foreign decoder returns and what its recon is: by outputs, data and the logged recon."""

import pytest
import torch
import torch.nn.functional as F
from torch import nn

from tests.experiments.audit_loops import looking_often
from tests.runs.conftest import make_data, make_model
from tests.runs.odd_models import Small
from vaewidgets.data import ImageDataset, load_dataset
from vaewidgets.live.feed import Feed
from vaewidgets.runs import attach, load_run, train
from vaewidgets.sections.state import run_state


def bce(out, x):
    return F.binary_cross_entropy(out, x, reduction="sum")


def bce_of_logits(out, x):
    return F.binary_cross_entropy_with_logits(out, x, reduction="sum")


def squared(out, x):
    return (out - x).square().sum()


def squared_after_sigmoid(out, x):
    return squared(torch.sigmoid(out), x)


# what the decoder ends in, the loop's recon, and how it is to be read
CASES = {
    "linear, squared error": (nn.Identity, squared, "mean", "squared_error"),
    "linear, BCE with logits": (nn.Identity, bce_of_logits, "logits", "bernoulli"),
    "linear, squared error of the sigmoid": (nn.Identity, squared_after_sigmoid, "logits", "squared_error"),
    "tanh, squared error": (nn.Tanh, squared, "mean", "squared_error"),
    "sigmoid, squared error": (nn.Sigmoid, squared, "probabilities", "squared_error"),
    "sigmoid, BCE": (nn.Sigmoid, bce, "probabilities", "bernoulli"),
}


@pytest.fixture(autouse=True)
def _at_each_step(monkeypatch):
    """The reading is tried at each step, and the loop is audited as often as a long one, on any machine."""
    monkeypatch.setattr("vaewidgets.runs.reading.LEAST_SECONDS", 0.0)
    monkeypatch.setattr("vaewidgets.runs.reading.SHARE", float("inf"))
    with looking_often():
        yield


@pytest.fixture(scope="module")
def digits():
    images = load_dataset("digits").train.images(slice(None))
    drawn = ImageDataset(F.adaptive_avg_pool2d(images, 8))
    assert drawn.test is not None
    return ImageDataset(drawn.train.images(slice(None)), test=drawn.test.images(slice(None)))


def fit(model, data, recon_of, run=None, *, steps=400, mean=False):
    """The user's loop."""
    torch.manual_seed(0)
    optimizer = torch.optim.Adam(model.parameters(), 3e-3)
    images = data.train.images(slice(None))
    beta = 0.05
    for _ in range(steps):
        x = images[torch.randint(len(images), (64,))]
        mu, logvar = model.encode(x)
        recon = recon_of(model.decode(mu + (logvar / 2).exp() * torch.randn_like(mu)), x) / len(x)
        kl = 0.5 * (mu**2 + logvar.exp() - logvar - 1).sum() / len(x)
        optimizer.zero_grad()
        (recon + beta * kl).backward()
        optimizer.step()
        if run is not None:
            run.log(loss=recon + beta * kl, recon=recon / 64 if mean else recon, kl=kl)


@pytest.mark.parametrize("mean", [False, True], ids=["sums", "means over pixels"])
@pytest.mark.parametrize("case", CASES)
def test_the_loop_s_own_reading_is_found_while_it_trains(case, mean, digits):
    end, recon_of, output, likelihood = CASES[case]
    model = Small(end, h=64)
    run = attach(model, digits)
    fit(model, digits, recon_of, run, mean=mean)
    run.finish()
    convention = run.model.convention
    assert (convention.output, convention.likelihood) == (output, likelihood), run.adapted
    assert run.likelihood.name == likelihood
    if mean:
        assert "Your recon is averaged over 64 pixels." in run.warning
        assert "decode" not in run.warning
    else:
        assert run.warning is None
    assert "because" in run.adapted
    assert_pictures_are_right(run, digits)
    assert run.evaluate("test")["recon"] == pytest.approx(own_recon(model, digits, recon_of), rel=0.1)


def own_recon(model, data, recon_of):
    x = data.test.images(slice(None))
    with torch.no_grad():
        mu, logvar = model.encode(x)
        torch.manual_seed(1)
        return float(recon_of(model.decode(mu + (logvar / 2).exp() * torch.randn_like(mu)), x)) / len(x)


def assert_pictures_are_right(run, data):
    """Tiles look like the images that they reconstruct."""
    snapshot = run.snapshot()
    x = data.test.images(slice(None))
    x_hat = snapshot.decode(snapshot.encode(x)[0])
    assert float((x_hat - x).square().mean()) < 0.7 * float(x.var(0).mean())


@pytest.mark.parametrize("case", ["linear, squared error", "linear, BCE with logits"])
def test_a_trained_model_shows_it_at_once(case, digits):
    end, recon_of, output, _ = CASES[case]
    model = Small(end, h=64)
    fit(model, digits, recon_of)
    run = attach(model, digits)
    assert run.model.convention.output == output
    assert run.warning is None
    assert "64 training images are reconstructed with" in run.adapted
    assert_pictures_are_right(run, digits)


def test_what_is_open_is_said_before_anything_is_logged(digits):
    run = attach(Small(nn.Identity), digits)
    assert "decode(z) of Small is not bounded" in run.warning
    assert 'output="mean"' in run.warning
    assert run_state(run)["error"] == run.warning
    assert "not excluded: pixels as they are" in run.adapted
    sigmoid = attach(Small(), digits)
    assert sigmoid.warning is None, "its pictures are right either way"
    assert (
        'not excluded: pixels in [0, 1] and squared error, output="probabilities", likel' in sigmoid.adapted
    )


@pytest.mark.parametrize(
    ("options", "output", "likelihood"),
    [
        ({"likelihood": "squared_error"}, "mean", "squared_error"),
        ({"likelihood": "bernoulli"}, "logits", "bernoulli"),
        ({"output": "logits", "likelihood": "squared_error"}, "logits", "squared_error"),
        ({"output": "mean"}, "mean", "squared_error"),
    ],
)
def test_what_is_said_is_taken(options, output, likelihood, digits):
    model = Small(nn.Identity, h=64)
    run = attach(model, digits, **options)
    assert run.warning is None
    fit(model, digits, bce_of_logits, run, steps=60)
    assert (run.model.convention.output, run.model.convention.likelihood) == (output, likelihood)
    assert run.likelihood.name == likelihood


def test_recon_that_fits_nothing_is_said_in_the_end(digits):
    run = attach(Small(), digits)
    for _ in range(150):
        run.log(loss=1.0, recon=1e6, kl=1.0)
    assert "what is logged does not tell it from squared error" in run.warning
    assert 'likelihood="squared_error"' in run.warning


def test_a_match_at_the_start_alone_proves_nothing(digits):
    """Ten times the squared error of a linear output is near the cross-entropy of it as logits, at first."""
    model = Small(nn.Identity, h=64)
    run = attach(model, digits)
    entropy = own_recon(model, digits, bce_of_logits)
    for _ in range(4):
        run.log(loss=entropy, recon=entropy, kl=0.1)
    assert run.model.convention.others, run.adapted
    assert 'output="mean"' in run.warning


def test_what_is_never_below_zero_is_no_logit(digits):
    run = attach(Small(nn.ReLU, h=64), digits)
    assert run.model.convention.output == "mean"
    assert "never below 0: no logits" in run.adapted


def test_a_tanh_is_known_by_its_limits():
    data = ImageDataset(torch.rand(60, 1, 8, 8))
    run = train(Small(nn.Tanh), data, epochs=1, batch_size=16, autosave=False, device="cpu")
    run.wait(progress=False)
    assert (run.model.convention.output, run.likelihood.name) == ("mean", "squared_error")
    assert "a tanh" in run.adapted


def test_the_page_s_decoder_is_read_as_the_snapshot(digits):
    model = Small(nn.Identity, h=64)
    run = attach(model, digits)
    before = [op[0] for op in Feed.of(run).networks.decoder(run.snapshot())["network"]["ops"]]
    fit(model, digits, squared, run)
    after = [op[0] for op in Feed.of(run).networks.decoder(run.snapshot())["network"]["ops"]]
    assert "sigmoid" in before
    assert "sigmoid" not in after


def test_our_own_models_say_it_themselves():
    run = attach(make_model(), make_data())
    assert run.adapted == "MLPVAE says itself how it is read: its likelihood is bernoulli"


def test_a_saved_run_is_read_as_it_was(digits, tmp_path):
    model = Small(nn.Identity, h=64)
    run = attach(model, digits)
    fit(model, digits, squared, run)
    run.save(tmp_path / "run.safetensors")
    loaded = load_run(tmp_path / "run.safetensors", model=Small(nn.Identity, h=64), data=digits)
    assert loaded.likelihood.name == "squared_error"
    assert_pictures_are_right(loaded, digits)


def test_an_open_reading_is_said_with_its_numbers_and_settled_by_the_audit(digits, monkeypatch):
    monkeypatch.setattr("vaewidgets.runs.reading.SHARE", 1e-9)  # the reading itself is not tried again,
    monkeypatch.setattr("vaewidgets.runs.auditor.SHARE", 0.0)  # and the loop is looked at at its end alone
    model = Small(nn.Sigmoid, h=64)
    run = attach(model, digits)
    fit(model, digits, squared, run, steps=100, mean=True)
    assert run.model.convention.likelihood == "bernoulli"
    for measured in (lambda: run.evaluate("test"), lambda: run.stats(n=50)):
        with pytest.warns(UserWarning, match='not decided yet .* or squared error .*likelihood="squared_err'):
            measured()
    with pytest.warns(UserWarning, match="averaged over 64 pixels"):
        run.finish()
    assert run.likelihood.name == "squared_error"
    assert "the audit of what is logged found: spread: log variance; recon: squared error" in run.adapted
    assert "squared error" not in run.warning, "it is read so by now"
    assert 'recon="pixel_mean"' in run.warning
    assert run.evaluate("test")["recon"] == pytest.approx(own_recon(model, digits, squared), rel=0.1)


def test_an_audit_overrules_what_one_logged_recon_has_shown(digits, monkeypatch):
    """16 times a squared error, summed over a batch, may pass by a cross-entropy and stay near it."""
    monkeypatch.setattr("vaewidgets.runs.auditor.SHARE", 0.0)
    model = Small(nn.Sigmoid, h=64)
    run = attach(model, digits)
    entropy = own_recon(model, digits, bce)
    monkeypatch.setattr("vaewidgets.runs.reading._STEADY", 0)
    run.log(loss=entropy, recon=entropy, kl=0.1)
    assert (run.likelihood.name, run.model.convention.others) == ("bernoulli", ())
    fit(model, digits, squared, run, steps=100)
    run.finish()
    assert run.likelihood.name == "squared_error"
    assert run.evaluate("test")["recon"] == pytest.approx(own_recon(model, digits, squared), rel=0.1)


def test_what_the_audit_has_shown_of_the_model_is_said_with_the_numbers(digits, monkeypatch):
    monkeypatch.setattr("vaewidgets.runs.auditor.SHARE", 0.0)
    model = Small(nn.Sigmoid, h=64)
    run = attach(model, digits, likelihood="bernoulli")
    fit(model, digits, squared, run, steps=100)
    with pytest.warns(UserWarning, match="squared error"):
        run.finish()
    with pytest.warns(UserWarning, match='likelihood="squared_error"'):
        run.evaluate("test")


def test_a_guess_that_no_loop_has_confirmed_is_said_by_what_computes_with_it(digits):
    run = attach(Small(), digits)
    with pytest.warns(UserWarning, match=r"not decided yet.*or squared error of pixels.*say it, in attach"):
        run.evaluate("test")
    settled = attach(Small(), digits, likelihood="squared_error")
    settled.evaluate("test")  # where warnings are errors

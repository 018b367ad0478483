"""What the auditor says of numbers: each usual reading, what cannot be told apart, what is unexplained."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest
import torch

from tests.experiments.audit_loops import FAMILIES
from vaewidgets.adapters import LossConvention, as_vae
from vaewidgets.diagnostics.audit import Estimate, Facts, Look, audit
from vaewidgets.diagnostics.audit.estimate import end_of
from vaewidgets.diagnostics.audit.look import Images, Reading, Weights, look_at

OWN = Reading("logvar", "probabilities", "bernoulli")
SQUARED = OWN._replace(likelihood="squared_error")
STD = OWN._replace(spread="std")
FACTS = Facts(n_pixels=784, channels=1, latent_dim=8, batch_size=100)
NOISE = 0.01
# what a model in training gives, at three steps
RECON, SQUARE = (180.0, 130.0, 100.0), (45.0, 38.0, 31.0)
KL, KL_STD = (4.0, 9.0, 20.0), (2.0, 3.0, 4.0)


def near(value):
    return Estimate(value, NOISE * abs(value))


def looks(
    recon=1.0, kl=1.0, *, of=RECON, kl_of=KL, facts=FACTS, weights=None, loss=None, declared=(1.0, 1.0)
):
    """Three looks at a loop that logs `recon` times `of` and `kl` times `kl_of`."""
    return [
        Look(
            step=100 * i,
            facts=facts,
            logged={
                **({} if recon is None else {"recon": near(recon * of[i])}),
                **({} if kl is None else {"kl": near(kl * kl_of[i])}),
                **({} if loss is None else {"loss": near(loss * (RECON[i] + KL[i]))}),
            },
            recon={
                OWN: near(RECON[i]),
                SQUARED: near(SQUARE[i]),
                STD: near(0.9 * RECON[i]),
                SQUARED._replace(spread="std"): near(0.9 * SQUARE[i]),
            },
            kl={"logvar": near(KL[i]), "std": near(KL_STD[i])},
            declared={"recon": declared[0], "kl": declared[1]},
            own=OWN,
            weights=weights,
        )
        for i in range(3)
    ]


def test_a_loop_that_logs_as_it_is_taken_for_gets_no_word():
    found = audit(looks())
    assert (found.verdict, found.words, found.code) == ("agrees", "", None)
    assert not found.is_finding
    assert [term.ratio for term in found.terms] == pytest.approx([1.0, 1.0])


# factor on recon, factor on KL, and what undoes them
RECON_ROWS = {
    "pixel mean": (1 / 784, 'recon="pixel_mean"'),
    "batch sum": (100, 'recon="batch_sum"'),
    "halved": (0.5, "recon_factor=0.5"),
    "halved pixel mean": (0.5 / 784, 'recon="pixel_mean", recon_factor=0.5'),
    "negative": (-1, "recon_sign=-1"),
    "divided by the batch again": (0.01, "recon_factor=0.01"),
}
KL_ROWS = {
    "mean over dimensions": (1 / 8, 'kl="latent_mean"'),
    "batch sum": (100, 'kl="batch_sum"'),
    "divided by pixels": (1 / 784, 'kl="pixel_mean"'),
    "no half": (2, "kl_weight=2"),
    "negative": (-1, "kl_sign=-1"),
    "divided by the batch again": (0.01, "kl_weight=0.01"),
}


@pytest.mark.parametrize("row", RECON_ROWS)
def test_how_recon_is_reduced_is_named(row):
    factor, options = RECON_ROWS[row]
    found = audit(looks(recon=factor))
    assert found.verdict == "misread", found
    assert found.code == f"vw.attach(model, data, losses=vw.LossConvention({options}))"
    assert found.terms[0].ratio == pytest.approx(factor)


@pytest.mark.parametrize("row", KL_ROWS)
def test_how_kl_is_reduced_is_named(row):
    factor, options = KL_ROWS[row]
    found = audit(looks(kl=factor))
    assert found.verdict == "misread", found
    assert found.code == f"vw.attach(model, data, losses=vw.LossConvention({options}))"


@pytest.mark.parametrize("kl_row", KL_ROWS)
@pytest.mark.parametrize("row", RECON_ROWS)
def test_the_line_to_write_undoes_both(row, kl_row):
    (factor, options), (kl_factor, kl_options) = RECON_ROWS[row], KL_ROWS[kl_row]
    found = audit(looks(recon=factor, kl=kl_factor))
    assert found.verdict == "misread", found
    assert found.code == f"vw.attach(model, data, losses=vw.LossConvention({options}, {kl_options}))"


def test_the_words_of_the_most_frequent_question():
    found = audit(looks(1 / 784, 1 / 8, weights=Weights(1.0, 1.0)))
    assert found.words == (
        "Your recon is averaged over 784 pixels and your KL is averaged over 8 dimensions: the beta in force "
        "is 98, not 1."
    )
    assert found.beta == pytest.approx(98.0)


@pytest.mark.parametrize(
    ("recon", "kl", "weight", "words"),
    [
        (1, 1 / 8, 1.0, "the beta in force is 0.125, not 1"),
        (1 / 784, 1, 0.5, "the beta in force is 392, not 0.5"),
        (0.5, 1, 1.0, "the beta in force is 2, not 1"),
        (1, 1 / 8, None, "the beta in force is 8 times smaller than it is written"),
        (1 / 784, 1, None, "the beta in force is 784 times larger than it is written"),
    ],
)
def test_beta_in_force_is_that_of_sums(recon, kl, weight, words):
    weights = None if weight is None else Weights(1.0, weight)
    assert words in audit(looks(recon, kl, weights=weights)).words


def test_a_common_factor_on_both_terms_leaves_beta_as_it_is():
    found = audit(looks(100, 100, weights=Weights(1.0, 1.0)))
    assert found.words == "Your recon and your KL are summed over a batch of 100 images."
    assert found.beta == pytest.approx(1.0)


def test_a_batch_whose_size_is_not_said_shows_by_the_common_factor():
    facts = Facts(784, 1, 8)
    found = audit(looks(100, 100, facts=facts))
    assert 'recon="batch_sum", kl="batch_sum"' in found.code
    assert "run.log(..., batch_size=len(x))" in found.code
    assert "some 100 images" in found.words


def test_squared_error_taken_for_cross_entropy():
    found = audit(looks(of=SQUARE))
    assert found.code == 'vw.attach(model, data, likelihood="squared_error")'
    found = audit(looks(1 / 784, of=SQUARE))
    assert 'likelihood="squared_error", losses=vw.LossConvention(recon="pixel_mean")' in found.code


def test_the_constant_of_a_gaussian_is_known():
    constant = 0.5 * 784 * math.log(2 * math.pi)
    found = audit(looks(of=[0.5 * value + constant for value in SQUARE]))
    assert 'likelihood="squared_error", losses=vw.LossConvention(recon_factor=0.5)' in found.code
    assert f"run.log(recon=recon - {constant:.6g}, ...)" in found.code


def test_a_standard_deviation_taken_for_a_log_variance():
    found = audit(looks(recon=0.9, kl_of=KL_STD))
    assert found.code == 'vw.attach(model, data, spread="std")'
    assert "standard deviation" in found.words


@pytest.mark.parametrize(
    ("kind", "words"), [("var", "is a variance, not"), ("logstd", "is a log of the standard deviation, not")]
)
@pytest.mark.parametrize(
    ("factor", "also"), [(1.0, ""), (1 / 784, 'losses=vw.LossConvention(recon="pixel_m')]
)
def test_other_spreads_taken_for_a_log_variance(kind, words, factor, also):
    """KL of 2.26 for 6.26 logged and the like, of a loop whose formula fits what its encoder returns."""
    other = OWN._replace(spread=kind)
    seen = looks(recon=0.9 * factor, kl_of=(6.26, 7.5, 9.1))
    for look, own, true in zip(seen, (2.26, 3.0, 3.7), (6.26, 7.5, 9.1), strict=True):
        look.kl.update({"logvar": near(own), kind: near(true)})
        look.recon[other] = near(look.recon[STD].value)
    found = audit(seen)
    assert found.verdict == "misread"
    assert words in found.words
    assert found.code.startswith(f'vw.attach(model, data, spread="{kind}"')
    assert also in found.code


def test_a_convention_that_was_said_wrongly():
    found = audit(looks(declared=(1 / 784, 1 / 8)))
    assert found.code == "vw.attach(model, data, losses=vw.LossConvention())"
    assert "not as losses= says" in found.words


def test_beta_in_the_logged_kl():
    facts = Facts(784, 1, 8, batch_size=100, beta=4.0)
    found = audit(looks(kl=4.0, facts=facts, weights=Weights(1.0, 1.0)))
    assert "kl_weight=4" in found.code
    assert "beta in force" not in found.words, "it is what was written"
    # not said, but the same number at each look
    found = audit(looks(kl=0.03, weights=Weights(1.0, 1.0)))
    assert "kl_weight=0.03" in found.code


def test_a_learned_prior_shows_by_a_kl_that_no_reduction_explains():
    found = audit(looks(kl_of=(0.9, 1.1, 1.5)))
    assert found.verdict == "unexplained"
    assert found.code == 'vw.attach(model, data, prior="learned")'
    assert "N(0, I)" in found.words
    found = audit(looks(1 / 784, kl_of=(0.9, 1.1, 1.5)))
    assert "averaged over 784 pixels" in found.words
    assert 'losses=vw.LossConvention(recon="pixel_mean")' in found.code


def test_what_cannot_be_told_apart_is_said():
    facts = Facts(784, 1, 100, batch_size=100)
    found = audit(looks(kl=0.01, facts=facts))
    assert found.verdict == "ambiguous"
    assert len(found.readings) == 2
    assert " or vw.attach" in found.code


def test_a_recon_of_another_kind_is_said():
    found = audit(looks(of=(400.0, 390.0, 370.0), recon=0.07))
    assert found.verdict == "unexplained"
    assert "recon is logged as" in found.words
    assert found.code == 'vw.attach(model, data, likelihood="own")'


def test_a_small_difference_is_not_worth_a_word():
    """Augmented images, or a part of them, have another recon."""
    assert audit(looks(of=(225.0, 165.0, 128.0))).verdict == "agrees"


def test_a_recon_of_few_images_that_is_far_off_is_named():
    """Its error is 8 %, too much to tell halves; means over pixels are off by 784."""
    few = {reading: Estimate(value, 0.08 * value) for reading, value in ((OWN, 89.0),)}
    found = audit([Look(**{**vars(look), "recon": few}) for look in looks(1 / 784, of=(89.0,) * 3)])
    assert "averaged over 784 pixels" in found.words
    assert audit([Look(**{**vars(look), "recon": few}) for look in looks(of=(89.0,) * 3)]).verdict == "agrees"


def test_noise_decides_nothing():
    loud = [
        Look(**{**vars(look), "logged": {"kl": Estimate(30.0, 10.0)}}) for look in looks(recon=None, kl=1.0)
    ]
    assert audit(loud) is None


def test_a_loop_that_goes_on_is_judged_by_three_looks():
    assert audit(looks(1 / 784)[:2], fewest=3) is None
    assert audit(looks(1 / 784), fewest=3).verdict == "misread"
    one_right = [looks()[0], *looks(1 / 784)[1:]]
    assert audit(one_right, fewest=3).verdict == "agrees"


def test_a_grad_scaler_shows_in_the_loss():
    found = audit(looks(weights=Weights(65536.0, 65536.0)))
    assert "65,536 times" in found.words
    assert "GradScaler" in found.words
    found = audit(looks(None, None, loss=65536.0))
    assert "GradScaler" in found.words


def test_a_loss_alone():
    found = audit(looks(None, None, loss=1.0))
    assert (found.verdict, found.words) == ("agrees", "")
    found = audit(looks(None, None, loss=100.0))
    assert found.code == 'vw.attach(model, data, losses=vw.LossConvention(recon="batch_sum", kl="batch_sum"))'


@pytest.mark.parametrize("slope", [0.0, -0.05, -0.5])
def test_the_error_of_a_trend_covers_its_end(slope):
    """The estimate lies within four of its errors, as the tolerance says."""
    generator = np.random.default_rng(0)
    for _ in range(200):
        values = 100 + slope * np.arange(32) + generator.normal(0, 1, 32)
        found = end_of(values)
        assert abs(found.value - (100 + slope * 32)) < 4 * found.error


def test_what_once_was_far_off_and_now_is_near_is_still_another_reading():
    early, *late = looks(recon=0.9, kl_of=KL_STD)
    near_now = [
        Look(**{**vars(look), "logged": {"recon": near(90.0), "kl": near(3.6)}, "kl": {**look.kl}})
        for look in late[-1:]
    ]
    near_now[0].kl.update(logvar=near(4.1), std=near(3.6))
    near_now[0].recon.update({OWN: near(100.0), STD: near(90.0)})
    found = audit([early, *near_now])
    assert found.code == 'vw.attach(model, data, spread="std")'
    assert audit(near_now).verdict == "agrees", "by itself it may be other images"


# ------------------------------------------------------------------ what all looks together say

LOG_STD = OWN._replace(spread="logstd")


def many_looks(kl, kl_own, others, *, recon=1.0, noise=0.07, recon_of=None):
    """A loop that logs these KLs, and recon `recon` times as it should be; `others` are of other spreads."""
    found = []
    for i, (logged, own) in enumerate(zip(kl, kl_own, strict=True)):
        should = 180.0 - 5 * i
        found.append(
            Look(
                step=100 * i,
                facts=FACTS,
                logged={"recon": near(recon * should), "kl": Estimate(logged, noise * logged)},
                recon={OWN: near(should)}
                | {OWN._replace(spread=name): near((recon_of or 1.0) * should) for name in others},
                kl={"logvar": Estimate(own, noise * own)}
                | {name: Estimate(values[i], noise * values[i]) for name, values in others.items()},
                declared={"recon": 1.0, "kl": 1.0},
                own=OWN,
            )
        )
    return found


def test_a_spread_that_no_look_tells_is_told_by_all_of_them():
    """A KL 1.4 times off, with a noise of 7 %, as after some hundred steps."""
    own = np.linspace(1.0, 3.0, 8)
    wobble = 1 + 0.07 * np.array([0.5, -1.0, 0.8, -0.3, 1.1, -0.6, 0.2, -0.9])
    others = {"logstd": 1.4 * own, "std": 0.6 * own}
    found = audit(many_looks(1.4 * own * wobble, own, others))
    assert found.code == 'vw.attach(model, data, spread="logstd")'
    assert all(audit([one]).verdict == "agrees" for one in many_looks(1.4 * own * wobble, own, others))
    assert audit(many_looks(own * wobble, own, others)).verdict == "agrees", "as it is taken for"
    same = {"logstd": 1.1 * own}
    assert audit(many_looks(1.1 * own, own, same, noise=0.01)).verdict == "agrees", "may be other images"
    against = many_looks(1.4 * own * wobble, own, others, recon_of=1.2)
    assert audit(against).verdict == "agrees", "its recon speaks against it"


def test_spreads_that_fit_alike_are_both_named():
    own = np.linspace(1.0, 3.0, 8)
    found = audit(many_looks(1.6 * own, own, {"std": 1.6 * own, "var": 1.62 * own}, noise=0.02))
    assert found.verdict == "ambiguous"
    assert 'spread="std") or vw.attach(model, data, spread="var")' in found.code


@pytest.mark.parametrize("factor", [1 / 784, 1 / 8])
def test_a_kl_that_comes_near_a_reduction_late_is_none(factor):
    """Against a prior with sigma = 3 it falls while ours rises, and passes by ours divided by something."""
    own = np.linspace(10.0, 18.0, 8)
    drift = np.array([6.0, 3.0, 2.0, 1.3, 0.8, 0.9, 1.0, 1.1])
    found = audit(many_looks(factor * drift * own, own, {}))
    assert found.verdict == "unexplained"
    assert found.code == 'vw.attach(model, data, prior="learned")'


def test_a_kl_that_is_near_a_reduction_all_along_may_be_of_another_prior():
    own = np.linspace(10.0, 18.0, 8)
    found = audit(many_looks(1.2 / 8 * own, own, {}, noise=0.01))
    assert found.verdict == "ambiguous"
    assert found.code == (
        'vw.attach(model, data, losses=vw.LossConvention(kl="latent_mean")) or '
        'vw.attach(model, data, prior="learned")'
    )
    assert "another prior than N(0, I)" in found.words
    # a recon that is off by as much: other images
    found = audit(many_looks(1 / 8 * own, own, {}, noise=0.01, recon=1.0))
    assert found.code == 'vw.attach(model, data, losses=vw.LossConvention(kl="latent_mean"))'


@pytest.mark.parametrize(("recon_of", "verdict"), [(1.0, "ambiguous"), (0.9, "misread")])
def test_two_changes_that_only_the_kl_speaks_for_are_not_said_for_sure(recon_of, verdict):
    own = np.linspace(10.0, 18.0, 8)
    seen = many_looks(0.05 * own, own, {"std": 0.4 * own}, noise=0.02, recon=recon_of, recon_of=recon_of)
    found = audit(seen)
    assert found.verdict == verdict, found
    assert 'spread="std", losses=vw.LossConvention(kl="latent_mean")' in found.code
    assert ('prior="learned"' in found.code) == (verdict == "ambiguous")


def test_two_looks_at_one_step_are_one():
    first, *_, last = looks(1 / 784)
    assert audit([first, last, last]).steps == (first.step, last.step)


class Steady(torch.nn.Module):
    """A model whose recon depends on z, and whose KL does not."""

    latent_dim, likelihood, takes_labels = 2, "squared_error", False

    def encode(self, x):
        return x.flatten(1)[:, :2], torch.zeros(len(x), 2)

    def decode_raw(self, z):
        return z.sum(1)[:, None, None, None].expand(-1, 1, 2, 2)

    decode = decode_raw


def look_of(model, x, **options):
    return look_at(
        model,
        Images(x, share=options.pop("share", 1.0)),
        {},
        Facts(4, 1, 2),
        step=1,
        losses=LossConvention(),
        generator=torch.Generator().manual_seed(1),
        **options,
    )


def test_the_whole_of_the_images_is_no_sample_of_them():
    x = torch.rand(64, 1, 2, 2, generator=torch.Generator().manual_seed(0))

    def errors(share):
        found = look_of(Steady(), x, share=share, whole=False)
        return found.kl["logvar"].error, found.recon[found.own].error

    (kl, recon), (kl_of_all, recon_of_all) = errors(0.1), errors(1.0)
    assert kl > 0 == kl_of_all
    assert 0 < recon_of_all < recon


def test_a_spread_that_the_model_draws_with_is_not_doubted():
    vae = as_vae(FAMILIES["mlp Bernoulli"].make("logvar"))

    def spreads(is_drawn):
        vae.convention = replace(vae.convention, spread_is_drawn=is_drawn)
        found = look_of(vae, torch.rand(8, 1, 8, 8))
        return set(found.kl), {reading.spread for reading in found.recon}

    assert spreads(False) == ({"logvar", "logstd"}, {"logvar", "logstd"})
    assert spreads(True) == ({"logvar"}, {"logvar"})


def test_one_look_at_what_is_near_a_reduction_is_not_enough():
    """Ten times a squared error, at one look 17 % off half a cross-entropy."""
    (seen,) = looks(of=(105.0, 0, 0))[:1]
    found = audit([seen])
    assert found.verdict == "unexplained", found
    assert "halved" not in found.words

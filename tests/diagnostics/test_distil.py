"""Distillation of an encoder: the loss in closed form, a student that can succeed, one that cannot."""

from __future__ import annotations

import pytest
import torch

from tests.diagnostics.planted import blobs, linear_vae
from vaewidgets.diagnostics import SmallEncoder, distil, posterior_kl
from vaewidgets.errors import OptionError, ShapeError


def test_the_loss_is_the_closed_form():
    generator = torch.Generator().manual_seed(0)
    mu0, mu1, lv0, lv1 = (torch.randn(5, 3, generator=generator, dtype=torch.float64) for _ in range(4))
    normal = torch.distributions.Normal
    expected = torch.distributions.kl_divergence(
        normal(mu0, (0.5 * lv0).exp()), normal(mu1, (0.5 * lv1).exp())
    ).sum(1)
    torch.testing.assert_close(posterior_kl(mu0, lv0, mu1, lv1), expected)


def test_a_linear_student_learns_a_linear_teacher():
    model = linear_vae()
    x = blobs(600)
    before = [p.clone() for p in model.parameters()]
    report = distil(model, x[:500], x[500:], hidden=(), epochs=60, batch_size=50, lr=5e-2)
    assert report.mean_explained > 0.99
    assert report.kl < 0.1
    assert report.student_recon == pytest.approx(report.teacher_recon, rel=0.05)
    assert report.losses[-1] < report.losses[0] / 20
    assert report.teacher_size == 2 * (16 * 2 + 2)
    assert all(torch.equal(a, b) for a, b in zip(before, model.parameters(), strict=True))
    assert "of the teacher's 68" in repr(report)


def test_a_student_that_cannot_says_so():
    class Deaf(torch.nn.Module):
        """Sees no pixel: the best it can say is the same for all."""

        def __init__(self):
            super().__init__()
            self.says = torch.nn.Parameter(torch.zeros(4))

        def encode(self, x):
            mu, logvar = self.says.expand(len(x), 4).chunk(2, dim=1)
            return mu, logvar

    x = blobs(300)
    report = distil(linear_vae(), x[:200], x[200:], student=Deaf(), epochs=20, lr=5e-2)
    assert report.mean_explained < 0.1
    assert report.student_recon > 2 * report.teacher_recon


def test_the_seed_decides_and_the_global_generator_is_left_alone():
    x, model = blobs(100), linear_vae()
    state = torch.get_rng_state()
    a, b = (distil(model, x[:80], x[80:], epochs=2, hidden=(4,)) for _ in range(2))
    assert torch.equal(a.losses, b.losses)
    assert torch.equal(torch.get_rng_state(), state)


def test_bad_input():
    x = blobs(10)
    with pytest.raises(OptionError, match="epochs is 0"):
        distil(linear_vae(), x, x, epochs=0)
    with pytest.raises(OptionError, match="lr is -1"):
        distil(linear_vae(), x, x, lr=-1)
    with pytest.raises(ShapeError, match="the student encodes to 3 dimensions, the teacher to 2"):
        distil(linear_vae(), x, x, student=SmallEncoder((1, 4, 4), 3))

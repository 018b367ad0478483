"""LatentArithmetic on a saved page: its letters and the class names on its map."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

import vaewidgets as vw
from tests.browser.pages import open_page
from tests.browser.text_boxes import NOTE_TEXT, draw_all, misplaced

CLASSES = 8


class Places(nn.Module):
    """Its codes are two of the pixels, so that a test says where the points stand."""

    latent_dim = 2

    def __init__(self) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.ones(1))

    def encode(self, x: Tensor) -> tuple[Tensor, Tensor]:
        mu = (x.flatten(1)[:, :2] - 0.5) * 5 * self.weight
        return mu, torch.full_like(mu, -4.0)

    def decode(self, z: Tensor) -> Tensor:
        return (z.mean(1, keepdim=True) / 5 + 0.5).clamp(0, 1).expand(-1, 4).reshape(-1, 1, 2, 2)


def on_a_circle() -> vw.ImageDataset:
    """Eight small groups at equal distances: each name has the most room where the letter goes."""
    generator = torch.Generator().manual_seed(0)
    labels = torch.arange(CLASSES).repeat(20)
    angle = 2 * math.pi * labels / CLASSES
    at = torch.stack([angle.cos(), angle.sin()], 1) * 0.36 + 0.5
    at += 0.02 * torch.randn(at.shape, generator=generator)
    return vw.ImageDataset(torch.cat([at, at], 1).clamp(0, 1).reshape(-1, 1, 2, 2), labels)


def test_letters_and_class_names_keep_clear_of_each_other(browser: Any, tmp_path: Path) -> None:
    widget = vw.LatentArithmetic(vw.attach(Places(), on_a_circle()))
    path = widget.save_html(tmp_path / "page.html")
    with open_page(browser, path, viewport={"width": 700, "height": 900}, reduced_motion="reduce") as page:
        page.page.add_init_script(NOTE_TEXT)
        page.reload()
        first, second = page.page.locator("select").all()[:2]
        for a in range(CLASSES):
            b = (a + CLASSES // 2) % CLASSES
            first.select_option(str(a))
            second.select_option(str(b))
            page.widget().wait(f"'' + w.view.groups === '{a},{b}'", 5)
            draw_all(page.page)
            assert misplaced(page.page) == []
    widget.close()

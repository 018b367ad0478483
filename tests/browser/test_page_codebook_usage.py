"""CodebookUsage in a saved page: pointing at a code shows what it decodes to."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import vaewidgets as vw
from tests.browser.pages import open_page
from vaewidgets.contract.packing import unpack

CODES = ".vw-codebook-usage"


def test_a_code_is_pointed_at(browser: Any, tmp_path_factory: pytest.TempPathFactory) -> None:
    data = vw.load_dataset("digits", n_train=256)
    model = vw.VQVAE(data.image_shape, 16, code_dim=4, channels=(8, 8))
    run = vw.train(model, data, epochs=2, batch_size=64, autosave=False).wait(progress=False)
    widget = vw.CodebookUsage(run, images=200, examples=4)
    codes = widget.frame["codes"]
    path = widget.save_html(tmp_path_factory.mktemp("codes") / "codes.html")
    with open_page(browser, path) as page:
        shown = page.widget(CODES)
        counts = unpack(codes["counts"])
        assert shown.ask("w.code()") == int(counts.argmax())
        cells = page.page.locator(f"{CODES} .vw-cells")
        cells.focus()
        cells.press("ArrowRight")
        shown.wait("w.view.code === w.code()", 5)  # the page draws what the view says in its next frame
        first = shown.ask("w.code()")
        picture = np.array(shown.ask("Array.from(w.picture())"))
        np.testing.assert_array_equal(picture, unpack(codes["pictures"])[first].ravel())
        assert shown.ask("w.marked()") == int((unpack(codes["example_codes"]) == first).sum())
        box = page.page.locator(f"{CODES} .vw-cells-canvas").bounding_box()
        page.page.mouse.move(box["x"] + 5, box["y"] + 5)
        shown.wait("w.view.code === 0", 5)
        text = page.page.locator(f"{CODES} .vw-codes-numbers").inner_text()
        assert f"perplexity {codes['perplexity']:.1f} of 16 codes" in text
        page.assert_alone()
    widget.close()

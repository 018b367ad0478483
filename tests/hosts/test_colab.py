"""Google Colab, by a stand-in (`colab.py`): what trains is shown while idle, in `run.wait` and in a loop."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator

import pytest

from tests.hosts.colab import VIEW, Colab, View

FRAMES_A_SECOND = 4
SECONDS = 3

SET_UP = """
import time, torch, ipykernel, IPython, ipywidgets
import vaewidgets as vw
data = vw.load_dataset("digits", n_train=256)
def train(): return vw.train(vw.MLPVAE(data.image_shape, hidden=(16,)), data, epochs=None, autosave=False)
print(ipykernel.__version__, IPython.__version__, ipywidgets.__version__, vw.host().name)
"""


@pytest.fixture(scope="module")
def colab() -> Iterator[Colab]:
    folder = os.environ.get("VAEWIDGETS_COLAB")
    if not folder:
        pytest.skip("VAEWIDGETS_COLAB is not set: it names a folder with Colab's kernel, see .ci/run")
    made = Colab(folder)
    try:
        assert made.cell(SET_UP).split() == ["6.17.1", "7.34.0", "7.7.1", "Google", "Colab"]
        yield made
    finally:
        made.close()


@pytest.fixture(scope="module")
def explorer(colab: Colab) -> View:
    """Of a run that trains in the background."""
    colab.cell("run = train()")
    return colab.displayed("explorer = vw.LatentExplorer(run)\nexplorer")


def test_the_output_names_colabs_widget_manager(colab: Colab, explorer: View) -> None:
    output = next(one for one in colab.displays if one["data"].get(VIEW, {}).get("model_id") == explorer.comm)
    assert output["metadata"][VIEW]["colab"]["custom_widget_manager"]["url"]


def test_the_explorer_moves_while_idle(colab: Colab, explorer: View) -> None:
    start, dropped = time.monotonic(), colab.dropped
    colab.show(seconds=SECONDS)
    assert explorer.rate(start, SECONDS) >= FRAMES_A_SECOND
    assert colab.dropped == dropped, "something was sent that Colab does not show"


def test_the_explorer_moves_while_a_cell_waits(colab: Colab, explorer: View) -> None:
    start = time.monotonic()
    colab.cell(f"run.wait(timeout={SECONDS})")
    assert explorer.rate(start, SECONDS) >= FRAMES_A_SECOND


def test_a_command_is_obeyed_and_the_picture_renewed_at_the_end(colab: Colab, explorer: View) -> None:
    seq = explorer.state["ack"] + 1
    colab.send(
        explorer, {"type": "command", "seq": seq, "name": "stop", "value": None, "page": explorer.page}
    )
    colab.show(lambda: explorer.state["frame"]["run"]["status"] == "stopped" and colab.pictures(explorer) > 0)
    assert explorer.state["ack"] >= seq
    assert explorer.state["frame"]["run"]["status"] == "stopped"
    assert colab.pictures(explorer) > 0


def test_a_question_is_answered_at_once(colab: Colab, explorer: View) -> None:
    colab.send(explorer, {"type": "decode", "seq": 90_000, "z": [0.0, 0.0], "run": ""})
    colab.show(lambda: any(one.get("seq") == 90_000 for one in explorer.messages), 10)
    (answer,) = [one for one in explorer.messages if one.get("type") == "decoded"]
    assert answer["error"] is None


def test_what_is_turned_in_one_page_shows_in_those_of_other_cells(colab: Colab, explorer: View) -> None:
    other = colab.displayed("scatter = vw.LatentScatter(run)\nscatter")
    message = {"type": "command", "seq": 90_001, "name": "view:selected", "value": [3, 4], "page": other.page}
    colab.send(other, message)
    states = [view.state for view in (explorer, other)]
    colab.show(lambda: all("selected" in one["view_state"]["values"] for one in states), 10)
    for one in states:
        turned = one["view_state"]
        assert (turned["values"]["selected"], turned["pages"]["selected"]) == ([3, 4], other.page)


def test_the_explorer_moves_in_a_loop_of_ones_own(colab: Colab) -> None:
    colab.cell(
        "net = vw.MLPVAE(data.image_shape, hidden=(16,))\n"
        "logged, optimiser = vw.attach(net, data), torch.optim.Adam(net.parameters())"
    )
    view = colab.displayed("vw.LatentExplorer(logged)")
    start = time.monotonic()
    colab.cell(
        f"end, x = time.monotonic() + {SECONDS}, data.train.images(slice(0, 64))\n"
        "while time.monotonic() < end:\n"
        "    logits, mu, logvar = net(x)\n"
        "    recon = torch.nn.functional.binary_cross_entropy_with_logits(logits, x, reduction='sum') / 64\n"
        "    kl = -0.5 * (1 + logvar - mu**2 - logvar.exp()).sum() / 64\n"
        "    optimiser.zero_grad(); (recon + kl).backward(); optimiser.step()\n"
        "    logged.log(loss=recon + kl, recon=recon, kl=kl, batch_size=64)\n"
    )
    assert view.rate(start, SECONDS) >= FRAMES_A_SECOND
    assert len({step for _, step in view.frames}) > FRAMES_A_SECOND


def test_running_a_cell_again_stops_what_it_started(colab: Colab) -> None:
    cell = "again = vw.train(vw.MLPVAE(data.image_shape), data, epochs=None, beta={}, autosave=False)"
    colab.cell(cell.format(1))
    colab.cell("shown = vw.LatentScatter(again)")
    colab.cell(cell.format(4))
    assert colab.cell("print(shown.run.status, again.status)\nagain.stop()").split() == ["stopped", "running"]

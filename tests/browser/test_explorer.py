"""`LatentExplorer` in a real JupyterLab: it draws what torch computes, live, also while a cell blocks."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pytest

from tests.browser.helpers import Widget, numbers, wait_for_hellos
from tests.browser.lab import Lab, wait_for

CREATE = "import vaewidgets as vw\nexplorer = vw.LatentExplorer({arguments})\nrun = explorer.run\nexplorer"
BLOCK = "import time\nprint('busy', flush=True)\ntime.sleep({seconds})"
PIXEL_TOLERANCE = 1e-2


def needs_data(*parts: str) -> str:
    root = os.environ.get("VAEWIDGETS_DATA")
    if not root:
        pytest.skip("VAEWIDGETS_DATA is not set")
    missing = Path(root, *parts)
    assert missing.exists(), f"VAEWIDGETS_DATA is set but {missing} is not there"
    return root


def assert_points_are_torchs(lab: Lab, widget: Widget) -> np.ndarray:
    """Of a paused run: every point drawn is torch's posterior mean at the stated step."""
    step = int(numbers(lab, "run.step"))
    widget.wait(f"w.frame.scatter.step === {step} && w.step === {step}")
    drawn = widget.points()
    torchs = numbers(lab, "run.snapshot().encode(explorer.sample.images)[0]")
    quantum = np.ptp(torchs, axis=0).max() / 65534
    assert drawn.shape == torchs.shape
    assert np.abs(drawn - torchs).max() <= quantum + 1e-5
    return drawn


def assert_hover_is_torchs(
    lab: Lab, widget: Widget, where: tuple[float, float], kernel_is_busy: bool
) -> None:
    """Of a paused run: the image decoded in the page is torch's. A busy kernel answers when it is free."""
    widget.wait("w.frame.run.step === w.frame.scatter.step")
    shown = widget.hover(*where)
    assert shown["ms"] is not None, "decoded by the kernel, not in the page"
    if kernel_is_busy:
        lab.interrupt()
        lab.wait_idle()
    torchs = numbers(lab, f"run.snapshot().decode(__import__('torch').tensor([{shown['z']}])).flatten()")
    assert np.abs(np.array(shown["image"]) - torchs).max() < PIXEL_TOLERANCE
    assert np.ptp(torchs) > 0.2, "an image without contrast proves nothing"


def test_digits_train_live_and_decode_in_the_page(lab: Lab) -> None:
    data = "vw.load_dataset('digits', n_train=500, n_test=64)"  # few points leave the processor to the page
    arguments = f"{data}, batch_size=32, epochs=10_000, speed=4"
    lab.open([CREATE.format(arguments=arguments), BLOCK.format(seconds=12)])
    lab.run_cell(0)
    widget = Widget(lab)
    widget.wait_status("running")
    length = "w.frame.curves.series.find(s => s.name === 'loss').step.shape[0]"
    first = widget.wait(length)
    widget.wait(f"{length} > {first} + 20")  # the curve grows
    widget.wait("w.frame.run.epoch >= 8")  # trained long enough to have contrast

    lab.execute("run.pause()")
    widget.wait_status("paused")
    before = assert_points_are_torchs(lab, widget)
    assert_hover_is_torchs(lab, widget, (0.5, 0.5), kernel_is_busy=False)

    lab.execute("run.advance(run.steps_per_epoch)")
    lab.execute("import time\nwhile run.status != 'paused': time.sleep(0.01)")
    after = assert_points_are_torchs(lab, widget)
    assert np.abs(after - before).max() > 0.01, "two epochs look the same"

    # the kernel is blocked: the picture and the page's own decoder live on
    lab.run_cell(1)
    wait_for(lambda: "busy" in lab.text(1), "the cell blocks")
    assert_hover_is_torchs(lab, widget, (-0.5, 1.0), kernel_is_busy=True)

    lab.execute("run.resume()")
    widget.wait_status("running")
    lab.run_cell(1)
    wait_for(lambda: "busy" in lab.text(1), "the cell blocks")
    step = widget.step
    widget.wait(f"w.step > {step} + 10", 10)  # within the time that the kernel is blocked
    assert lab.is_running(1)
    assert lab.console_of_widgets() == []


def test_mnist_with_60000_images(lab: Lab) -> None:
    needs_data("MNIST", "raw", "train-images-idx3-ubyte.gz")
    lab.open([CREATE.format(arguments="'mnist', epochs=10_000, hidden=(128,)"), BLOCK.format(seconds=6)])
    lab.run_cell(0)
    widget = Widget(lab)
    widget.wait_status("running")
    assert numbers(lab, "len(run.data.train)") == 60_000
    widget.wait("w.frame.run.epoch >= 1")
    lab.execute("run.pause()")
    widget.wait_status("paused")
    before = assert_points_are_torchs(lab, widget)
    assert len(before) == 2000
    assert_hover_is_torchs(lab, widget, (0.3, 0.3), kernel_is_busy=False)
    lab.run_cell(1)
    wait_for(lambda: "busy" in lab.text(1), "the cell blocks")
    assert_hover_is_torchs(lab, widget, (-0.5, 0.5), kernel_is_busy=True)
    lab.execute("run.advance(100)")
    lab.execute("import time\nwhile run.status != 'paused': time.sleep(0.01)")
    after = assert_points_are_torchs(lab, widget)
    assert np.abs(after - before).max() > 0.01


LOOP = """
import torch, vaewidgets as vw
from torch import nn
import torch.nn.functional as F

class VAE(nn.Module):
    def __init__(self):
        super().__init__()
        self.latent_dim = 2
        self.e1, self.mu, self.lv = nn.Linear(784, 64), nn.Linear(64, 2), nn.Linear(64, 2)
        self.d1, self.d2 = nn.Linear(2, 64), nn.Linear(64, 784)
    def encode(self, x):
        h = F.relu(self.e1(x.view(x.size(0), -1)))
        return self.mu(h), self.lv(h)
    def decode(self, z):
        return torch.sigmoid(self.d2(F.relu(self.d1(z)))).view(-1, 1, 28, 28)

torch.manual_seed(0)
data = vw.load_dataset("digits", n_train=500, n_test=64)
model = VAE()
run = vw.attach(model, data)
explorer = vw.LatentExplorer(run)
explorer
"""
# Once it has done what is waited for it leaves the processor to the page.
TRAIN = """
import time
optimizer = torch.optim.Adam(model.parameters(), 1e-3)
images = data.train.images(slice(None))
print('looping', flush=True)
for step in range(1_000_000):
    x = images[torch.randint(len(images), (64,))]
    mu, logvar = model.encode(x)
    z = mu + torch.exp(logvar / 2) * torch.randn_like(mu)
    recon = F.binary_cross_entropy(model.decode(z), x, reduction='sum') / len(x)
    kl = 0.5 * (mu ** 2 + logvar.exp() - logvar - 1).sum() / len(x)
    loss = recon + run.beta * kl
    optimizer.zero_grad(); loss.backward(); optimizer.step()
    run.log(loss=loss, recon=recon, kl=kl)
    time.sleep(0.0 if step < 700 else 0.02)
"""


def test_a_hand_written_loop_shows_the_same_explorer_live(lab: Lab) -> None:
    lab.open([LOOP, TRAIN])
    lab.run_cell(0)
    widget = Widget(lab)
    widget.wait_status("created")
    wait_for_hellos(lab, "explorer")
    lab.run_cell(1)
    widget.wait_status("running")
    step = widget.wait("w.frame.scatter.step > 200 && w.frame.scatter.step")
    first = widget.points()
    widget.wait(f"w.frame.scatter.step > {step} + 500")
    assert np.abs(widget.points() - first).max() > 0.01
    assert not lab.page.locator(f"{widget.selector} .vw-step").is_visible(), "an attached run trains itself"
    shown = widget.hover(0.5, 0.5)
    assert shown["ms"] is not None
    widget.wait("w.frame.run.beta_controllable")
    widget.set_number("beta", 2.5)
    widget.wait("w.frame.run.beta === 2.5")
    widget.click(".vw-main-button")
    widget.wait_status("paused")
    widget.click(".vw-main-button")
    widget.wait_status("running")
    widget.click(".vw-stop")
    lab.wait_idle()
    assert "stopped" in lab.text(1).lower()
    history = numbers(lab, "run.history['beta']")
    assert history[0] == 1.0
    assert history[-1] == 2.5
    assert numbers(lab, "len(run.history['loss'])") == len(history)

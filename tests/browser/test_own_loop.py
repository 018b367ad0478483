"""A loop of one's own in JupyterLab: validation, a NaN and a resumed run's steps, in a live widget.

And a run in the background where nothing that a thread sends reaches the page, which then asks for it.
"""

from __future__ import annotations

from tests.browser.helpers import Widget, numbers, wait_for_hellos
from tests.browser.lab import Lab, wait_for
from tests.browser.test_explorer import LOOP

TRAIN = """
optimizer = torch.optim.Adam(model.parameters(), 1e-3)
images = data.train.images(slice(None))
held_out = data.test.images(slice(None))

def terms(x):
    mu, logvar = model.encode(x)
    z = mu + torch.exp(logvar / 2) * torch.randn_like(mu)
    recon = F.binary_cross_entropy(model.decode(z), x, reduction='sum') / len(x)
    kl = 0.5 * (mu ** 2 + logvar.exp() - logvar - 1).sum() / len(x)
    return recon + kl, recon, kl

step = 50_000
for epoch in range(4):
    for _ in range(20):
        loss, recon, kl = terms(images[torch.randint(len(images), (64,))])
        if step == 50_030:
            loss = loss * float('nan')  # a batch that the loop skips
        else:
            optimizer.zero_grad(); loss.backward(); optimizer.step()
        run.log(loss=loss, recon=recon, kl=kl, epoch=epoch, step=step)
        step += 1
    with torch.no_grad():
        loss, recon, kl = terms(held_out)
    run.log(val_loss=loss, val_recon=recon, val_kl=kl)
print('the loop has ended')
"""
TEST_SERIES = (
    "w.frame.curves.series.filter(s => s.split === 'test' && s.step.shape[0] === 4)"
    ".map(s => s.name).join(' ')"
)


def test_validation_and_a_nan_show_in_a_live_widget(lab: Lab) -> None:
    lab.open([LOOP, TRAIN])
    lab.run_cell(0)
    widget = Widget(lab)
    widget.wait_status("created")
    wait_for_hellos(lab, "explorer")
    lab.run_cell(1)
    lab.wait_idle()
    assert "the loop has ended" in lab.text(1), lab.text(1)
    widget.wait_status("finished")
    widget.wait(f"{TEST_SERIES} === 'loss recon kl'")
    panel = lab.page.locator(f"{widget.selector} .vw-error")
    assert panel.inner_text() == "loss was NaN or infinite at step 50,030; left out of the curves"
    assert numbers(lab, "run.history['step']").tolist() == list(range(50_000, 50_080))
    assert numbers(lab, "run.history['epoch_step']").tolist() == [50_020, 50_040, 50_060, 50_080]
    assert (numbers(lab, "run.history['train_loss']") > 0).all()
    labels = lab.page.locator(f"{widget.selector} .vw-plot").first.get_attribute("aria-label") or ""
    assert "test loss" in labels
    assert "diverged" not in lab.execute("print(run.diagnose().verdict)")
    assert lab.console_of_widgets() == []


# A host that says no name, whose front end gets nothing of what threads send: that is dropped in the kernel.
DEAF = """
import threading
from vaewidgets.live import hosts
hosts.PLACES = (hosts.Place("a stand-in", lambda: True, threads_reach_page=None),)
session = get_ipython().kernel.session
def send(stream, message, *arguments, real=session.send, **options):
    if threading.current_thread().name.startswith("vaewidgets"):
        return None
    return real(stream, message, *arguments, **options)
session.send = send
"""


def test_a_page_that_threads_do_not_reach_finds_that_out_and_asks(lab: Lab) -> None:
    train = (
        "import vaewidgets as vw\n"
        "data = vw.load_dataset('digits', n_train=256)\n"
        "model = vw.MLPVAE(data.image_shape, hidden=(16,))\n"
        "run = vw.train(model, data, epochs=None, speed=10, autosave=False)\n"
        "explorer = vw.LatentExplorer(run)\nexplorer"
    )
    lab.open([DEAF + train])
    lab.run_cell(0)
    widget = Widget(lab)
    widget.wait("w.step > 0")
    wait_for(lambda: lab.execute("print(explorer.is_pulled)").strip() == "True", "the page has found out")
    step = widget.step
    widget.wait(f"w.step > {step}")
    lab.execute("run.stop()")
    widget.wait_status("stopped")
    assert lab.console_of_widgets() == []

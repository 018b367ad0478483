"""`write` with the real wandb, offline."""

import warnings

import pytest

from tests.integrations.small import Small
from tests.runs.conftest import make_data
from vaewidgets.integrations import mirror
from vaewidgets.integrations.wandb import write
from vaewidgets.runs import attach
from vaewidgets.widgets import LatentScatter

with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    wandb = pytest.importorskip("wandb")

pytestmark = [
    pytest.mark.filterwarnings("ignore::DeprecationWarning:wandb"),
    pytest.mark.filterwarnings("ignore::DeprecationWarning:pydantic"),
]


@pytest.fixture
def logger(tmp_path, monkeypatch):
    for name in ("WANDB_CACHE_DIR", "WANDB_CONFIG_DIR", "WANDB_DATA_DIR", "WANDB_ARTIFACT_DIR"):
        monkeypatch.setenv(name, str(tmp_path / "wandb_own"))
    monkeypatch.setenv("WANDB_MODE", "offline")
    settings = wandb.Settings(silent=True, console="off", x_disable_stats=True, x_disable_meta=True)
    logger = wandb.init(project="vae", dir=tmp_path, settings=settings)
    yield logger
    logger.finish()


def test_curves_a_picture_and_a_page(logger, tmp_path):
    run = attach(Small(), make_data())
    for epoch in range(2):
        for i in range(3):
            run.log(loss=float(i), epoch=epoch)
        run.log(val_loss=5.0 - epoch)
        write(run, logger)
    assert (logger.summary["vaewidgets/loss"], logger.summary["vaewidgets/val_loss"]) == (2.0, 4.0)
    assert logger.summary["vaewidgets/step"] == 6
    widget = LatentScatter(run)
    write(run, logger, widget=widget)
    widget.close()
    folder = next((tmp_path / "wandb").glob("offline-run-*/files"))
    pictures = list(folder.glob("media/images/vaewidgets/LatentScatter_*.png"))
    assert len(pictures) == 1
    assert pictures[0].read_bytes()[:4] == b"\x89PNG"
    staged = list((tmp_path / "wandb_own").rglob("*"))
    pages = [path for path in staged if path.is_file() and b"<!doctype html>" in path.read_bytes()[:20]]
    assert len(pages) == 1, "the page waits to be uploaded"
    run.finish()


def test_a_fault_is_one_warning(logger, monkeypatch):
    monkeypatch.setattr(mirror, "_guards", {})
    run = attach(Small(), make_data())
    run.log(loss=1.0)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        for _ in range(3):
            write(run, object())
    assert ["wandb.write failed, and training goes on" in str(one.message) for one in caught] == [True]
    run.finish()

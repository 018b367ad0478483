import json

import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file
from torch import nn

from tests.runs.conftest import advance, make_data, make_model, start, wait_until
from vaewidgets.contract.run_file import KEY
from vaewidgets.errors import CheckpointError, DataError, OptionError
from vaewidgets.objectives import LinearWarmup
from vaewidgets.runs import attach, load_run
from vaewidgets.runs.run_file import load_weights


def saved(run, tmp_path):
    path = tmp_path / "run.safetensors"
    run.save(path)
    return path


def same_weights(a, b):
    return all(
        torch.equal(x, y) for x, y in zip(a.state_dict().values(), b.state_dict().values(), strict=True)
    )


@pytest.mark.parametrize("optimizer", ["adam", "adamw", "sgd", "adagrad"])
@pytest.mark.parametrize("steps", [12, 15], ids=["between epochs", "in the middle of one"])
def test_a_resumed_run_equals_an_uninterrupted_one_bit_for_bit(tmp_path, optimizer, steps):
    data = make_data(n=90)
    options = {"epochs": 5, "optimizer": optimizer, "beta": LinearWarmup(0, 2, 20)}
    whole = start(data, **options).wait()
    run = start(data, start=False, **options)
    advance(run, steps)
    path = saved(run, tmp_path)
    run.close()
    loaded = load_run(path, data=data)
    assert (loaded.step, loaded.status) == (steps, "stopped")
    loaded.resume()
    loaded.wait()
    assert loaded.status == "finished"
    assert same_weights(loaded.model, whole.model)
    for name in ("loss", "recon", "kl", "beta", "train_loss", "test_loss"):
        assert loaded.history[name].tolist() == whole.history[name].tolist(), name


def test_it_may_be_saved_at_any_step(tmp_path):
    """Also after an epoch's last step and before its evaluation, where an autosave may fall."""
    data = make_data(n=64)
    options = {"epochs": 4, "start": False, "beta": LinearWarmup(0, 2, 20)}
    whole = start(data, **options)

    class Saving:
        paths = ()

        def may_step(self):
            return True

        may_go_on = may_step

        def flushed(self):
            self.paths += (saved(whole, tmp_path).rename(tmp_path / f"{len(self.paths)}.safetensors"),)

    control = Saving()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("vaewidgets.engine.engine.FLUSH_SECONDS", 0.0)
        whole._engine.train(control)
    assert len(control.paths) == 16 + 4
    for path in control.paths:
        loaded = load_run(path, data=data)
        if loaded.epoch < 4:
            loaded.resume()
            loaded.wait()
        for name in ("loss", "epoch", "train_loss", "test_loss"):
            assert loaded.history[name].tolist() == whole.history[name].tolist(), (path, name)


def test_a_streamed_set_resumes_in_the_middle_of_an_epoch(tmp_path):
    data = make_data(n=90, memory_cap_bytes=500)
    whole = start(data, epochs=2).wait()
    run = start(data, epochs=2, start=False)
    advance(run, 4)
    path = saved(run, tmp_path)
    run.close()
    loaded = load_run(path, data=data)
    loaded.resume()
    loaded.wait()
    assert loaded.history["loss"].tolist() == whole.history["loss"].tolist()


def test_what_is_kept(tmp_path):
    run = start(epochs=2, name="mine", lr=2e-3, seed=3).wait()
    loaded = load_run(saved(run, tmp_path), data=run.data)
    assert (loaded.name, loaded.step, loaded.epoch, loaded.epochs) == ("mine", 12, 2, 2)
    assert (loaded.status, loaded.lr, loaded.beta) == ("finished", 2e-3, 1.0)
    assert loaded.options["seed"] == 3
    assert loaded.model.config() == run.model.config()
    assert loaded.evaluate("test") == run.evaluate("test")
    assert loaded.snapshot().step == 12
    assert list(loaded.history) == list(run.history)
    with pytest.raises(OptionError, match="has trained its 2 epochs"):
        loaded.resume()


def test_saving_a_run_that_trains_is_consistent(tmp_path):
    run = start(epochs=None, eval_every=0)
    for _ in range(5):
        path = saved(run, tmp_path)
        loaded = load_run(path, data=run.data)
        assert loaded.history["step"].tolist() == list(range(loaded.step))
        if loaded.step:
            assert int(load_file(path)["optimizer.0.step"]) == loaded.step
    run.close()


def test_a_beta_that_was_a_function_keeps_its_value(tmp_path):
    run = start(epochs=1, beta=lambda step: step / 4).wait()
    assert load_run(saved(run, tmp_path), data=run.data).beta == 1.5


def test_random_state_of_another_kind_of_device_is_left_out(tmp_path):
    run = start(epochs=3, start=False)
    advance(run, 8)
    path = saved(run, tmp_path)
    run.close()
    tensors, facts = load_file(path), run_facts(path)
    tensors |= {name: torch.zeros(16, dtype=torch.uint8) for name in ("generator.noise", "generator.order")}
    save_file(tensors, path, metadata={KEY: json.dumps(facts)})
    loaded = load_run(path, data=run.data)
    loaded.resume()
    loaded.wait()
    assert (loaded.step, loaded.epoch) == (18, 3)


def test_without_data_it_can_be_looked_at_only(tmp_path):
    run = start(epochs=2).wait()
    loaded = load_run(saved(run, tmp_path))
    assert len(loaded.history["kl"]) == 12
    assert loaded.snapshot().model.latent_dim == 2
    assert (loaded.unit, loaded.steps_per_epoch) == (run.unit, 6)
    with pytest.raises(
        DataError, match=r"was loaded without its data, 'noise'.*load_run\(path, data=\.\.\.\)"
    ):
        _ = loaded.data
    loaded.epochs = 3
    with pytest.raises(DataError, match=r"cannot go on: it was loaded without its data"):
        loaded.resume()
    again = tmp_path / "again.safetensors"
    loaded.save(again)
    third = load_run(again, data=run.data)
    third.resume()
    assert third.wait().epoch == 3


def test_named_data_are_found_again(tmp_path, monkeypatch):
    data = make_data(name="digits")
    calls = []

    def fake(name, **options):
        calls.append((name, options["size"], options["download"]))
        return data

    monkeypatch.setattr("vaewidgets.runs.load.load_dataset", fake)
    run = start(data, epochs=1).wait()
    assert load_run(saved(run, tmp_path)).data is data
    assert calls == [("digits", (4, 4), False)]
    data = make_data(n=80, name="digits")
    with pytest.raises(DataError, match="loaded without its data"):
        _ = load_run(saved(run, tmp_path)).data


def test_another_model_is_refused_and_left_alone(tmp_path):
    run = start(epochs=1).wait()
    path = saved(run, tmp_path)
    other = make_model(run.data, hidden=(9,))
    before = [p.clone() for p in other.parameters()]
    message = r"tensor 'encoder\.0\.weight' has shape \(8, 16\), in this MLPVAE it has shape \(9, 16\)"
    with pytest.raises(CheckpointError, match=message):
        load_run(path, model=other, data=run.data)
    assert all(torch.equal(a, b) for a, b in zip(before, other.parameters(), strict=True))
    with pytest.raises(CheckpointError, match=r"'encoder\.2\.weight' has no such tensor"):
        load_run(path, model=make_model(run.data, hidden=(8, 8), latent_dim=2), data=run.data)


def test_a_tensor_that_the_model_lacks_is_named():
    with pytest.raises(
        CheckpointError, match=r"its tensor 'bias' has shape \(2,\), in this Linear it has no such"
    ):
        load_weights(nn.Linear(2, 2, bias=False), nn.Linear(2, 2).state_dict(), "run.safetensors")


def test_other_data_are_refused(tmp_path):
    run = start(epochs=1).wait()
    path = saved(run, tmp_path)
    with pytest.raises(
        CheckpointError, match=r"data of image_shape \(1, 4, 4\); the data given have \(1, 5, 5\)"
    ):
        load_run(path, data=make_data(shape=(1, 5, 5)))
    with pytest.raises(
        CheckpointError, match=r"value_range \(0\.0, 1\.0\); the data given have \(-1\.0, 1\.0\)"
    ):
        load_run(path, data=make_data(value_range=(-1.0, 1.0)))


class Foreign(nn.Module):
    latent_dim = 2

    def __init__(self, wide=4):
        super().__init__()
        self.down, self.up = nn.Linear(16, wide), nn.Linear(2, 16)
        self.norm = nn.BatchNorm1d(wide)

    def encode(self, x):
        return self.norm(self.down(x.flatten(1))).chunk(2, 1)

    def decode(self, z):
        return torch.sigmoid(self.up(z)).view(-1, 1, 4, 4)


def test_a_foreign_model_needs_to_be_given(tmp_path):
    run = start(model=Foreign(), epochs=2).wait()
    path = saved(run, tmp_path)
    with pytest.raises(
        CheckpointError, match=r"weights of a Foreign, which is no built-in model.*model=\.\.\."
    ):
        load_run(path, data=run.data)
    model = Foreign()
    loaded = load_run(path, model=model, data=run.data)
    assert same_weights(model, run.model.module)
    assert loaded.evaluate() == run.evaluate()


def test_files_that_are_no_run(tmp_path):
    path = tmp_path / "file.safetensors"
    with pytest.raises(CheckpointError, match="there is no file"):
        load_run(path)
    path.write_bytes(b"not at all")
    with pytest.raises(CheckpointError, match="is no run file, or is damaged"):
        load_run(path)
    save_file({"a": torch.zeros(1)}, path)
    with pytest.raises(CheckpointError, match=r"without a run in it; expected one of run\.save"):
        load_run(path)
    save_file({"a": torch.zeros(1)}, path, metadata={KEY: json.dumps({"format": 99})})
    with pytest.raises(CheckpointError, match="has format 99; this version reads 1"):
        load_run(path)


def test_a_cut_file_is_refused(tmp_path):
    path = saved(start(epochs=1).wait(), tmp_path)
    path.write_bytes(path.read_bytes()[:-100])
    with pytest.raises(CheckpointError, match="damaged"):
        load_run(path)


def test_a_model_config_that_is_not_ours_executes_nothing(tmp_path):
    run = start(epochs=1).wait()
    path = saved(run, tmp_path)
    tensors = load_file(path)
    facts = run_facts(path)
    facts["model"]["class"] = "os.system"
    save_file(tensors, path, metadata={KEY: json.dumps(facts)})
    with pytest.raises(CheckpointError, match="is no built-in model"):
        load_run(path, data=run.data)


def test_a_model_of_another_image_shape_than_the_data_is_refused(tmp_path):
    run = start(epochs=1).wait()
    path = saved(run, tmp_path)
    facts = run_facts(path)
    facts["model"]["image_shape"][1] += 1
    save_file(load_file(path), path, metadata={KEY: json.dumps(facts)})
    with pytest.raises(CheckpointError, match=r"run\.safetensors.*images of shape"):
        load_run(path, data=run.data, salvage=True)


def run_facts(path):
    from safetensors import safe_open

    with safe_open(path, "pt") as file:
        return json.loads(file.metadata()[KEY])


def test_a_write_that_fails_leaves_the_old_file(tmp_path, monkeypatch):
    run = start(epochs=1).wait()
    path = saved(run, tmp_path)
    before = path.read_bytes()

    def full(*args, **options):
        raise OSError("no space left on device")

    monkeypatch.setattr("vaewidgets.runs.run_file.save_file", full)
    with pytest.raises(OSError, match="no space left"):
        run.save(path)
    assert path.read_bytes() == before
    assert [p.name for p in tmp_path.iterdir() if p.is_file()] == ["run.safetensors"]


def test_a_folder_that_is_not_there(tmp_path):
    with pytest.raises(CheckpointError, match="is no folder; make it first"):
        start(start=False).save(tmp_path / "nowhere" / "run.safetensors")


def test_an_attached_run_is_saved_with_its_weights(tmp_path):
    data = make_data()
    model = make_model(data)
    with attach(model, data, name="by hand") as run:
        for i in range(5):
            run.log(loss=float(i), recon=1.0, kl=2.0, epoch=0)
        path = saved(run, tmp_path)
    loaded = load_run(path, data=data)
    assert same_weights(loaded.model, model)
    assert loaded.history["loss"].tolist() == [0, 1, 2, 3, 4]
    assert (loaded.step, loaded.name, loaded.status) == (5, "by hand", "stopped")
    assert np.isfinite(loaded.evaluate()["loss"])
    with pytest.raises(DataError, match="was trained by a loop of its own"):
        loaded.resume()


def test_a_diverged_run_may_be_loaded_and_gone_on_with(tmp_path):
    data = make_data(n=64)
    run = start(data, lr=1e30, optimizer="sgd", epochs=3)
    assert wait_until(lambda: run.status == "failed")
    loaded = load_run(saved(run, tmp_path), data=data)
    loaded.lr = 1e-6
    assert loaded.status == "stopped"
    assert loaded.step == run.step

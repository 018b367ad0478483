import gc
import os
import signal
import subprocess
import sys
import textwrap
import time

import numpy as np
import pytest

from tests.forked import python
from tests.runs.conftest import make_data, start, wait_until
from vaewidgets.files import cache_folder, write_whole
from vaewidgets.runs import load_run
from vaewidgets.runs.autosave import KEEP, Autosave, prune
from vaewidgets.sections.state import run_state


def test_it_is_written_at_the_end_and_loads():
    run = start(autosave=True, epochs=2).wait()
    assert run.autosave_path.parent == saved_runs()
    loaded = load_run(run.autosave_path, data=run.data)
    assert (loaded.step, loaded.status) == (12, "finished")
    assert start(start=False).autosave_path is None


def test_it_is_written_while_it_trains_and_when_stopped_and_when_failed():
    run = start(autosave=True, autosave_seconds=0.01, epochs=None, eval_every=0)
    assert wait_until(run.autosave_path.is_file)
    first = load_run(run.autosave_path, data=run.data)
    assert first.history["step"].tolist() == list(range(first.step))
    run.close()
    assert load_run(run.autosave_path).step == run.step
    failing = start(autosave=True, epochs=None, beta=lambda step: 1.0 if step < 9 else -1.0)
    assert wait_until(lambda: failing.status == "failed" and failing.has_ended)
    assert load_run(failing.autosave_path).step == 9


def test_nothing_is_written_before_the_first_step():
    run = start(autosave=True, start=False)
    run.stop()
    assert not saved_runs().exists()


def test_a_disk_that_fails_does_not_stop_the_run(monkeypatch, caplog):
    def full(*args, **options):
        raise OSError("no space left on device")

    monkeypatch.setattr("vaewidgets.runs.run_file.save_file", full)
    run = start(autosave=True, autosave_seconds=0.001, epochs=3).wait()
    assert run.status == "finished"
    assert list(saved_runs().iterdir()) == []
    assert [record.message for record in caplog.records] == [run.warning]  # once, however often it failed
    assert "could not be saved" in run_state(run)["error"]


def test_what_is_said_of_a_failed_write_ends_with_the_next_good_one(tmp_path):
    run = start(epochs=1).wait()
    (tmp_path / "file").touch()
    autosave = Autosave("run", run.id, 1.0, tmp_path / "file" / "run.safetensors")
    autosave.write_now(run.checkpoint)
    assert "has no folder to be in" in autosave.fault
    (tmp_path / "file").unlink()
    autosave.write_now(run.checkpoint)
    assert autosave.fault is None
    assert load_run(autosave.path).step == run.step


def test_without_a_home_folder_nothing_is_saved_and_that_is_said(monkeypatch):
    for name in ("HOME", "VAEWIDGETS_CACHE", "XDG_CACHE_HOME"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr("pathlib.Path.expanduser", without_home)
    run = start(autosave=True, epochs=1).wait()
    assert run.status == "finished"
    assert run.autosave_path is None
    assert "HOME is not set" in run.warning
    assert "VAEWIDGETS_CACHE" in run.warning


def without_home(path):
    raise RuntimeError("Could not determine home directory.")


def test_the_newest_are_kept(tmp_path):
    for i in range(KEEP + 5):
        path = tmp_path / f"{i}.safetensors"
        path.touch()
        os.utime(path, (i, i))
    (tmp_path / "notes.txt").touch()
    prune(tmp_path)
    kept = {p.name for p in tmp_path.iterdir()}
    assert kept == {"notes.txt", *(f"{i}.safetensors" for i in range(5, KEEP + 5))}


def saved_runs():
    return cache_folder() / "runs"


def files():
    return sorted(saved_runs().glob("*.safetensors"))


def test_each_of_many_living_runs_has_its_file():
    data = make_data()
    runs = []
    for _ in range(KEEP + 5):
        run = start(data, autosave=True, autosave_seconds=0.01, epochs=None)
        assert wait_until(run.autosave_path.is_file, 60)
        run.pause()  # it lives on, and leaves the processor to the others
        runs.append(run)
    for run in runs:
        run.close()
    assert all(run.autosave_path.is_file() for run in runs)
    # once they are gone, the newest are kept, and that of the one that lives
    last, run = runs[0], None
    times = sorted((os.stat(path).st_mtime, path) for path in files() if path != last.autosave_path)
    runs.clear()
    gc.collect()
    again = start(data, autosave=True, epochs=1).wait(progress=False)
    assert set(files()) == {again.autosave_path, last.autosave_path, *(path for _, path in times[-KEEP:])}


OTHER = """
    import sys
    from vaewidgets.runs import train
    from tests.runs.conftest import make_data, make_model
    data = make_data()
    runs = [train(make_model(data), data, batch_size=16, epochs=1).wait(progress=False) for _ in range(3)]
    print(*[run.autosave_path for run in runs], sep=";", flush=True)
    sys.stdin.read()
"""


def other_process(command, cache):
    environment = {**os.environ, "VAEWIDGETS_CACHE": str(cache), "PYTHONPATH": os.getcwd()}
    return subprocess.Popen(
        command,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        env=environment,
        text=True,
    )


def outlive(n):
    """So many runs, each gone before the next one starts."""
    data = make_data()
    for _ in range(n):
        start(data, autosave=True, epochs=1).wait(progress=False).close()
        gc.collect()


def test_files_of_runs_in_another_process_stay_as_long_as_that_lives():
    with other_process(python(textwrap.dedent(OTHER)), cache_folder()) as other:
        theirs = other.stdout.readline().strip().split(";")
        for path in theirs:
            os.utime(path, (1, 1))
        outlive(KEEP + 2)
        assert all(map(os.path.isfile, theirs))
        assert len(files()) == KEEP + 1 + len(theirs)  # the last one lived when it was written
        other.terminate()
    outlive(1)
    assert not any(map(os.path.isfile, theirs))
    assert len(files()) == KEEP + 1


KILLED = """
    import os, signal
    from pathlib import Path
    from vaewidgets.runs import train
    from tests.runs.conftest import make_data, make_model
    data = make_data()
    os.replace = lambda *args: os.kill(os.getpid(), signal.SIGKILL)
    run = train(make_model(data), data, batch_size=16, epochs=1, autosave=PLACE is None)
    if PLACE is None:
        run.wait(progress=False)
    else:
        run.save(PLACE)
"""


@pytest.mark.skipif(sys.platform == "win32", reason="SIGKILL is POSIX")
def test_what_a_killed_writer_left_is_cleared_away(tmp_path):
    """In the cache at the next start, elsewhere when the file is written again."""
    kept = tmp_path / "kept"
    kept.mkdir()
    for place in (None, str(kept / "run.safetensors")):
        code = textwrap.dedent(KILLED).replace("PLACE", repr(place))
        with other_process(python(code), cache_folder()) as victim:
            assert victim.wait(60) == -signal.SIGKILL
    assert len(list(kept.iterdir())) == 1
    assert len(list(saved_runs().iterdir())) == 1
    run = start(autosave=True, epochs=1).wait(progress=False)
    assert list(saved_runs().iterdir()) == [run.autosave_path]
    run.save(kept / "run.safetensors")
    assert [path.name for path in kept.iterdir()] == ["run.safetensors"]


def test_a_file_that_is_being_written_is_not_cleared_away(tmp_path):
    target = tmp_path / "run.safetensors"
    run = start(epochs=1).wait(progress=False)
    with write_whole(target) as file:
        file.write(b"half")
        run.save(target)
        file.write(b" and half")
    assert target.read_bytes() == b"half and half"
    assert list(tmp_path.iterdir()) == [target]


@pytest.mark.skipif(sys.platform == "win32", reason="links and modes are POSIX")
def test_a_link_is_followed_and_the_mode_is_the_usual_one(tmp_path):
    (tmp_path / "link").symlink_to("target")
    (tmp_path / "plain").touch()
    run = start(epochs=1).wait(progress=False)
    run.save(tmp_path / "link")
    assert (tmp_path / "link").is_symlink()
    assert load_run(tmp_path / "target").step == run.step
    assert (tmp_path / "target").stat().st_mode == (tmp_path / "plain").stat().st_mode


VICTIM = """
    import sys, torch
    from vaewidgets.runs import train
    from tests.runs.conftest import make_data, make_model
    data = make_data()
    run = train(make_model(data), data, batch_size=16, epochs=None, eval_every=0, autosave_seconds=0.05)
    print(run.autosave_path, flush=True)
    run.wait(progress=False)
"""


@pytest.mark.skipif(sys.platform == "win32", reason="SIGKILL is POSIX")
def test_a_killed_process_loses_nothing_but_the_last_moments(tmp_path):
    environment = {**os.environ, "VAEWIDGETS_CACHE": str(tmp_path), "PYTHONPATH": os.getcwd()}
    with subprocess.Popen(
        [sys.executable, "-c", textwrap.dedent(VICTIM)], stdout=subprocess.PIPE, env=environment, text=True
    ) as victim:
        path = victim.stdout.readline().strip()
        assert wait_until(lambda: os.path.isfile(path), seconds=60)
        changed = os.stat(path).st_mtime_ns
        # while it writes again and again
        assert wait_until(lambda: os.stat(path).st_mtime_ns != changed, seconds=30)
        time.sleep(0.013)
        victim.send_signal(signal.SIGKILL)
        assert victim.wait(30) == -signal.SIGKILL
    data = make_data()
    run = load_run(path, data=data)
    assert run.status == "stopped"
    assert run.step > 0
    assert run.history["step"].tolist() == list(range(run.step))
    assert np.isfinite(run.history["loss"]).all()
    step = run.step
    run.advance(5)
    assert wait_until(lambda: run.status == "paused" and run.step == step + 5)
    run.close()
    whole = start(data, epochs=None, eval_every=0, start=False)
    whole.advance(step + 5)
    assert wait_until(lambda: whole.status == "paused" and whole.step == step + 5)
    whole.close()
    assert run.history["loss"].tolist() == whole.history["loss"].tolist()

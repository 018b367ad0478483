"""`python -m vaewidgets notebooks`: nothing of the reader's is lost, and what comes next is said."""

from __future__ import annotations

from pathlib import Path

import nbformat
import pytest

from vaewidgets.__main__ import main

NOTEBOOKS = sorted((Path(__file__).parents[1] / "notebooks").glob("*.ipynb"))


def test_notebooks_go_into_a_new_folder(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = tmp_path / "my lecture"
    assert main(["notebooks", str(folder)]) == 0
    assert {path.name: path.read_bytes() for path in folder.iterdir()} == {
        path.name: path.read_bytes() for path in NOTEBOOKS
    }
    said = capsys.readouterr().out
    assert said.startswith(f"{len(NOTEBOOKS)} notebooks are in {folder}.\n")
    assert f"jupyter lab '{folder / NOTEBOOKS[0].name}'" in said


def test_a_notebook_that_was_changed_is_kept_and_named(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    mine = tmp_path / NOTEBOOKS[0].name
    mine.write_text("mine")
    assert main(["notebooks", str(tmp_path)]) == 0
    assert mine.read_text() == "mine"
    said = capsys.readouterr().out
    assert f"{len(NOTEBOOKS) - 1} notebooks are in" in said
    assert f"changed or are of another version: {mine.name}. --overwrite replaces" in said
    assert f"jupyter lab {mine}\n" in said
    assert main(["notebooks", str(tmp_path), "--overwrite"]) == 0
    assert mine.read_bytes() == NOTEBOOKS[0].read_bytes()
    assert "changed" not in capsys.readouterr().out


def test_without_jupyterlab_it_comes_first(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("vaewidgets.__main__.find_spec", lambda _: None)
    assert main(["notebooks", str(tmp_path)]) == 0
    install, start = capsys.readouterr().out.split("Next:\n\n")[1].splitlines()[:2]
    assert install.strip() == "pip install jupyterlab"
    assert start.strip().startswith("jupyter lab ")


def test_a_file_is_no_folder(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "file").touch()
    assert main(["notebooks", str(tmp_path / "file")]) == 2
    assert "file" in capsys.readouterr().err


def test_help_names_the_commands(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit, match="0"):
        main(["--help"])
    said = capsys.readouterr().out
    assert "notebooks" in said
    assert "revive" in said
    assert "reproduce" in said


def test_a_notebook_without_states_is_revived_to_its_pictures(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    source = tmp_path / "mine.ipynb"
    source.write_bytes(NOTEBOOKS[0].read_bytes())
    assert main(["revive", str(source)]) == 0
    outputs = [
        output
        for cell in nbformat.read(tmp_path / "mine.alive.ipynb", 4).cells
        for output in cell.get("outputs", [])
    ]
    views = [output for output in outputs if "vnd.jupyter.widget-view" in str(output.get("data", {}).keys())]
    assert views == []
    assert any("image/png" in output.get("data", {}) for output in outputs)
    assert "had no state" in capsys.readouterr().out

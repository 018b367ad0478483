"""The command that reproduces an experiment: rows, verdicts, files, exit status."""

from __future__ import annotations

import json
import math
from dataclasses import replace
from pathlib import Path

import pytest

from tests.runs.conftest import wait_until
from vaewidgets.__main__ import main
from vaewidgets.errors import OptionError
from vaewidgets.experiments import (
    RECIPES,
    Experiment,
    Recipe,
    Report,
    Row,
    Scale,
    Setting,
    Target,
    get_recipe,
    reproduce,
)


def a_recipe(**targets: float) -> Recipe:
    setting = Setting(
        "one", {"class": "MLPVAE", "hidden": [16]}, {"epochs": 2, "batch_size": 64, "lr": 1e-3, "seed": 0}
    )
    wanted = [Target("one", name, value, 0.5, 1) for name, value in targets.items()]
    data = {"name": "digits", "n_train": 256, "size": 8}
    return Recipe("T", "a test", "made up", {"small": Scale(data, [setting], wanted)})


def run(recipe: Recipe, **options: object) -> Report:
    return reproduce(recipe, progress=False, say=lambda _: None, **options)  # type: ignore[arg-type]


def test_a_number_within_the_tolerance_is_met_and_one_beyond_is_missed() -> None:
    first = run(a_recipe(train_loss=44.0))
    obtained = first.rows[0].obtained
    assert isinstance(obtained, float)
    assert first.rows[0].what == "one: train_loss, epoch 1"
    near = run(a_recipe(train_loss=obtained / 1.4)).rows[0]
    far = run(a_recipe(train_loss=obtained / 1.6)).rows[0]
    assert (near.obtained, near.verdict, far.verdict) == (obtained, "met", "missed")


def test_an_epoch_that_was_not_reached_is_missed() -> None:
    recipe = a_recipe()
    late = Target("one", "train_loss", 40.0, 0.5, epoch=9)
    recipe = replace(recipe, scales={"small": replace(recipe.scales["small"], targets=[late])})
    report = run(recipe)
    assert math.isnan(report.rows[0].obtained)  # type: ignore[arg-type]
    assert report.rows[0].verdict == "missed"
    assert "not reached" in report.text()
    assert json.loads(report.to_json())["rows"][0]["obtained"] is None


def test_other_data_or_epochs_are_told_and_not_judged_but_parameters_are() -> None:
    report = run(a_recipe(train_loss=1e6, parameters=1.0), epochs=1)
    assert [row.verdict for row in report.rows] == ["told", "told"]
    exact = a_recipe()
    wrong = Target("one", "parameters", 17.0, 0.0)
    exact = replace(exact, scales={"small": replace(exact.scales["small"], targets=[wrong])})
    assert run(exact, epochs=1).rows[0].verdict == "missed"


def test_parameter_counts_are_the_published_ones() -> None:
    for letter, counts in (("A", [1_068_820, 1_082_680]), ("C", [3_342_305, 5_538_017])):
        scale = RECIPES[letter].at("published")
        data = type("Images", (), {"image_shape": (1, 28, 28)})()
        exact = {target.setting: target.value for target in scale.targets if target.quantity == "parameters"}
        models = [setting.build(data) for setting in scale.settings if setting.name in exact]
        assert [sum(p.numel() for p in model.parameters()) for model in models] == counts
        assert list(exact.values()) == counts
        assert all(target.tolerance == 0.0 for target in scale.targets if target.quantity == "parameters")


def test_an_unknown_experiment_or_scale_is_refused_with_those_there_are(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    with pytest.raises(OptionError, match=r"no experiment 'Z'\. Known: A: Two latent dimensions"):
        get_recipe("Z")
    with pytest.raises(OptionError, match="experiment A has small, published"):
        RECIPES["A"].at("huge")
    assert main(["reproduce", "Z", "--out", str(tmp_path)]) == 2
    assert "no experiment 'Z'" in capsys.readouterr().err


def test_the_exit_status_tells_a_missed_row(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for wanted, status in ((44.0, 0), (1.0, 1)):
        monkeypatch.setitem(RECIPES, "A", a_recipe(train_loss=wanted))
        assert main(["reproduce", "a", "--out", str(tmp_path)]) == status
        assert ("missed" if status else "met") in capsys.readouterr().out.splitlines()[-3]
    assert json.loads((tmp_path / "T_small.json").read_text())["ok"] is False


def test_a_report_lines_up_and_counts() -> None:
    rows = [Row("a", 1.0, 2.0, 0.1, "missed"), Row("b, longer", "many", "few", None, "told", "why")]
    text = Report("T", "title", "source", "small", rows, ["remark"], 1.2).text()
    assert text.splitlines()[-1] == "0 met, 1 missed, 1 told"
    assert "+100.0%" in text
    words = ["told: b, longer", "    published: many", "    obtained:  few", "    why"]
    assert text.splitlines()[-5:-1] == words


def test_a_run_that_was_cut_off_goes_on_setting_by_setting(tmp_path: Path) -> None:
    """The first setting is not trained again, the second goes on in the middle, the third begins."""
    names = ("one", "two", "three")
    recipe = a_recipe()
    small = recipe.scales["small"]
    settings = [replace(small.settings[0], name=name, seed=i) for i, name in enumerate(names)]
    targets = [Target(name, "test_loss", 40.0, 0.5) for name in names]
    recipe = replace(recipe, scales={"small": replace(small, settings=settings, targets=targets)})
    whole = run(recipe).rows

    def cut_off(what: str) -> None:
        if what == "T: two":
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        reproduce(recipe, folder=tmp_path, figures=False, progress=False, say=cut_off)
    second = Experiment(recipe, folder=tmp_path / "T_runs").train("two", start=False)
    second.advance(5)
    assert wait_until(lambda: second.status == "paused")
    second.stop()
    second.wait(progress=False)
    assert (second.step, second.epoch) == (5, 1)
    said: list[str] = []
    report = reproduce(recipe, folder=tmp_path, figures=False, progress=False, say=said.append)
    assert said == ["T: one, trained before", "T: two", "T: three"]
    assert report.rows == whole
    assert not (tmp_path / "T_runs").exists(), "what is whole needs no files of its runs"


def of_few_images(recipe: Recipe) -> Recipe:
    """The same settings, claims and figures, on as many images as its figures need."""
    few = {"n_train": 768, "n_test": 160}  # ten batches and more of 64
    scale = recipe.at("small")
    settings = [one if one.data is None else replace(one, data={**one.data, **few}) for one in scale.settings]
    return replace(recipe, scales={"small": replace(scale, data={**scale.data, **few}, settings=settings)})


@pytest.mark.slow
@pytest.mark.parametrize("letter", RECIPES)
def test_every_recipe_trains_and_draws_all_its_figures(letter: str, tmp_path: Path) -> None:
    report = run(of_few_images(RECIPES[letter]), epochs=1, folder=tmp_path)
    assert report.rows
    assert json.loads((tmp_path / f"{letter}_small.json").read_text())["recipe"] == letter
    drawn = {path.stem for path in tmp_path.glob("*.png")}
    assert drawn == {path.stem for path in tmp_path.glob("*.svg")}
    assert len(drawn) >= 5
    assert all(path.stat().st_size > 2000 for path in tmp_path.glob("*.png"))

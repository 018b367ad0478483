"""An experiment trained run by run: what is judged, told, and not run; what it shows of itself."""

from __future__ import annotations

import threading
from dataclasses import replace

import pytest
from IPython.core.formatters import DisplayFormatter

import vaewidgets as vw
from vaewidgets.errors import OptionError
from vaewidgets.experiments import Claim, Experiment, Recipe, Report, Results, Row, Scale, Setting, Target
from vaewidgets.experiments.base import NotRun

DATA = {"name": "digits", "n_train": 256, "size": 8}
TRAIN = {"epochs": 2, "batch_size": 64, "lr": 1e-3, "seed": 0}


def better(results: Results) -> tuple[str, bool]:
    one, two = (results.runs[name].history["train_loss"][-1] for name in ("one", "two"))
    return f"{one:.1f} and {two:.1f}", bool(one > 0 and two > 0)


def recipe(value: float = 44.0) -> Recipe:
    settings = [Setting(name, {"class": "MLPVAE", "hidden": [16]}, TRAIN) for name in ("one", "two")]
    targets = [Target("one", "train_loss", value, 0.5, 1)]
    scales = {"small": Scale(DATA, settings), "published": Scale(DATA, settings, targets)}
    return Recipe("T", "a test", "made up", scales, (Claim("both train", "they do", better),))


@pytest.fixture
def experiment() -> Experiment:
    return Experiment(recipe(), "published")


def verdicts(experiment: Experiment) -> list[str]:
    return [row.verdict for row in experiment.report().rows]


def test_what_was_not_trained_is_not_run(experiment: Experiment) -> None:
    assert verdicts(experiment) == ["not run", "not run"]
    experiment.train("one").wait(progress=False)
    report = experiment.report()
    assert [row.verdict for row in report.rows] == ["met", "not run"]
    assert report.rows[1].remark == "two was not trained"
    experiment.train("two").wait(progress=False)
    report = experiment.report()
    assert report.ok
    assert report.verdicts() == "met: one: train_loss, epoch 1\nmet: both train\n2 met, 0 missed, 0 told"


def test_a_number_that_is_off_is_missed() -> None:
    experiment = Experiment(recipe(1.0), "published")
    experiment.train("one").wait(progress=False)
    assert verdicts(experiment)[0] == "missed"
    assert not experiment.report().ok


def test_a_run_trained_otherwise_is_told_until_it_is_trained_as_asked(experiment: Experiment) -> None:
    experiment.train("one", epochs=1).wait(progress=False)
    report = experiment.report()
    assert report.rows[0].verdict == "told"
    assert report.remarks == ["one: trained otherwise than published"]
    assert not experiment.results.as_published
    experiment.train("one", speed=None).wait(progress=False)
    assert verdicts(experiment)[0] == "met"
    assert experiment.results.as_published


def test_runs_at_the_same_time_share_a_thread_and_no_number_differs(experiment: Experiment) -> None:
    name, other = experiment.settings[:2]
    alone = Experiment(recipe(), "published").train(name).wait(progress=False)
    first = experiment.train(name, start=False)
    assert first.status == "created"
    first.resume()
    second = experiment.train(other, epochs=None)
    own = {f"vaewidgets-{run.id}" for run in (first, second)}
    shared = "vaewidgets-experiment-T"
    threads = [thread for thread in threading.enumerate() if thread.name in {shared, *own}]
    assert {thread.name for thread in threads} == {shared}
    first.wait(progress=False)
    second.stop()
    second.wait(progress=False)
    assert not any(thread.is_alive() for thread in threads if not thread.join(5))
    assert first.history["loss"].tolist() == alone.history["loss"].tolist()


def test_a_run_of_ones_own_takes_a_settings_place(experiment: Experiment) -> None:
    run = vw.train(experiment.setting("one").build(experiment.data), experiment.data, **TRAIN, autosave=False)
    assert experiment.add("one", run.wait(progress=False)) is run
    assert verdicts(experiment)[0] == "met"
    experiment.add("one", run, as_published=False)
    assert verdicts(experiment)[0] == "told"
    with pytest.raises(OptionError, match=r"no setting 'on'; it has one, two\. Did you mean 'one'\?"):
        experiment.add("on", run)


def test_the_small_scale_lists_published_numbers_as_not_run() -> None:
    row = Experiment(recipe()).report().rows[-1]
    assert (row.published, row.obtained, row.verdict) == (44.0, None, "not run")
    assert row.remark == "at published scale only"


def test_the_variable_overrides_the_scale(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("VAEWIDGETS_SCALE", "published")
    assert repr(Experiment(recipe())) == "Experiment(T, published: one, two)"
    monkeypatch.setenv("VAEWIDGETS_SCALE", "huge")
    with pytest.raises(OptionError, match="scale is 'huge'; experiment T has small, published"):
        Experiment(recipe())


def test_further_rows_that_lack_a_run_are_one_row_not_run() -> None:
    def rows(results: Results) -> list[Row]:
        return [Row("a", None, float(results.runs["two"].step), None, "told")]

    experiment = Experiment(replace(recipe(), rows=rows))
    further = next(row for row in experiment.report().rows if row.what == "further rows")
    assert further.remark == "two was not trained"
    with pytest.raises(NotRun, match="two"):
        experiment.runs["two"]


def test_a_table_in_a_notebook_is_text_not_markup() -> None:
    row = Row("<img src=x>", 1.0, 2.0, 0.1, "missed", "<b>")
    report = Report("T", "title", "source", "small", [row], ["<i>"])
    html = report._repr_html_()
    assert "<img" not in html
    assert "&lt;img src=x&gt;" in html
    assert "missed (&lt;b&gt;)" in html
    assert repr(report) == "Report(T, small: 0 met, 1 missed, 0 told)"


def test_a_table_of_claims_that_are_no_experiments() -> None:
    report = Report.of("Quick start", [("it trains", "yes", 3.0, True), ("it flies", "yes", "no", False)])
    assert repr(report) == "Report(Quick start: 1 met, 1 missed, 0 told)"
    assert report.verdicts() == "met: it trains\nmissed: it flies\n1 met, 1 missed, 0 told"
    assert report.text().startswith("Quick start\n")
    plain = DisplayFormatter().format(report)[0]["text/plain"]
    assert plain == report.verdicts(), "what nbval compares"
    assert "<caption>Quick start. 1 met" in report._repr_html_()
    assert not report.ok

"""Every widget in one notebook: what it lets one do, both themes, the keyboard, a reload, and nothing left.

One session for the whole file: the tests go through it in order.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from tests.browser import abilities_explorer, abilities_ideas, abilities_runs, abilities_space
from tests.browser.abilities import ABILITIES, Act
from tests.browser.axe import axe_source, findings
from tests.browser.book import CLASSES, NAMES, Book
from tests.browser.contrast import too_faint
from tests.browser.host_styles import assert_controls_look_as_on_a_saved_page
from tests.browser.lab import Lab, wait_for
from tests.browser.tabs import missed_by_tab
from vaewidgets.live.run_widget import RunWidget

FILES = (abilities_explorer, abilities_space, abilities_runs, abilities_ideas)  # each has filled the table
# What a page would otherwise not tell: contexts of the graphics card and workers that are still there.
WATCH = """
    window.made = { contexts: [], workers: new Set() };
    for (const kind of [HTMLCanvasElement, OffscreenCanvas]) {
        const original = kind.prototype.getContext;
        kind.prototype.getContext = function (name, ...more) {
            const context = original.call(this, name, ...more);
            if (context && /^webgl|^webgpu/.test(name)) window.made.contexts.push(context);
            return context;
        };
    }
    const Original = window.Worker;
    window.Worker = class extends Original {
        constructor(url, ...more) {
            super(url, ...more);
            if (String(url).startsWith('blob:')) window.made.workers.add(this);
        }
        terminate() {
            window.made.workers.delete(this);
            super.terminate();
        }
    };
"""
# Listeners of views on each model that the notebook knows; of closed widgets it knows none.
LISTENERS = """async () => {
    const { rendermime } = jupyterapp.shell.currentWidget.content;
    const renderer = rendermime.createRenderer('application/vnd.jupyter.widget-view+json');
    const manager = await renderer._manager.promise;
    const models = await Promise.all(Object.values(manager._models));
    const count = (model, name) => (model._events?.[name] ?? []).length;
    return models.filter(model => model.get('widget_id'))
        .map(model => [count(model, 'change:frame'), count(model, 'change:view_state')]);
}"""


@pytest.fixture(scope="module")
def book(lab_server: Lab, browser: Any) -> Iterator[Book]:
    with lab_server.session(browser, reduced_motion="reduce"):  # with options: in a page of its own
        lab_server.page.add_init_script(WATCH)
        yield Book(lab_server).open()


def test_every_widget_is_live(book: Book) -> None:
    runs = [cls.__name__ for cls in CLASSES if issubclass(cls, RunWidget)]
    of_sweeps = {"TrainingCurves", "BetaAxis", "BetaCompare", "BottleneckSweep"}
    trained = {*runs} - of_sweeps - {"LatentExplorer"}
    for name in NAMES:
        (before, at), (after, then) = book.before[name], book.after[name]
        if name in trained:
            assert (before, at, after) == ("created", "0", "finished"), name
            assert int(then) > 0, name
        elif name != "LatentExplorer":
            assert after == ("finished" if name in runs else "ready"), name
    assert book.errors() == []


def test_controls_look_as_on_a_saved_page(book: Book, browser: Any) -> None:
    assert_controls_look_as_on_a_saved_page(book.lab, browser)


@pytest.mark.parametrize(("widget", "act"), sorted(ABILITIES, key=lambda one: NAMES.index(one.values[0])))
def test_it_lets_you(book: Book, widget: str, act: Act) -> None:
    act(book(widget))


def test_every_widget_has_an_ability_here() -> None:
    assert {param.values[0] for param in ABILITIES} == set(NAMES)


def test_all_are_drawn_without_an_error(book: Book) -> None:
    book("LatentExplorer").python("w.run.has_ended or w.run.stop()")
    found = {name: status for name, (status, _) in book.statuses().items()}
    assert set(found.values()) <= {"finished", "ready", "stopped"}, found
    assert book.errors() == []


@pytest.mark.parametrize("theme", ["dark", "light"])
def test_it_is_accessible(book: Book, theme: str) -> None:
    page = book.lab.page
    book.lab.change_theme(f"JupyterLab {theme.title()}")
    themes = "all => all.map(e => e.dataset.theme)"
    wait_for(lambda: set(page.eval_on_selector_all(".vw-root", themes)) == {theme}, f"all are {theme}", 10)
    book.statuses()  # drawn in this theme
    page.evaluate(axe_source())
    found = findings(page, ".vw-root")
    assert found == [], "\n".join(found)
    measured, faint = too_faint(page, ".vw-root")  # inside JupyterLab axe leaves contrast undecided
    assert faint == [], "\n".join(faint)
    assert measured > 10 * len(NAMES)
    page.evaluate(
        """() => document.querySelector('.vw-diagnosis').insertAdjacentHTML('beforeend',
            '<p id="planted" style="color:#777;background:#888">grey on grey <button></button></p>')"""
    )
    found = findings(page, ".vw-diagnosis")
    _, faint = too_faint(page, ".vw-diagnosis")
    page.evaluate("document.getElementById('planted').remove()")
    assert "button-name" in {line.split(": ")[1] for line in found}
    assert len(faint) == 1, faint


def test_every_control_is_reached_by_tab(book: Book) -> None:
    marked, missed = missed_by_tab(book.lab.page, ".vw-root")
    assert missed == []
    assert marked > 3 * len(NAMES)


def test_nothing_went_wrong_in_the_page(book: Book) -> None:
    assert book.lab.console_of_widgets() == []


def test_saved_and_reloaded_all_are_drawn_again(book: Book) -> None:
    lab, execute = book.lab, "jupyterapp.commands.execute"
    state_too = f"{execute}('@jupyter-widgets/jupyterlab-manager:saveWidgetState')"
    lab.page.evaluate(state_too)
    lab.page.evaluate(f"{execute}('docmanager:save')")
    file = lab.notebooks / book.file
    wait_for(lambda: '"application/vnd.jupyter.widget-state+json"' in file.read_text(), "the state is saved")
    lab.page.evaluate(state_too)  # off again, for what comes after
    before = {name: status for name, (status, _) in book.statuses().items()}
    seed = book("PriorSamples").ask("w.view.seed")
    lab.go_to(book.file)
    wait_for(lambda: lab.page.locator(".vw-root").count() == len(NAMES), "all are here again", 60)
    assert {name: status for name, (status, _) in book.statuses().items()} == before
    assert book("PriorSamples").ask("w.view.seed") == seed
    assert book.errors() == []
    assert lab.console_of_widgets() == []


def test_it_leaves_nothing_behind(book: Book) -> None:
    lab, page = book.lab, book.lab.page
    listeners = page.evaluate(LISTENERS)
    assert len(listeners) >= len(NAMES)
    assert min(listeners) > [0, 0], "while they are shown they listen"
    page.evaluate("jupyterapp.commands.execute('notebook:clear-all-cell-outputs')")
    wait_for(lambda: page.locator(".vw-root").count() == 0, "the views go", 20)
    wait_for(lambda: not any(map(any, page.evaluate(LISTENERS))), "nobody listens to the models", 20)
    made = "made.contexts.filter(gl => !gl.isContextLost?.()).length + made.workers.size"
    assert page.evaluate(made) == 0
    lab.execute("for one in widgets.values(): one.close()")
    wait_for(lambda: page.evaluate(LISTENERS) == [], "the models go", 20)
    threads = "[t.name for t in threading.enumerate() if t.name.startswith('vaewidgets')]"
    wait_for(lambda: lab.execute(f"print({threads})").strip() == "[]", "its threads end", 20)
    assert lab.console_of_widgets() == []

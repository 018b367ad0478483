"""The layout of the source: its files are short, imports run in one way, and what is shared is shared."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator, Mapping
from itertools import chain
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parents[1] / "vaewidgets"
PAGE = PACKAGE / "js"
MOST_LINES = 400

# Files of a shared room with one user in another, and why they stay.
SHARED_BY_ONE = {
    "sections/values.py": "builds a section",
    "contract/messages.py": "what the page may send, beside the types that the page is written from",
    "js/contract/keys.js": "written from contract/keys.py",
    "js/draw/scatter/index.js": "the scatter knows no widget",
    "js/graphs/kernels/memory.js": "the memory with all kernels; pages that only decode carry fewer",
    "js/graphs/gpu/machine.js": "a device that runs graphs, beside kernels/memory.js",
    "js/graphs/gpu/program.js": "a graph for that device, as graphs/program.js is one for the memory",
    "live/show.py": "a function for users, as save_html is; `widgets` brings it into the reference",
    "js/training/wants.js": "what a page tells its worker, which runs without a page",
}

Graph = Mapping[str, set[str]]


def python_files() -> dict[str, Path]:
    """Path of each module, by its dotted name."""
    paths = (path for path in PACKAGE.rglob("*.py") if PAGE not in path.parents)
    names = {path: ".".join(path.relative_to(PACKAGE.parent).with_suffix("").parts) for path in paths}
    return {name.removesuffix(".__init__"): path for path, name in names.items()}


def page_files() -> list[Path]:
    """All modules of the page; neither tests nor packages."""
    return [path for path in PAGE.rglob("*.js") if not {"node_modules", "test"} & {*path.parts}]


def runtime_imports(tree: ast.AST, *, in_functions: bool) -> Iterator[ast.Import | ast.ImportFrom]:
    """Import statements, without those that only a type checker runs."""
    for node in ast.iter_child_nodes(tree):
        if isinstance(node, ast.If) and isinstance(node.test, ast.Name) and node.test.id == "TYPE_CHECKING":
            continue
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and not in_functions:
            continue
        if isinstance(node, ast.Import | ast.ImportFrom):
            yield node
        yield from runtime_imports(node, in_functions=in_functions)


def python_graph(*, in_functions: bool) -> Graph:
    """Return which modules each module imports."""
    files = python_files()
    graph: dict[str, set[str]] = {name: set() for name in files}
    for name, path in files.items():
        for node in runtime_imports(ast.parse(path.read_text("utf-8")), in_functions=in_functions):
            found = [one.name for one in node.names]
            if isinstance(node, ast.ImportFrom):
                full = [f"{node.module}.{one}" for one in found]
                found = [one if one in files else str(node.module) for one in full]
            graph[name] |= {one for one in found if one in files and one != name}
    return graph


def page_graph() -> Graph:
    """Return which files each file of the page imports; types in comments do not count."""
    statement = re.compile(r'^(?:import|export)\s(?:[^;"]*?\sfrom\s)?"(\.[^"]+)"', re.MULTILINE)
    worker = re.compile(r'new URL\("(\.[^"]+)"')
    graph = {}
    for path in page_files():
        text = path.read_text("utf-8")
        names = chain(statement.findall(text), worker.findall(text))
        graph[str(path)] = {str((path.parent / name).resolve()) for name in names}
    return graph


def circle(graph: Graph) -> list[str]:
    """Return the modules on a circle of imports, and those that lead to one."""
    left = {name: {one for one in found if one in graph} for name, found in graph.items()}
    while ends := [name for name, found in left.items() if not found & left.keys()]:
        for name in ends:
            del left[name]
    return sorted(left)


def users(graph: Graph) -> dict[str, set[str]]:
    """Return which modules import each module."""
    return {name: {one for one, found in graph.items() if name in found} for name in graph}


def room(path: Path) -> str:
    """Return the room that a file is in; each widget of the page has its own."""
    parts = path.relative_to(PAGE if PAGE in path.parents else PACKAGE).parts
    return "/".join(parts[:2] if parts[0] == "widgets" and PAGE in path.parents else parts[:1])


def used_by_one_elsewhere(graph: Graph, paths: Mapping[str, Path]) -> set[str]:
    """Return the files with one user, which is in another room."""
    found = set()
    for name, by in users(graph).items():
        path = paths[name]
        if len(by) == 1 and path.name != "__init__.py" and room(path) != room(paths[next(iter(by))]):
            found.add(path.relative_to(PACKAGE).as_posix())
    return found


def test_no_source_file_is_long() -> None:
    paths = [*python_files().values(), *page_files()]
    counts = {p.relative_to(PACKAGE).as_posix(): len(p.read_text("utf-8").splitlines()) for p in paths}
    assert {name: lines for name, lines in counts.items() if lines > MOST_LINES} == {}


@pytest.mark.parametrize("graph", [python_graph(in_functions=False), page_graph()], ids=["Python", "page"])
def test_no_imports_run_in_a_circle(graph: Graph) -> None:
    assert len(graph) > 50
    assert circle(graph) == []


def test_what_is_shared_has_several_users() -> None:
    graph, page = python_graph(in_functions=True), page_graph()
    alone = used_by_one_elsewhere(graph, python_files())
    alone |= used_by_one_elsewhere(page, {name: Path(name) for name in page})
    assert alone == SHARED_BY_ONE.keys()


def test_a_circle_would_be_found() -> None:
    assert circle({"a": {"b"}, "b": {"c"}, "c": {"b"}, "d": set()}) == ["a", "b", "c"]

"""Where what we publish comes from: the lock file, what bundles hold, licences, the bill of materials."""

from __future__ import annotations

import json
import re
import runpy
from importlib.metadata import version
from pathlib import Path
from typing import Any

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from tests.node import JS, run_module
from tests.test_release import PROJECT, ROOT

LOCK = json.loads((JS / "package-lock.json").read_text("utf-8"))
PACKAGE = json.loads((JS / "package.json").read_text("utf-8"))
# What each bundle is made from, as esbuild says when it makes them.
INPUTS = """
const at = process.argv[2];
const { options } = await import(`${at}build.mjs`);
const { build } = await import(`${at}node_modules/esbuild/lib/main.js`);
const { metafile } = await build({ ...options, write: false });
const parts = ([name, { inputs, imports }]) =>
  [name, { inputs: Object.keys(inputs), external: imports.filter((one) => one.external) }];
console.log(JSON.stringify(Object.fromEntries(Object.entries(metafile.outputs).map(parts))));
"""
# Of AssemblyScript's own library, whose licence asks for a notice; built-in instructions are no part of it.
LIBRARY = (
    r"\b(?:Math|Mathf|NativeMathf?|Array|StaticArray|\w+\d+Array|String|Map|Set|Date|console)\s*[.(<]|\bnew\s"
)


def test_the_bundles_hold_nothing_but_what_is_ours(tmp_path: Path) -> None:
    """So that no notice is owed with them; the first package from elsewhere brings its own."""
    outputs = json.loads(run_module(tmp_path, INPUTS))
    made = {Path(name).name: parts for name, parts in outputs.items()}
    assert set(made) == {path.name for path in (ROOT / "vaewidgets" / "static").iterdir()}
    for name, parts in made.items():
        assert parts["external"] == [], name
        assert parts["inputs"], name
        foreign = [path for path in parts["inputs"] if "node_modules" in path or path.startswith(("..", "/"))]
        assert foreign == [], f"{name}: name each with its licence in a notice that goes with the wheel"


def test_the_kernels_hold_nothing_of_the_compilers_library() -> None:
    sources = list((JS / "graphs" / "kernels" / "wasm").glob("*.ts"))
    assert sources
    for path in sources:
        text = re.sub(r"/\*.*?\*/|//[^\n]*", "", path.read_text("utf-8"), flags=re.DOTALL)
        assert all(name.startswith("./") for name in re.findall(r'from "([^"]+)"', text)), path.name
        assert re.findall(LIBRARY, text) == [], path.name


def test_the_lock_file_alone_says_what_is_installed() -> None:
    root = LOCK["packages"][""]
    assert "dependencies" not in PACKAGE, "a package that bundles hold needs its licence in the wheel"
    assert root["devDependencies"] == PACKAGE["devDependencies"]
    for name, wanted in PACKAGE["devDependencies"].items():
        assert LOCK["packages"][f"node_modules/{name}"]["version"] == wanted, f"{name}: pin it exactly"
    for path, entry in LOCK["packages"].items():
        if path:
            assert entry["integrity"].startswith("sha512-"), path
            assert not entry.get("link"), path
            assert re.match(r"https://", entry.get("resolved", "https://")), path
    script = (ROOT / ".ci" / "run").read_text("utf-8")
    assert re.findall(r"\bnpm (?:ci|install|i|update|add)\b", script) == ["npm ci"]


@pytest.fixture(scope="module")
def bill() -> dict[str, Any]:
    made: dict[str, Any] = runpy.run_path(str(ROOT / "packaging" / "sbom.py"))["bill"]()
    return made


def test_the_bill_of_materials_names_what_is_needed_in_its_version(bill: dict[str, Any]) -> None:
    assert (bill["bomFormat"], bill["specVersion"]) == ("CycloneDX", "1.6")
    assert re.fullmatch(r"urn:uuid:[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", bill["serialNumber"])
    own = bill["metadata"]["component"]
    parts = [part for part in bill["components"] if part["scope"] == "required"]
    by_name = {canonicalize_name(part["name"]): part for part in parts}
    for line in PROJECT["dependencies"]:
        name = canonicalize_name(Requirement(line).name)
        assert by_name[name]["version"] == version(name)
    edges = {edge["ref"]: edge["dependsOn"] for edge in bill["dependencies"]}
    assert len(edges[own["bom-ref"]]) == len(PROJECT["dependencies"])
    known = [part["bom-ref"] for part in [own, *bill["components"]]]
    assert len(set(known)) == len(known)
    assert {ref for ref, on in edges.items() for ref in (ref, *on)} <= set(known)
    needed = {part["bom-ref"] for part in by_name.values()}
    assert set(edges) == {own["bom-ref"], *needed}


def test_the_bill_has_a_licence_and_an_address_for_each_part(bill: dict[str, Any]) -> None:
    for part in [bill["metadata"]["component"], *bill["components"]]:
        assert re.fullmatch(r"pkg:(pypi|npm)/[\w.%/-]+@[\w.!+-]+", part["purl"]), part["purl"]
        (first, *_) = part["licenses"]
        assert first.get("expression") or first["license"].get("id") or first["license"]["name"]
        for one in part.get("hashes", []):
            assert (one["alg"], len(one["content"])) == ("SHA-512", 128)
    tools = {part["name"] for part in bill["components"] if part["scope"] == "excluded"}
    assert set(PACKAGE["devDependencies"]) <= tools


def test_the_same_environment_gives_the_same_bill(bill: dict[str, Any]) -> None:
    assert runpy.run_path(str(ROOT / "packaging" / "sbom.py"))["bill"]() == bill

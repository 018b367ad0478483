"""Writes a release's software bill of materials: `python packaging/sbom.py vaewidgets.cdx.json`.

CycloneDX 1.6 in JSON (https://cyclonedx.org/docs/1.6/json/). It names the package, which holds nothing of
others; the Python packages that it needs, with what those need, in the versions of this environment; and the
packages that build its JavaScript, from package-lock.json: none of them is in the wheel, so they are
"excluded" in the words of the standard. The same environment and lock file give the same bytes.
"""

from __future__ import annotations

import json
import sys
import tomllib
import uuid
from collections.abc import Iterator
from importlib.metadata import Distribution, PackageNotFoundError, distribution
from pathlib import Path
from typing import Any

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).parents[1]
LOCK = ROOT / "vaewidgets" / "js" / "package-lock.json"


def bill() -> dict[str, Any]:
    """The bill, as CycloneDX has it.

    Raises
    ------
    SystemExit
        If a package that is needed is not installed: its version cannot be said.
    """
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    source = (ROOT / "vaewidgets" / "__init__.py").read_text("utf-8")
    version = next(line.split('"')[1] for line in source.splitlines() if line.startswith("__version__"))
    own = {
        "type": "library",
        "bom-ref": f"pkg:pypi/{project['name']}@{version}",
        "name": project["name"],
        "version": version,
        "description": project["description"],
        "licenses": [{"license": {"id": project["license"]}}],
        "purl": f"pkg:pypi/{project['name']}@{version}",
        "externalReferences": [{"type": "vcs", "url": project["urls"]["Repository"]}],
    }
    needed, edges = _needed([Requirement(line) for line in project["dependencies"]], own["bom-ref"])
    tools = list(_tools(json.loads(LOCK.read_text("utf-8"))))
    content = {
        "metadata": {"component": own},
        "components": [*needed, *tools],
        "dependencies": [{"ref": ref, "dependsOn": sorted(on)} for ref, on in sorted(edges.items())],
    }
    number = uuid.uuid5(uuid.NAMESPACE_URL, json.dumps(content, sort_keys=True))
    return {
        "$schema": "http://cyclonedx.org/schema/bom-1.6.schema.json",
        "bomFormat": "CycloneDX",
        "specVersion": "1.6",
        "serialNumber": f"urn:uuid:{number}",
        "version": 1,
        **content,
    }


def _needed(first: list[Requirement], own: str) -> tuple[list[dict[str, Any]], dict[str, set[str]]]:
    """Packages that are needed, and which needs which, by reference."""
    found: dict[str, Distribution] = {}
    edges: dict[str, set[str]] = {own: set()}
    ahead = [(own, need) for need in first]
    while ahead:
        who, need = ahead.pop()
        if need.marker is not None and not any(
            need.marker.evaluate({"extra": extra}) for extra in ("", *need.extras)
        ):
            continue
        name = canonicalize_name(need.name)
        try:
            package = found.get(name) or distribution(name)
        except PackageNotFoundError:
            raise SystemExit(
                f"{name} is needed by {who} and is not installed: pip install -e . first."
            ) from None
        ref = _python_ref(package)
        edges[who].add(ref)
        if name not in found:
            found[name] = package
            edges[ref] = set()
            ahead += [(ref, Requirement(line)) for line in package.requires or ()]
    return [_python_component(package) for _, package in sorted(found.items())], edges


def _python_ref(package: Distribution) -> str:
    # a local version ("2.6.0+cpu") is another build of the same release
    return f"pkg:pypi/{canonicalize_name(package.metadata['Name'])}@{package.version.partition('+')[0]}"


def _python_component(package: Distribution) -> dict[str, Any]:
    metadata = package.metadata
    kept = [line for line in metadata.get_all("Classifier") or () if line.startswith("License ::")]
    names = [line.rpartition(" :: ")[2] for line in kept if line != "License :: OSI Approved"]
    if expression := metadata.get("License-Expression"):
        licences: list[dict[str, Any]] = [{"expression": expression}]
    elif names:
        licences = [{"license": {"name": name}} for name in names]
    else:  # the field of old, which may be a whole text
        licences = [{"license": {"name": (metadata.get("License") or "not stated").splitlines()[0]}}]
    ref = _python_ref(package)
    return {
        "type": "library",
        "bom-ref": ref,
        "name": metadata["Name"],
        "version": package.version,
        "scope": "required",
        "licenses": licences,
        "purl": ref,
    }


def _tools(lock: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """Packages of the lock file, each version once."""
    seen: set[str] = set()
    for path, entry in sorted(lock["packages"].items()):
        name = path.rpartition("node_modules/")[2]
        ref = f"pkg:npm/{name.replace('@', '%40')}@{entry.get('version')}"
        if not path or ref in seen:
            continue
        seen.add(ref)
        kind, _, digest = entry["integrity"].partition("-")
        yield {
            "type": "library",
            "bom-ref": ref,
            "name": name,
            "version": entry["version"],
            "scope": "excluded",
            "hashes": [{"alg": kind.upper().replace("SHA", "SHA-"), "content": _hex(digest)}],
            "licenses": [_npm_licence(entry.get("license"))],
            "purl": ref,
        }


def _hex(digest: str) -> str:
    import base64

    return base64.b64decode(digest).hex()


def _npm_licence(stated: str | None) -> dict[str, Any]:
    if stated is None:
        return {"license": {"name": "not stated"}}
    return {"expression": stated} if " " in stated else {"license": {"id": stated}}


if __name__ == "__main__":
    text = json.dumps(bill(), indent=1) + "\n"
    if len(sys.argv) > 1:
        Path(sys.argv[1]).write_text(text, encoding="utf-8")
    else:
        sys.stdout.write(text)

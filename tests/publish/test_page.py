"""The page as text: everything once, nothing that breaks out, whole on disk or not at all."""

from __future__ import annotations

import base64
import gzip
import hashlib
import json
import re
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from vaewidgets.errors import OptionError
from vaewidgets.publish import page_html, write_page

EVIL = "</script><script>alert(1)</script><!-- ]]> &amp; \u2028 \"'"


class Scripts(HTMLParser):
    """Collect script elements as a browser would cut them, and all links to elsewhere."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.scripts: list[tuple[dict[str, Any], str]] = []
        self.addresses: list[str] = []
        self.title = ""
        self._inside = ""
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self._inside = tag
        if tag == "script":
            self.scripts.append((dict(attrs), ""))
        self.addresses += [value or "" for name, value in attrs if name in ("src", "href", "srcset")]

    def handle_endtag(self, tag: str) -> None:
        self._inside = ""

    def handle_data(self, data: str) -> None:
        if self._inside == "script":
            attributes, text = self.scripts[-1]
            self.scripts[-1] = (attributes, text + data)
        if self._inside == "title":
            self.title += data


def state(**values: Any) -> dict[str, Any]:
    return {"_esm": "export default {}", "_css": ".a{}", "_view_name": "V", **values}


def content(page: Scripts) -> list[dict[str, Any]]:
    text = next(text for attributes, text in page.scripts if attributes.get("id") == "vw-page-content")
    return json.loads(text)["widgets"]


def data(page: Scripts) -> list[bytes]:
    found = []
    for attributes, text in page.scripts:
        if attributes.get("class") == "vw-data":
            raw, kind = base64.b64decode(text), attributes["data-kind"]
            raw = raw if kind == "plain" else gzip.decompress(raw)
            planes = int(kind.removeprefix("gzip") or 1) if kind != "plain" else 1
            found.append(np.frombuffer(raw, np.uint8).reshape(planes, -1).T.tobytes())
    return found


def test_modules_styles_and_buffers_stand_in_the_page_once() -> None:
    shared, own = bytes(range(256)) * 40, b"own"
    states = [
        state(frame={"a": {"data": shared}, "list": [{"data": own}]}),
        state(frame={"b": {"data": memoryview(shared)}}),
    ]
    text = page_html(states, title="t")
    page = Scripts(text)
    chunks = data(page)
    assert sorted(chunks, key=len) == [own, b"export default {}", shared]
    first, second = content(page)
    assert first["module"] == second["module"]
    places = {tuple(path): chunks[index] for path, index in first["buffers"]}
    assert places == {("frame", "a", "data"): shared, ("frame", "list", 0, "data"): own}
    assert chunks[second["buffers"][0][1]] == shared
    assert first["state"] == {"frame": {"a": {"data": None}, "list": [{"data": None}]}}
    assert text.count(".a{}") == 1


def test_a_part_of_what_the_page_has_is_not_sent_again() -> None:
    weights = np.random.default_rng(0).normal(size=9000).astype("<f4")
    states = [state(all={"data": weights.tobytes()}, part={"data": weights[6000:].tobytes()})]
    page = Scripts(page_html(states, title="t"))
    (number, start, length) = content(page)[0]["buffers"][1][1]
    assert data(page)[number][start : start + length] == weights[6000:].tobytes()
    assert sum(map(len, data(page))) == weights.nbytes + len("export default {}")
    assert [a["data-kind"] for a, _ in page.scripts if "data-kind" in a] == ["plain", "gzip4"]


def test_nothing_in_a_state_or_a_title_breaks_out() -> None:
    page = Scripts(page_html([state(frame={EVIL: EVIL})], title=EVIL))
    assert content(page)[0]["state"] == {"frame": {EVIL: EVIL}}
    assert page.title == EVIL
    assert len(page.scripts) == 3  # one module, the content, the host
    assert not any(text.startswith("alert") for _, text in page.scripts)


def test_numbers_that_json_has_not_become_null() -> None:
    page = Scripts(page_html([state(frame={"x": [float("nan"), float("inf"), 1.5]})], title="t"))
    assert content(page)[0]["state"]["frame"]["x"] == [None, None, 1.5]


def test_the_page_names_no_address_and_its_policy_allows_only_its_own_script() -> None:
    text = page_html([state()], title="t")
    page = Scripts(text)
    assert page.addresses == ["data:,"]
    assert not re.search(r"url\((?!['\"]?data:)", text)
    policy = re.search(r'Content-Security-Policy" content="([^"]+)"', text)
    assert policy is not None
    assert policy[1].startswith("default-src 'none'")
    host = next(text for attributes, text in page.scripts if attributes.get("type") == "module")
    digest = base64.b64encode(hashlib.sha256(host.encode()).digest()).decode()
    assert f"'sha256-{digest}'" in policy[1]
    assert "connect-src" not in policy[1]
    assert "http" not in policy[1]


def test_the_same_states_give_the_same_page() -> None:
    states = [state(frame={"data": b"x" * 1000})]
    assert page_html(states, title="t") == page_html(states, title="t")


@pytest.mark.parametrize(("states", "message"), [([], "got none"), ([{"frame": {}}], "_esm")])
def test_states_that_make_no_page_are_refused(states: list, message: str) -> None:
    with pytest.raises(OptionError, match=message):
        page_html(states, title="t")


def test_a_page_replaces_an_old_one_whole(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    target = tmp_path / "page.html"
    assert write_page(target, "one") == target
    write_page(str(target), "two ü")
    assert target.read_text("utf-8") == "two ü"
    assert target.stat().st_mode & 0o444

    def broken(*_: Any) -> None:
        raise OSError("disk full")

    monkeypatch.setattr(Path, "replace", broken)
    with pytest.raises(OSError, match="disk full"):
        write_page(target, "three")
    assert target.read_text("utf-8") == "two ü"
    assert [path.name for path in tmp_path.iterdir()] == ["page.html"]


def test_a_folder_that_is_missing_or_given_as_a_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(OptionError, match="no folder"):
        write_page(tmp_path / "none" / "page.html", "")
    with pytest.raises(OptionError, match="expected a file"):
        write_page(tmp_path, "")

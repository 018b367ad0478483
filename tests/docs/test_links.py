"""The check of a site's links finds what is broken, and only that."""

from __future__ import annotations

from pathlib import Path

from docs.links import faults


def test_links_that_lead_somewhere_are_no_faults(tmp_path: Path) -> None:
    (tmp_path / "in").mkdir()
    (tmp_path / "a b.html").write_text(
        '<h1 id="Ü">A</h1><img src="data:,"><a href="https://example.org">out</a>'
    )
    (tmp_path / "in" / "c.html").write_text(
        '<a href="../a%20b.html#%C3%9C">a</a><a href="#x" id="x">x</a><a href="#">top</a>'
    )
    assert faults(tmp_path) == []


def test_each_broken_link_is_told(tmp_path: Path) -> None:
    (tmp_path / "a.html").write_text(
        '<a href="gone.html">1</a><a href="#nowhere">2</a><img src="https://example.org/a.png">'
        '<link rel="stylesheet" href="//example.org/a.css"><script src="gone.js"></script>'
    )
    found = "\n".join(faults(tmp_path))
    assert len(found.splitlines()) == 5
    for said in ("gone.html leads nowhere", "gone.js leads nowhere", "no such place", "a.png", "a.css"):
        assert said in found

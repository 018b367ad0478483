"""Published against obtained: the table of an experiment, for a terminal, a notebook and a file."""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from html import escape
from typing import Any

from vaewidgets.experiments.base import Row

_VERDICTS = ("met", "missed", "told", "not run")


@dataclass(frozen=True)
class Report:
    """Published against obtained.

    In a notebook it shows itself as a table.

    Attributes
    ----------
    recipe, title, source, scale : str
    rows : list of Row
    remarks : list of str
        What differs from the recipe.
    seconds : float or None
        Training and figures, where they were timed.
    """

    recipe: str
    title: str
    source: str
    scale: str
    rows: list[Row]
    remarks: list[str]
    seconds: float | None = None

    @classmethod
    def of(cls, title: str, claims: Iterable[tuple[str, float | str, float | str, bool]]) -> Report:
        """Table of claims that are no experiment's.

        Parameters
        ----------
        title : str
        claims : iterable of tuples
            The claim, what is published of it, what was obtained, and whether it holds.
        """
        rows = [
            Row(what, published, obtained, None, "met" if holds else "missed")
            for what, published, obtained, holds in claims
        ]
        return cls("", title, "", "", rows, [])

    @property
    def ok(self) -> bool:
        """Whether no row was missed."""
        return all(row.verdict != "missed" for row in self.rows)

    def counts(self) -> str:
        """How many rows have which verdict: "12 met, 0 missed, 3 told"."""
        counts = {verdict: sum(row.verdict == verdict for row in self.rows) for verdict in _VERDICTS}
        return ", ".join(f"{n} {verdict}" for verdict, n in counts.items() if n or verdict != "not run")

    def verdicts(self) -> str:
        """One line a row, without a measured number: the same on every machine where the claims hold."""
        return "\n".join([*(f"{row.verdict}: {row.what}" for row in self.rows), self.counts()])

    def text(self) -> str:
        """The table for a terminal."""
        timed = "" if self.seconds is None else f"; {self.seconds:.0f} s"
        lines = [self.title]
        if self.recipe:
            lines = [f"{self.recipe}. {self.title} ({self.scale}{timed})", f"   {self.source}"]
        lines += [f"   {remark}" for remark in self.remarks]
        numbers = [row for row in self.rows if not isinstance(row.obtained, str)]
        if numbers:
            cells = [("", "published", "obtained", "off", "allowed", ""), *map(_cells, numbers)]
            widths = [max(len(row[i]) for row in cells) for i in range(5)]
            for what, *middle, verdict in cells:
                aligned = "  ".join(text.rjust(width) for text, width in zip(middle, widths[1:], strict=True))
                lines.append(f"{what.ljust(widths[0])}  {aligned}  {verdict}".rstrip())
        for row in self.rows:
            if isinstance(row.obtained, str):
                lines += _sentences(row)
        return "\n".join([*lines, self.counts()])

    def to_json(self) -> str:
        """The same as JSON; NaN becomes null."""
        content = asdict(self)
        for row in content["rows"]:
            for name in ("published", "obtained"):
                if isinstance(row[name], float) and not math.isfinite(row[name]):
                    row[name] = None
        return json.dumps({**content, "ok": self.ok}, indent=2)

    def __repr__(self) -> str:
        """Without a measured number."""
        return f"Report({f'{self.recipe}, {self.scale}' if self.recipe else self.title}: {self.counts()})"

    def _repr_pretty_(self, printer: Any, cycle: bool) -> None:
        """A notebook's plain text: verdicts, which nbval compares."""
        printer.text(repr(self) if cycle else self.verdicts())

    def _repr_html_(self) -> str:
        """The table for a notebook."""
        head = _line(("claim", "published", "obtained", "verdict"), "th")
        rows = "".join(
            _line(
                (
                    row.what,
                    _number(row.published),
                    _number(row.obtained),
                    row.verdict + (f" ({row.remark})" if row.remark else ""),
                )
            )
            for row in self.rows
        )
        name = f"Experiment {self.recipe} at {self.scale} scale" if self.recipe else self.title
        caption = escape(". ".join([name, *self.remarks]))
        # a table of words reads badly to the right, where notebooks put cells
        return (
            f'<table><caption>{caption}. {self.counts()}.</caption><thead style="text-align: left">{head}'
            f'</thead><tbody style="text-align: left">{rows}</tbody></table>'
        )


def _line(cells: Sequence[str], tag: str = "td") -> str:
    return "<tr>" + "".join(f'<{tag} style="text-align: left">{escape(c)}</{tag}>' for c in cells) + "</tr>"


def _cells(row: Row) -> tuple[str, str, str, str, str, str]:
    off = ""
    if (
        isinstance(row.published, float | int)
        and isinstance(row.obtained, float)
        and row.published
        and math.isfinite(row.obtained)
    ):
        off = f"{row.obtained / row.published - 1:+.1%}"
    allowed = "" if row.tolerance is None else "exact" if row.tolerance == 0 else f"{row.tolerance:.1%}"
    verdict = row.verdict + (f" ({row.remark})" if row.remark else "")
    return row.what, _number(row.published), _number(row.obtained), off, allowed, verdict


def _sentences(row: Row) -> list[str]:
    """A row whose values are words."""
    published = [] if row.published is None else [f"    published: {_number(row.published)}"]
    remark = [f"    {row.remark}"] if row.remark else []
    return [f"{row.verdict}: {row.what}", *published, f"    obtained:  {row.obtained}", *remark]


def _number(value: float | str | None) -> str:
    if value is None:
        return ""
    if isinstance(value, str):
        return value
    if not math.isfinite(value):
        return "not reached"
    if value == int(value) and abs(value) >= 1000:
        return f"{value:,.0f}"
    return f"{value:.2f}" if abs(value) >= 1 else f"{value:.4g}"

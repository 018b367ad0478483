"""The results of a sweep as a table: one row a cell, one column a setting or a measurement."""

from __future__ import annotations

import csv
import html
import io
import math
import os
from collections.abc import Iterable
from typing import Any, final

from vaewidgets.files import write_whole


@final
class Table(list[dict[str, Any]]):
    """Rows as dicts with the same keys in the same order; None where a cell has no such value.

    ``pandas.DataFrame(table)`` and ``polars.DataFrame(table)`` take it as it is.
    """

    def __init__(self, rows: Iterable[dict[str, Any]]) -> None:
        rows = list(rows)
        columns = dict.fromkeys(name for row in rows for name in row)
        super().__init__({name: row.get(name) for name in columns} for row in rows)

    @property
    def columns(self) -> tuple[str, ...]:
        """Their names."""
        return tuple(self[0]) if self else ()

    def column(self, name: str) -> list[Any]:
        """Values of one column, in the order of the rows."""
        return [row[name] for row in self]

    def to_csv(self, path: str | os.PathLike[str] | None = None) -> str:
        """Comma-separated values, floats in full; written to `path` where one is given, and returned."""
        text = io.StringIO()
        writer = csv.DictWriter(text, self.columns, lineterminator="\n")
        writer.writeheader()
        writer.writerows(self)
        if path is not None:
            with write_whole(path) as file:
                file.write(text.getvalue().encode())
        return text.getvalue()

    def __repr__(self) -> str:
        cells = [list(self.columns), *([_short(value) for value in row.values()] for row in self)]
        widths = [max(map(len, column)) for column in zip(*cells, strict=True)]
        lines = ("  ".join(text.rjust(w) for text, w in zip(line, widths, strict=True)) for line in cells)
        return "\n".join(line.rstrip() for line in lines)

    def _repr_html_(self) -> str:
        head = "".join(f"<th>{html.escape(name)}</th>" for name in self.columns)
        rows = "".join(
            "<tr>" + "".join(f"<td>{html.escape(_short(value))}</td>" for value in row.values()) + "</tr>"
            for row in self
        )
        return f"<table><thead><tr>{head}</tr></thead><tbody>{rows}</tbody></table>"


def _short(value: Any) -> str:
    if value is None or (isinstance(value, float) and math.isnan(value)):
        return ""
    if isinstance(value, float):
        return f"{value:.6g}"
    return str(value)

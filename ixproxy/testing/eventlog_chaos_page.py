"""What the page of `ixctl eventlog report` says was dropped, read as a person reads it."""

from __future__ import annotations

import os
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from html.parser import HTMLParser
from pathlib import Path

from ixproxy.errors import IxproxyError
from ixproxy.testing.eventlog_chaos_rows import Logged
from ixproxy.testing.servers import environment

SECONDS = 120
_DROPPED, _GAPS = "table-dropped", "table-gaps"

Span = tuple[str, int, int, int, int]
"""A gap: its node, epoch, first and last number, and how many."""


@dataclass(slots=True)
class Said:
    """
    What a page says.

    :ivar dropped: how many, by node and event.
    :ivar whole: of the feet of both tables: how many in all.
    """

    dropped: Counter[tuple[str, str]] = field(default_factory=Counter)
    gaps: list[Span] = field(default_factory=list)
    whole: list[int] = field(default_factory=list)


def make_page(address: str, file: Path) -> None:
    """
    Have `ixctl eventlog report` make a page.

    :raise IxproxyError: it makes none; the text says why.
    """
    words = ["eventlog", "report", address, "--output", str(file)]
    done = subprocess.run(
        [sys.executable, "-m", "ixproxy.cli.main", *words],
        env=environment(os.environ),
        capture_output=True,
        text=True,
        timeout=SECONDS,
        check=False,
    )
    if done.returncode:
        raise IxproxyError(f"ixctl {' '.join(words)}: {done.stderr or done.stdout}")


def read_page(text: str) -> Said:
    """What a page says of what was dropped."""
    reader = _Tables()
    reader.feed(text)
    said = Said()
    for node, event, many in _rows(reader, _DROPPED, said):
        said.dropped[node, event] += _number(many)
    for node, epoch, numbers, _, _, many in _rows(reader, _GAPS, said):
        first, _, last = numbers.partition("–")
        said.gaps.append((node, _number(epoch), _number(first), _number(last), _number(many)))
    return said


def _rows(reader: _Tables, table: str, said: Said) -> Iterator[list[str]]:
    """The rows of a table, but for those of its head and its foot."""
    rows = [row for row in reader.tables.get(table, []) if row][1:]
    if rows:
        said.whole.append(_number(rows.pop()[-1]))
    yield from rows


def _number(text: str) -> int:
    return int(text.replace(",", "").strip())


def told_wrongly(
    said: Said, witness: Logged, shaken: Logged, names: Mapping[int, str]
) -> list[str]:
    """
    In what a page is not right.

    :param names: of nodes as pages have them, by dbid.
    """
    missing = witness.rows.keys() - shaken.rows.keys()
    so = Counter((names[name[0]], witness.rows[name].event) for name in missing)
    wrong = [
        f"{node}, {event}: {said.dropped[node, event]}, it was {so[node, event]}"
        for node, event in sorted(so.keys() | said.dropped.keys())
        if said.dropped[node, event] != so[node, event]
    ]
    gaps = sorted(
        (names[gap.dbid], gap.epoch, gap.first, gap.last, gap.many) for gap in shaken.gaps
    )
    if sorted(said.gaps) != gaps:
        wrong.append(f"gaps {sorted(said.gaps)}, they were {gaps}")
    if set(said.whole) != ({so.total()} if so else set()):
        wrong.append(f"{said.whole} in all, it was {so.total()}")
    return wrong


class _Tables(HTMLParser):
    """Collects the texts of the cells of tables that have an id."""

    def __init__(self) -> None:
        super().__init__()
        self.tables: dict[str, list[list[str]]] = {}
        self._rows: list[list[str]] | None = None
        self._in_cell = False

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag == "table":
            self._rows = self.tables.setdefault(dict(attrs).get("id") or "", [])
        elif self._rows is not None and tag == "tr":
            self._rows.append([])
        elif self._rows is not None and tag in ("td", "th"):
            self._rows[-1].append("")
            self._in_cell = True

    def handle_endtag(self, tag: str) -> None:
        if tag == "table":
            self._rows = None
        elif tag in ("td", "th"):
            self._in_cell = False

    def handle_data(self, data: str) -> None:
        if self._in_cell and self._rows:
            self._rows[-1][-1] += data

"""What the page of `ixctl eventlog report` says was dropped, read as a person reads it."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from html import unescape
from pathlib import Path

from ixproxy.errors import IxproxyError
from ixproxy.testing.eventlog_chaos_rows import Logged
from ixproxy.testing.servers import environment

SECONDS = 120
_DROPPED, _GAPS = "table-dropped", "table-gaps"
_ROW = re.compile(r"<tr\b[^>]*>(.*?)</tr>", re.DOTALL)
_CELL = re.compile(r"<t[hd]\b[^>]*>(.*?)</t[hd]>", re.DOTALL)
_MARKUP = re.compile(r"<[^>]*>")

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
    said = Said()
    for node, event, many in _rows(text, _DROPPED, said):
        said.dropped[node, event] += _number(many)
    for node, epoch, numbers, _, _, many in _rows(text, _GAPS, said):
        first, _, last = numbers.partition("–")
        said.gaps.append((node, _number(epoch), _number(first), _number(last), _number(many)))
    return said


def _rows(text: str, table: str, said: Said) -> Iterator[list[str]]:
    """The cells of a table, row by row, but for those of its head and its foot."""
    found = re.search(rf'<table\b[^>]*\bid="{table}"[^>]*>(.*?)</table>', text, re.DOTALL)
    rows = [
        [unescape(_MARKUP.sub("", cell)) for cell in _CELL.findall(row)]
        for row in _ROW.findall(found[1] if found else "")
    ][1:]
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

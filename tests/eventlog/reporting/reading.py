"""Parts of a page, read as XML."""

from __future__ import annotations

from pathlib import Path
from xml.etree.ElementTree import Element, fromstring

from twisted.web.template import Tag

from ixproxy.eventlog.reporting.figures import Figures
from ixproxy.eventlog.reporting.page import rendered
from tests.eventlog.reporting.filling import LogFile
from tests.eventlog.reporting.gathering import figures_of


def read(part: Tag) -> Element:
    """A part as the tree that it is."""
    return fromstring(rendered(part))


def words(part: Element | Tag) -> str:
    """All that it says."""
    return " ".join("".join((read(part) if isinstance(part, Tag) else part).itertext()).split())


def cells(part: Tag, table: str) -> list[list[str]]:
    """The rows of a table, without its head."""
    (found,) = [each for each in read(part).iter("table") if each.get("id") == table]
    rows = [*found.findall("tbody/tr"), *found.findall("tfoot/tr")]
    return [["".join(cell.itertext()) for cell in row] for row in rows]


def empty_figures(folder: Path) -> Figures:
    """Those of a log in which nothing happened."""

    def nothing(log: LogFile) -> None:
        pass

    return figures_of(folder, nothing)

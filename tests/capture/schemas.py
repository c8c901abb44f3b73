"""The schemas that doc/ has for what capture points read and write."""

from __future__ import annotations

from functools import cache
from pathlib import Path

from lxml import etree

DOC = Path(__file__).parent.parent.parent / "doc"


@cache
def schema(direction: str) -> etree.XMLSchema:
    """The schema of one direction: "inbound" or "outbound"."""
    return etree.XMLSchema(file=str(DOC / f"capture-{direction}.xsd"))


def faults(direction: str, document: bytes) -> list[str]:
    """What is wrong with a document by the schema of its direction."""
    checked = schema(direction)
    checked.validate(etree.fromstring(document))
    return str(checked.error_log).splitlines()

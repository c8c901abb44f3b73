"""The schemas that doc/ has for what capture points read and write."""

from __future__ import annotations

from functools import cache
from pathlib import Path

import xmlschema

DOC = Path(__file__).parent.parent.parent / "doc"


@cache
def schema(direction: str) -> xmlschema.XMLSchema:
    """The schema of one direction: "inbound" or "outbound"."""
    return xmlschema.XMLSchema(str(DOC / f"capture-{direction}.xsd"))


def faults(direction: str, document: bytes) -> list[str]:
    """What is wrong with a document by the schema of its direction."""
    found = schema(direction).iter_errors(document)
    return [str(each.reason) for each in found]

"""
The recorded mutants: each a patch of one line, headed by what it breaks.

The head of a patch has fields as a mail has them:

    Breaks: what a user would notice, and how a programmer gets there.
    Noticed-By: the rules that should be broken.
    Explained: why no run finds it; only in mutants that are not found.
"""

from __future__ import annotations

from dataclasses import dataclass
from email import message_from_string
from pathlib import Path

FOLDER = Path(__file__).parent


@dataclass(frozen=True, slots=True)
class Mutant:
    """
    One of them.

    :ivar path: of the file that it changes, from the root of the checkout.
    :ivar removed: the line that it takes out.
    :ivar added: the line that it puts there.
    :ivar breaks: what goes wrong.
    :ivar noticed_by: what should find it.
    :ivar explained: why nothing does; empty: something should.
    """

    name: str
    patch: Path
    path: str
    removed: str
    added: str
    breaks: str
    noticed_by: str
    explained: str = ""


def read_mutant(patch: Path) -> Mutant:
    """:raise ValueError: it does not change exactly one line of one file."""
    head = message_from_string(patch.read_text())
    diff = str(head.get_payload()).splitlines()
    files = [line.removeprefix("+++ b/").rstrip() for line in diff if line.startswith("+++ ")]
    hunks = [line for line in diff if line.startswith("@@ ")]
    removed = [line[1:] for line in diff if line.startswith("-") and not line.startswith("--- ")]
    added = [line[1:] for line in diff if line.startswith("+") and not line.startswith("+++ ")]
    if not len(files) == len(hunks) == len(removed) == len(added) == 1:
        raise ValueError(f"{patch.name} does not change exactly one line of one file")
    said = {name: " ".join(str(text).split()) for name, text in head.items()}
    return Mutant(
        patch.stem,
        patch,
        files[0],
        removed[0],
        added[0],
        said.get("Breaks", ""),
        said.get("Noticed-By", ""),
        said.get("Explained", ""),
    )


def all_mutants() -> list[Mutant]:
    """Every recorded mutant, by name."""
    return [read_mutant(patch) for patch in sorted(FOLDER.glob("*.patch"))]

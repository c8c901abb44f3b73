"""
The recorded mutants: each a patch of one line, headed by what it breaks.

The head of a patch has fields as a mail has them:

    Breaks: what a user would notice, and how a programmer gets there.
    Noticed-By: the rules that should be broken.
    Explained: why no run finds it; only in mutants that are not found.
"""

from __future__ import annotations

import os
import subprocess
from dataclasses import dataclass
from difflib import unified_diff
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


def does_not_apply(mutant: Mutant, tree: Path, *, apply: bool = False) -> str:
    """
    Why a patch does not fit a tree; empty: it does.

    :param apply: change the tree.
    """
    # Where the tree lies in a repository, git must not look at that.
    nowhere = {**os.environ, "GIT_CEILING_DIRECTORIES": str(tree.absolute().parent)}
    tried = subprocess.run(
        ["git", "apply", *([] if apply else ["--check"]), str(mutant.patch.absolute())],
        cwd=tree,
        env=nowhere,
        capture_output=True,
        text=True,
    )
    return tried.stderr.strip() if tried.returncode else ""


def renewed(mutant: Mutant, text: str) -> str | None:
    """
    The patch of a mutant for another version of its file; its head stays as it is.

    :param text: the file as it is now.
    :return: None: the line is not there any more, or several times.
    """
    if text.count(f"{mutant.removed}\n") != 1:
        return None
    changed = text.replace(f"{mutant.removed}\n", f"{mutant.added}\n")
    head, _, _ = mutant.patch.read_text().partition("--- a/")
    diff = unified_diff(
        text.splitlines(True),
        changed.splitlines(True),
        f"a/{mutant.path}",
        f"b/{mutant.path}",
    )
    return head + "".join(diff)

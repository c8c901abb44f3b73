"""The code blocks of README.md and doc/, so that tests can hold them to what they say."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

ENDPOINT = "tcp:127.0.0.1:7001"
"""Where the documents say that a proxy listens; a test puts its own there."""

MARK = re.compile(r"<!-- run: (alone|cluster|check-config) -->")
FENCE = re.compile(r"(```+)\s*(\S*)\s*")


@dataclass(frozen=True, slots=True)
class Block:
    """
    One fenced block.

    :ivar line: of its first line of code, counted from 1.
    :ivar language: what stands behind the fence.
    :ivar run: how a test runs it, as the HTML comment `<!-- run: … -->` on the
        line above the fence says: `alone`, `cluster` (a proxy listens on
        `ENDPOINT`) or `check-config`; empty: it is only parsed.
    """

    path: Path
    line: int
    language: str
    run: str
    text: str

    def __str__(self) -> str:
        return f"{self.path}:{self.line}"

    def commands(self) -> list[str]:
        """The lines of a console block that a person types."""
        lines = self.text.replace("\\\n", " ").splitlines()
        return [line.removeprefix("$ ") for line in lines if line.startswith("$ ")]


def blocks(path: Path, text: str) -> Iterator[Block]:
    """
    The fenced blocks of a document.

    :raise ValueError: a fence is not closed, or a mark stands above no fence.
    """
    lines = iter(enumerate(text.splitlines(), 1))
    run = ""
    for number, line in lines:
        if mark := MARK.fullmatch(line.strip()):
            run = mark[1]
        elif line.strip().startswith("<!-- run:"):
            raise ValueError(f"{path}:{number}: unknown mark {line.strip()}")
        elif fence := FENCE.fullmatch(line):
            code = []
            for _, inside in lines:
                if inside.strip() == fence[1]:
                    break
                code.append(inside + "\n")
            else:
                raise ValueError(f"{path}:{number}: this fence is not closed")
            yield Block(path, number + 1, fence[2], run, "".join(code))
            run = ""
        elif run:
            raise ValueError(f"{path}:{number}: the mark above stands above no fence")


def all_blocks(root: Path) -> list[Block]:
    """The blocks of README.md and of all that doc/ holds."""
    paths = [root / "README.md", *sorted((root / "doc").rglob("*.md"))]
    return [
        block
        for path in paths
        if "_build" not in path.parts
        for block in blocks(path.relative_to(root), path.read_text())
    ]


def dead_links(root: Path) -> Iterator[str]:
    """Relative links in the documents whose target is not there."""
    for path in [root / "README.md", *sorted((root / "doc").rglob("*.md"))]:
        if "_build" in path.parts:
            continue
        prose = re.sub(r"^```.*?^```", "", path.read_text(), flags=re.MULTILINE | re.DOTALL)
        for target in re.findall(r"\]\(([^)#\s]+)[^)]*\)", prose):
            if "://" not in target and not (path.parent / target).exists():
                yield f"{path.relative_to(root)}: {target} is not there"


def documented_cluster(root: Path) -> str:
    """The deployment file of the cluster that doc/operations.md starts with."""
    (text,) = [
        block.text
        for block in all_blocks(root)
        if block.run == "check-config" and block.path.name == "operations.md"
    ]
    return text

"""
Runs of a chaos command, one after the other: each in a folder of its own, that stays where
something was wrong.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import sys
import tempfile
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path
from typing import Any, Generic, NamedTuple, Protocol, TypeVar

from ixproxy.errors import IxproxyError

Tell = Callable[[str], object]
"""Told what happens, line by line."""


class Done(Protocol):
    """What came of a run."""

    @property
    def failed(self) -> bool:
        """Whether anything is wrong."""


D = TypeVar("D", bound=Done)


class Planned(NamedTuple, Generic[D]):
    """
    A run that is to be.

    :ivar name: for messages; `prefix`: of the name of its folder.
    :ivar run: has it, in that folder; may raise `IxproxyError`: there can be none here.
    :ivar unusable: why there can be none, where that is known already.
    """

    name: str
    prefix: str
    run: Callable[[Path, Tell], Awaitable[D]]
    unusable: str = ""


def add_options(parser: argparse.ArgumentParser) -> None:
    """What all such commands can be told."""
    parser.add_argument("--lease-limit", type=int, default=3, metavar="SECONDS")
    parser.add_argument(
        "--only", action="append", default=[], metavar="FAULT", help="only this fault, or these"
    )
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the report there, too")
    parser.add_argument("--keep", action="store_true", help="keep the folder in any case")


async def run_all(
    planned: Sequence[Planned[D]], record: Callable[[D], dict[str, Any]], args: argparse.Namespace
) -> None:
    """
    What is wrong with one does not hide the others.

    :param record: a run as JSON has it.
    :param args: what `add_options` reads.
    :raise SystemExit: something is wrong.
    """
    records, failed = [], False
    for each in planned:
        if each.unusable:
            say(f"{each.name}: cannot be had here: {each.unusable}")
            failed = True
            continue
        folder = Path(tempfile.mkdtemp(prefix=f"{each.prefix}-{os.getpid()}-"))
        try:
            done = await each.run(folder, say)
        except IxproxyError as problem:
            say(f"{each.name}: the run broke off: {problem}\nLogs: {folder}")
            failed = True
            continue
        records.append(record(done))
        failed |= done.failed
        if done.failed or args.keep:
            say(f"Logs and databases: {folder}")
        else:
            shutil.rmtree(folder)
    if args.json is not None:
        args.json.write_text(json.dumps(records, indent=1))
    if failed:
        raise SystemExit(1)


def say(line: str) -> None:
    """To the standard output, at once."""
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()

"""
Puts documents into the inbound directory of each node in turn, and prints the replies.

    python examples/capture/put_files.py examples/capture/parallel.toml --count 9

It makes the directories that are missing, and ends when each document is answered: so all
nodes of the file must run. While something is not answered it says, on standard error, which
node it waits for.
"""

from __future__ import annotations

import argparse
import os
import sys
import time
import xml.etree.ElementTree as ElementTree
from collections.abc import Iterator
from itertools import count
from pathlib import Path

from ixproxy.config import load
from ixproxy.errors import ConfigError

LOOK_SECONDS = 0.1
SILENT_SECONDS = 3.0
DIRECTORIES = ("inbound", "processed", "error", "notification")


class Directories:
    """Those of one node's file capture point."""

    def __init__(self, node: str, settings: dict[str, object]) -> None:
        self.node = node
        self._paths = {name: Path(str(settings[f"{name}-path"])) for name in DIRECTORIES}
        for path in self._paths.values():
            path.mkdir(parents=True, exist_ok=True)
        told = (path.stem for path in self._paths["notification"].glob("*.xml"))
        self._next = 1 + max((int(name) for name in told if name.isdecimal()), default=0)

    def put(self, name: str) -> None:
        """Put one document there: by a rename, so that nobody sees half of it."""
        hidden = self._paths["inbound"] / f".{name}"
        hidden.write_text(
            f'<interaction operation="submit" ExternalId="{name}">'
            f"<properties><Node>{self.node}</Node></properties></interaction>\n"
        )
        hidden.rename(self._paths["inbound"] / f"{name}.xml")

    def replies(self) -> Iterator[tuple[str, str]]:
        """What was told since the last look: external id, and what was said."""
        while (path := self._paths["notification"] / f"{self._next}.xml").exists():
            self._next += 1
            told = ElementTree.parse(path).getroot().attrib
            said = told["operation"], told.get("InteractionId") or told.get("description", "")
            yield told.get("ExternalId", ""), " ".join(said)

    def lies(self, name: str) -> bool:
        """Whether nobody has taken a document out of the inbound directory yet."""
        return (self._paths["inbound"] / f"{name}.xml").exists()

    def refused(self, name: str) -> str:
        """Why a document is in the error directory; empty: it is not."""
        reason = self._paths["error"] / f"{name}.xml.reason.txt"
        return reason.read_text().strip() if reason.exists() else ""


def waited_for(given: dict[str, Directories]) -> str:
    """Whose answers are missing, and whether the node has taken the documents at all."""
    parts = []
    for place in dict.fromkeys(given.values()):
        names = [name for name, its in given.items() if its is place]
        text = f"{place.node} ({len(names)} not answered"
        if lying := sum(map(place.lies, names)):
            text += f", {lying} of them not taken: does {place.node} run?"
        parts.append(f"{text})")
    return ", ".join(parts)


def run(places: list[Directories], names: list[str], seconds: float) -> None:
    """Put the documents, and print what is said of each."""
    given = {name: places[number % len(places)] for number, name in enumerate(names)}
    for name, place in given.items():
        place.put(name)
    begun = heard = time.monotonic()
    said_last = ""
    while given and time.monotonic() < begun + seconds:
        before = len(given)
        for place in places:
            for name, said in place.replies():
                if given.pop(name, None) is not None:
                    print(f"{name} at {place.node}: {said}", flush=True)
        for name, place in list(given.items()):
            if why := place.refused(name):
                print(f"{name} at {place.node}: refused: {why}", flush=True)
                del given[name]
        if len(given) < before:
            heard = time.monotonic()
        elif time.monotonic() - heard > SILENT_SECONDS and (whom := waited_for(given)) != said_last:
            print(f"waiting for {whom}", file=sys.stderr, flush=True)
            said_last = whom
        time.sleep(LOOK_SECONDS)  # noqa: TID251 - there is no reactor here
    if given:
        raise SystemExit(
            f"{len(given)} were not answered within {seconds:g} s, by {waited_for(given)}: "
            f"{', '.join(given)}"
        )


def main() -> None:
    """Run it."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("file", type=Path, help="a deployment file")
    parser.add_argument("--count", type=int, default=9, help="documents (%(default)s)")
    parser.add_argument("--seconds", type=float, default=60, help="to wait (%(default)s)")
    args = parser.parse_args()
    try:
        places = [
            Directories(node.name, dict(point.chosen.settings))
            for node in load(args.file).nodes()
            for point in node.capture
            if point.chosen.use == "file"
        ]
    except (ConfigError, OSError) as problem:
        raise SystemExit(f"{Path(__file__).name}: {problem}") from None
    if not places:
        raise SystemExit(f"{Path(__file__).name}: {args.file} has no file capture points")
    numbers = count(time.time_ns())
    names = [f"claim-{next(numbers)}-{os.getpid()}" for _ in range(args.count)]
    run(places, names, args.seconds)


if __name__ == "__main__":
    main()

"""
The demo's interactions that come as files, and what their source is told of them in files.

Theory of operation: each node watches a directory of its own, into which a file is
renamed when all of it is there. The node replies in a further directory with what it made of it,
and tells there of each that was stopped. Both are numbered files, which are read
in their order as they come. A file is handed in when its reply is there, and is refused
when it lies in the error directory.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from typing import Any
from xml.sax.saxutils import escape, quoteattr

from twisted.internet.defer import Deferred, TimeoutError
from twisted.internet.task import LoopingCall

from ixproxy.capture.refusing import DocumentRefused
from ixproxy.capture.xml_parsing import Element, parse
from ixproxy.cli.demo_deployment import NODES, Plan
from ixproxy.cli.demo_input import EXTERNAL_ID, Work
from ixproxy.cli.demo_ways import FILE_KEY, file_of

LOOK = 0.05
"""Seconds between two looks for what is told."""

REPLY_SECONDS = 60.0
TOLD_SECONDS = 15.0
"""How long to wait for a reply, and at the end for what else is to be told."""

PLACES = ("inbound", "processed", "error")
"""Where a file may lie."""

_LINES = {"\r": "&#13;", "\n": "&#10;", "\t": "&#9;"}


class NoReply(Exception):
    """A file was refused, or nothing was told of it; the text says why."""


def document(work: Work) -> bytes:
    """The file that hands one in."""
    lines = ['<?xml version="1.0" encoding="UTF-8"?>']
    external = work.user_data.get(EXTERNAL_ID, "")
    named = f" ExternalId={quoteattr(external, _LINES)}" if external else ""
    lines.append(f'<interaction operation="submit"{named}>')
    lines.append("  <properties>")
    for name, value in (("MediaType", work.media_type), ("Queue", work.queue)):
        lines.append(f"    <{name}>{escape(value)}</{name}>")
    for key, value in work.user_data.items():
        if key != EXTERNAL_ID:
            text = escape(value, {"\r": "&#13;"})
            lines.append(f"    <property name={quoteattr(key, _LINES)}>{text}</property>")
    lines += ["  </properties>", "</interaction>", ""]
    return "\n".join(lines).encode()


class Folder:
    """The directories of one node's file capture point, as its source uses them."""

    def __init__(self, plan: Plan, node: str) -> None:
        self._paths = plan.folders(node)
        self._hidden = plan.files(node) / "not-yet-there.xml"
        self._next = 1

    def put(self, name: str, content: bytes) -> None:
        """:raise OSError: it cannot be written."""
        self._hidden.write_bytes(content)
        self._hidden.rename(self._paths["inbound"] / name)

    def told(self) -> Iterable[Element]:
        """
        What was told since the last look.

        :raise DocumentRefused: the node wrote something that is no XML.
        """
        while (path := self._paths["notification"] / f"{self._next}.xml").exists():
            self._next += 1
            yield parse(path.read_bytes())

    def names(self, directory: str) -> list[str]:
        """The files of one of the directories."""
        return sorted(path.name for path in self._paths[directory].iterdir())

    def refused(self, names: Iterable[str]) -> list[tuple[str, str]]:
        """Which of some files were refused, and why."""
        reasons = {f"{name}.reason.txt": name for name in names}
        found = reasons.keys() & set(self.names("error"))
        return [
            (reasons[each], (self._paths["error"] / each).read_text("utf-8").strip())
            for each in sorted(found)
        ]


class Files:
    """
    All files of the demo.

    :ivar handed_in: how many files were written, by node.
    :ivar replies: file to how many replies there were.
    :ivar ends: interaction id to how often it was told that somebody stopped it.
    :ivar lying: at the end, how many files lie where: `inbound`, `processed`, `error`.
    :ivar strange: what was told that nobody expected.
    """

    def __init__(self, reactor: Any, plan: Plan) -> None:
        self._reactor = reactor
        self._folders = {node: Folder(plan, node) for node in NODES}
        self._waiting: dict[str, Deferred[str]] = {}
        self._looking = LoopingCall(self._look)
        self._looking.clock = reactor
        self._wanted: set[str] = set()
        self._complete: Deferred[None] | None = None
        self.handed_in: Counter[str] = Counter()
        self.ids: dict[str, str] = {}
        self.replies: Counter[str] = Counter()
        self.ends: Counter[str] = Counter()
        self.lying: Counter[str] = Counter()
        self.strange: Counter[str] = Counter()

    def begin(self) -> None:
        """Look for what is told, from now on."""
        self._looking.start(LOOK, now=False)

    def end(self) -> None:
        """Look once more, and no longer; and at what lies where."""
        if self._looking.running:
            self._looking.stop()
            self._look()
        for folder in self._folders.values():
            for directory in PLACES:
                self.lying[directory] += len(folder.names(directory))

    async def hand_in(self, work: Work) -> str:
        """
        Write a file, to each node in turn, and wait for the reply.

        :return: the id that the interaction got.
        :raise NoReply: it was refused, or there is none.
        """
        name = file_of(work)
        node = NODES[self.handed_in.total() % len(NODES)]
        waiting = self._waiting[name] = Deferred()
        self.handed_in[node] += 1
        folder = self._folders[node]
        try:
            folder.put(name, document(work))
            return await waiting.addTimeout(REPLY_SECONDS, self._reactor)
        except OSError as problem:
            raise NoReply(f"{name} cannot be written: {problem.strerror}") from problem
        except TimeoutError:
            raise NoReply(f"{name}: no reply within {REPLY_SECONDS:.0f} s") from None
        finally:
            self._waiting.pop(name, None)

    async def told_all(self) -> None:
        """Wait until the stop of each was told, but not for ever."""
        self._wanted = set(self.ids.values())
        if self._has_all():
            return
        self._complete = Deferred()
        try:
            await self._complete.addTimeout(TOLD_SECONDS, self._reactor)
        except TimeoutError:
            self._complete = None

    @property
    def told_once(self) -> int:
        """Interactions of which everything was told, and nothing twice."""
        return sum(
            self.replies[name] == 1 and self.ends[identifier] == 1
            for name, identifier in self.ids.items()
        )

    @property
    def wrong(self) -> dict[str, int]:
        """How often what was not as it should be."""
        count = self.handed_in.total()
        known = set(self.ids.values())
        lying = self.lying
        return {
            "files not told of once": count - self.told_once,
            "files in a wrong place": abs(count - lying["processed"])
            + lying["inbound"]
            + lying["error"],
            "told of strangers": self.strange.total()
            + sum(number for name, number in self.ends.items() if name not in known),
        }

    def record(self) -> dict[str, object]:
        """For scripts."""
        return {
            "per_node": dict(self.handed_in),
            "replies": self.replies.total(),
            "ends_told": self.ends.total(),
            "told_once": self.told_once,
            "strange": dict(self.strange),
            "lying": {name: self.lying[name] for name in PLACES},
        }

    def _look(self) -> None:
        for folder in self._folders.values():
            try:
                for told in folder.told():
                    self._told(told)
                for name, why in folder.refused(self._waiting):
                    self._waiting.pop(name).errback(NoReply(f"{name}: {why}"))
            except (OSError, DocumentRefused) as problem:
                self.strange[str(problem)] += 1
        if self._complete is not None and self._has_all():
            complete, self._complete = self._complete, None
            complete.callback(None)

    def _told(self, told: Element) -> None:
        said = told.attributes.get("operation", "")
        identifier = told.attributes.get("InteractionId", "")
        name = _file_named(told)
        if said == "submitted":
            self.replies[name] += 1
            self.ids[name] = identifier
            if name in self._waiting:
                self._waiting.pop(name).callback(identifier)
        elif said == "stopped":
            self.ends[identifier] += 1
        elif said != "error":
            # Of what is refused the error directory tells.
            self.strange[f"{said} {identifier}"] += 1

    def _has_all(self) -> bool:
        return self._wanted <= self.ends.keys()


def _file_named(told: Element) -> str:
    """The file that the interaction came in, of a reply."""
    for part in told:
        if part.name == "properties":
            for each in part:
                if each.attributes.get("name", each.name) == FILE_KEY:
                    return each.text
    return ""

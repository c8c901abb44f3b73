"""The outside of a capture point in a capture chaos run: what every kind of it can do."""

from __future__ import annotations

from collections import Counter
from collections.abc import Awaitable, Callable, Mapping, Sequence
from pathlib import Path
from random import Random
from typing import Any

from twisted.internet.task import deferLater
from twisted.internet.threads import deferToThreadPool

from ixproxy.testing.capture_chaos_words import Given, Sort, Told

AGAIN_SECONDS = 0.2
"""After so long a source gives again what was not acknowledged to it."""

Fault = Callable[[float], Awaitable[None]]
"""Something goes wrong outside for so many seconds; it is whole again when this is done."""


class Source:
    """
    One kind's outside.

    :param folder: where its files may be; there is none yet.
    :cvar sorts: what can be given.
    :cvar replies: whether operations are answered.
    :cvar told_of_bad: whether it hears of documents of which nothing can be done.
    :cvar notified: whether it is told what others do.
    :cvar ordered: whether it keeps in which order it was told.
    """

    sorts: Sequence[Sort] = tuple(Sort)
    replies = True
    told_of_bad = False
    notified = True
    ordered = False

    def __init__(self, reactor: Any, folder: Path, random: Random) -> None:
        self.reactor = reactor
        self.folder = folder
        self.random = random

    async def start(self) -> None:
        """Be there."""
        self.folder.mkdir(parents=True)

    async def stop(self) -> None:
        """Go, whatever state it is in, and leave nothing behind but files in the folder."""

    def settings(self) -> Mapping[str, object]:
        """What the deployment file says of the capture point, beside its name."""
        raise NotImplementedError

    async def give(self, documents: Sequence[Given]) -> None:
        """Give them all, each again and again until it is acknowledged."""
        raise NotImplementedError

    def faults(self) -> Mapping[str, tuple[Fault, float, float]]:
        """What can go wrong with it: by name, how, and for how many seconds."""
        return {}

    async def left(self) -> int:
        """How many documents were given, and are not known to have been taken."""
        raise NotImplementedError

    async def errors(self) -> Mapping[str, Sequence[str]]:
        """What is in the error place: reasons by the documents' names."""
        raise NotImplementedError

    async def told(self) -> Sequence[Told]:
        """All that it was told."""
        raise NotImplementedError

    async def documents(self) -> Counter[str]:
        """What the source holds twice, and how often: documents of their own, with one name."""
        return Counter()

    async def copies(self) -> Counter[str] | None:
        """How often each document is among those that are done; None: they are not kept."""
        return None

    async def pause(self, seconds: float = AGAIN_SECONDS) -> None:
        """Let others go on."""
        await deferLater(self.reactor, seconds)

    async def apart(self, work: Callable[..., Any], *arguments: Any) -> Any:
        """Do what blocks, in a thread."""
        pool = self.reactor.getThreadPool()
        return await deferToThreadPool(self.reactor, pool, work, *arguments)

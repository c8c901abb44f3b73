"""
By which way each of the demo's interactions comes in.

Theory of operation: a feed names one way or three of them in turn. What a file cannot
say, such as a character that XML does not have, is left to media servers, whose
protocol can. An interaction that comes as a file gets one key more, the file's name:
a source finds by it which of its files a reply is about.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace
from enum import Enum
from importlib.util import find_spec

from ixproxy.capture.field_names import FIELD
from ixproxy.cli.demo_input import EXTERNAL_ID, Source, Work
from ixproxy.cli.outcomes import UsageError
from ixproxy.messages.message import MAX_NAME


class Way(Enum):
    """How an interaction is handed in, as a person reads it."""

    SERVERS = "media servers, through both proxies"
    FILES = "files, in a directory of each node"
    CALLS = "calls to the web service of each node"


FEEDS: dict[str, tuple[Way, ...]] = {
    "direct": (Way.SERVERS,),
    "file": (Way.FILES,),
    "webservice": (Way.CALLS,),
    "both": (Way.SERVERS, Way.FILES, Way.CALLS),
}
"""The values of `--feed`, and the ways that take turns."""

FILE_KEY = "Handed in as file"
"""The key of the user data that names the file that an interaction came in."""

MOST_LETTERS = 100_000
MOST_KEYS = 500
"""A document of a capture point holds more than this; how much depends on its signs."""

_NOT_IN_XML = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def ways_of(feed: str) -> tuple[Way, ...]:
    """
    The ways of a feed.

    :raise UsageError: one of them needs what is not installed.
    """
    ways = FEEDS[feed]
    if Way.CALLS in ways and find_spec("lxml") is None:
        raise UsageError(
            f"--feed {feed}: the web service needs lxml, which is not there; install "
            "ixproxy[capture], or use --feed file"
        )
    return ways


def way_of(work: Work, ways: tuple[Way, ...]) -> Way:
    """By which of the ways one comes; media servers hand in what no document can say."""
    way = ways[work.number % len(ways)]
    return way if way is Way.SERVERS or sayable(work) else Way.SERVERS


def sayable(work: Work) -> bool:
    """Whether a document can say all of it."""
    user_data = {key: value for key, value in work.user_data.items() if key != FILE_KEY}
    texts = [work.media_type, work.queue, *user_data, *user_data.values()]
    return (
        len(user_data) <= MOST_KEYS
        and sum(map(len, texts)) <= MOST_LETTERS
        and all(len(key) <= MAX_NAME for key in user_data)
        and not any(_NOT_IN_XML.search(text) for text in texts)
        # What is the field's in a document is the client's own in a protocol's user data.
        and not FIELD.keys() & user_data.keys() - {EXTERNAL_ID}
    )


def file_of(work: Work) -> str:
    """What the file is called that one comes in."""
    return f"{work.number}.xml"


class Fed:
    """A source whose interactions are as the ways make them: those of files have a key more."""

    def __init__(self, source: Source, ways: tuple[Way, ...]) -> None:
        self.title = source.title
        self._source = source
        self._ways = ways

    def __iter__(self) -> Iterator[Work]:
        """All of them, in order."""
        for work in self._source:
            if way_of(work, self._ways) is Way.FILES:
                yield replace(work, user_data={**work.user_data, FILE_KEY: file_of(work)})
            else:
                yield work

"""By which way each interaction of the demo comes in."""

from __future__ import annotations

import importlib.util
from collections.abc import Iterator
from dataclasses import replace

import pytest

from ixproxy.cli import demo_ways
from ixproxy.cli.demo_input import MadeUp, Work
from ixproxy.cli.demo_ways import FEEDS, FILE_KEY, Fed, Way, file_of, sayable, way_of, ways_of
from ixproxy.cli.outcomes import UsageError

BOTH = FEEDS["both"]
WORK = Work(1, "email", "Q1", {"Subject": "Hello\r\n\tthere", "ExternalId": "a"})


class Full:
    """A source of one."""

    title = "full"

    def __init__(self, work: Work) -> None:
        self._work = work

    def __iter__(self) -> Iterator[Work]:
        yield self._work


def test_ways_take_turns() -> None:
    ways = [way_of(replace(WORK, number=number), BOTH) for number in range(4)]
    assert ways == [Way.SERVERS, Way.FILES, Way.CALLS, Way.SERVERS]
    assert way_of(WORK, FEEDS["direct"]) is Way.SERVERS
    assert way_of(WORK, FEEDS["webservice"]) is Way.CALLS


@pytest.mark.parametrize(
    "user_data",
    [
        {"Subject": "a bell: \a"},
        {"Sub\0ject": "a"},
        {"Subject": "half of a sign: \ud83d"},
        {"Hold": "1"},
        {"Workbin": "Drafts"},
        {"Subject": "x" * 100_001},
        {"k" * 256: "a long key"},
        {f"key {number}": "" for number in range(501)},
    ],
)
def test_what_a_document_cannot_say_is_left_to_media_servers(user_data: dict[str, str]) -> None:
    work = replace(WORK, user_data=user_data)
    assert not sayable(work)
    assert [way_of(work, ways) for ways in FEEDS.values()] == [Way.SERVERS] * 4
    assert sayable(WORK)
    assert not sayable(replace(WORK, queue="Q\b"))


def test_what_comes_as_a_file_has_its_name_and_stays_a_file() -> None:
    fed = list(Fed(MadeUp(9), BOTH))
    marked = [work.user_data.get(FILE_KEY) for work in fed]
    assert marked == [None, "1.xml", None, None, "4.xml", None, None, "7.xml", None]
    assert Fed(MadeUp(9), BOTH).title == MadeUp(9).title
    assert [way_of(work, BOTH) for work in fed] == list(BOTH) * 3
    full = Work(1, "email", "Q1", {f"key {number}": "" for number in range(500)})
    (fullest,) = Fed(Full(full), BOTH)
    assert fullest.user_data[FILE_KEY] == file_of(full)
    assert way_of(fullest, BOTH) is Way.FILES


def test_a_feed_that_needs_what_is_not_installed_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    assert ways_of("both") == BOTH
    monkeypatch.setattr(demo_ways, "find_spec", lambda name: None)
    assert ways_of("file") == (Way.FILES,)
    for feed in ("webservice", "both"):
        with pytest.raises(UsageError, match=rf"--feed {feed}: .* install ixproxy\[capture\]"):
            ways_of(feed)
    assert importlib.util.find_spec("lxml"), "the checks have it"

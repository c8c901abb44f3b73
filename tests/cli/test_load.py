"""`ixctl load`."""

from __future__ import annotations

from collections import deque
from pathlib import Path

import pytest

from ixproxy.errors import Code
from ixproxy.messages import (
    EventAck,
    EventError,
    EventPulledInteractions,
    EventServerStatus,
    NodeStatus,
    QueueStatus,
    RequestPull,
    RequestServerStatus,
    RequestStopProcessing,
    RequestSubmit,
)
from tests.cli.worlds import CommandWorld

ALL = ("--media-type", "email", "--queue", "Q1", "--view", "Q1/All")


@pytest.fixture
def queue(world: CommandWorld) -> deque[str]:
    """A queue on the server; what is stopped is gone from `stopped`."""
    waiting: deque[str] = deque()
    made = iter(range(100_000))

    def submit(request: RequestSubmit) -> EventAck:
        waiting.append(f"id-{next(made)}")
        return EventAck(interaction_id=waiting[-1])

    def pull(request: RequestPull) -> EventPulledInteractions:
        if not waiting:
            return EventPulledInteractions()
        identifier = waiting.popleft()
        return EventPulledInteractions(interactions={identifier: {}}, take_numbers={identifier: 1})

    world.reply(RequestSubmit, submit)
    world.reply(RequestPull, pull)
    world.reply(RequestStopProcessing, EventAck())
    return waiting


def test_it_ends_after_so_many_requests(world: CommandWorld, queue: deque[str]) -> None:
    ran = world.ixctl("load", *ALL, "--count", "300", "--clients", "2", "--depth", "3", "--json")
    assert ran.code == 0
    *kinds, summary = ran.records
    assert summary["requests"] == 300 == sum(each["count"] for each in kinds)
    assert summary["errors"] == {}
    assert {each["request"] for each in kinds} == {"submit", "pull", "stop"}
    assert kinds[0]["milliseconds"]["max"] >= kinds[0]["milliseconds"]["p50"] > 0
    assert len(world.server.registered) == 5, "two clients of two types, and one that watches"
    assert world.goodbyes == 5


def test_it_ends_after_so_many_seconds(world: CommandWorld, queue: deque[str]) -> None:
    ran = world.ixctl("load", *ALL, "--seconds", "0.5", "--json")
    assert 0.5 <= ran.records[-1]["seconds"] < 1.0
    assert ran.records[-1]["requests"] > 100


def test_the_same_seed_sends_the_same(world: CommandWorld, queue: deque[str]) -> None:
    world.ixctl("load", *ALL, "--count", "50", "--clients", "1", "--mix", "2:1:0")
    first = [type(each) for each in world.asked]
    queue.clear()
    world.ixctl("load", *ALL, "--count", "50", "--clients", "1", "--mix", "2:1:0")
    again = [type(each) for each in world.asked][len(first) :]
    assert sorted(map(str, first)) == sorted(map(str, again))
    assert RequestStopProcessing not in first


def test_errors_are_counted_by_code(world: CommandWorld, queue: deque[str]) -> None:
    world.reply(RequestPull, EventError(error_code=Code.UNKNOWN_VIEW))
    ran = world.ixctl("load", *ALL, "--count", "40")
    assert ran.code == 1
    assert f"× {Code.UNKNOWN_VIEW}: Unknown view" in ran.stdout


def test_empty_pulls_are_counted(world: CommandWorld, queue: deque[str]) -> None:
    ran = world.ixctl("load", "--view", "Q1/All", "--mix", "0:1:0", "--count", "10")
    assert "10 pulls were empty" in ran.stdout


@pytest.mark.parametrize(
    "argv",
    [
        (),
        ("--queue", "Q1", "--media-type", "email"),
        ("--mix", "show=1"),
        ("--mix", "content=1"),
        ("--mix", "content=1", "--workbin", "Drafts"),
        ("--mix", "fetch=1", "--workbin", "Drafts", "--of-agent", "x"),
        (*ALL, "--arrivals", "even"),
        (*ALL, "--rate", "5", "--depth", "2"),
        (*ALL, "--columns", "media=A,queue=B"),
        (*ALL, "--input", "nowhere.csv"),
    ],
)
def test_what_makes_no_sense_together_is_a_usage_error(
    world: CommandWorld, argv: tuple[str, ...]
) -> None:
    ran = world.ixctl("load", *argv)
    assert ran.code == 2
    assert ran.stderr.startswith("ixctl: ")


def status_of(world: CommandWorld, waiting: deque[str]) -> None:
    """Have the server say how much waits in its queue."""

    def status(_: RequestServerStatus) -> EventServerStatus:
        queue = QueueStatus(tenant_id=1, queue="Q1", waiting=len(waiting))
        return EventServerStatus(node_status=NodeStatus(queues=[queue]))

    world.reply(RequestServerStatus, status)


def test_the_books_are_compared_with_what_waits_in_the_queues(
    world: CommandWorld, queue: deque[str]
) -> None:
    status_of(world, queue)
    ran = world.ixctl("load", *ALL, "--count", "100", "--mix", "submit=1", "--json")
    assert ran.code == 0
    ledger = ran.records[-1]["ledger"]
    assert (ledger["right"], ledger["submitted"]) == (True, 100)
    assert ledger["waiting"] == {"before": 0, "after": 100, "expected_more": [100, 100]}
    queue.clear()
    world.reply(RequestSubmit, EventAck(interaction_id="never kept"))
    ran = world.ixctl("load", *ALL, "--count", "10", "--mix", "submit=1")
    assert ran.code == 1
    assert "where +10 would be right" in ran.stdout


def test_an_open_loop_measures_what_it_was_asked_for(
    world: CommandWorld, queue: deque[str]
) -> None:
    ran = world.ixctl(
        "load", *ALL, "--rate", "100", "--arrivals", "even", "--seconds", "2", "--warm-up", "1",
        "--json",
    )  # fmt: skip
    summary = ran.records[-1]
    assert summary["requests"] == pytest.approx(200, abs=2)
    assert summary["not_measured"] == pytest.approx(100, abs=2)
    assert summary["missed"] == 0


def test_the_rows_of_a_file_are_handed_in(
    world: CommandWorld, queue: deque[str], tmp_path: Path
) -> None:
    path = tmp_path / "in.csv"
    path.write_text('Kind,To,Words\nchat,Q7,"é, \nü"\n')
    ran = world.ixctl(
        "load", "--input", str(path), "--columns", "media=Kind,queue=To", "--mix", "submit=1",
        "--count", "2",
    )  # fmt: skip
    assert ran.code == 0
    submits = [each for each in world.asked if isinstance(each, RequestSubmit)]
    assert [(each.media_type, each.queue) for each in submits] == [("chat", "Q7")] * 2
    assert submits[0].user_data == {"Kind": "chat", "To": "Q7", "Words": "é, \nü"}


def test_an_interrupt_ends_the_run_early_with_a_report(
    world: CommandWorld, queue: deque[str]
) -> None:
    running, stdout, _ = world.start(
        "load", "--connect", "tcp:s:1", *ALL, "--seconds", "1000", "--think", "1"
    )
    world.clock.run_until(lambda: len(world.asked) > 50, 60)
    assert not running.called
    codes: list[int] = []
    running.addCallback(codes.append)
    running.cancel()
    world.clock.run_until(lambda: bool(codes), 60)
    assert codes == [130]
    assert "requests in" in stdout.getvalue()
    assert world.goodbyes == 9

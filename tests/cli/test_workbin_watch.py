"""`ixctl workbin content --watch`."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest
from twisted.internet.defer import CancelledError

from ixproxy import messages as m
from ixproxy.errors import Code
from ixproxy.wire.codec import encode
from tests.cli.worlds import CommandWorld

DRAFTS = m.Workbin(workbin_type_id="Drafts", workbin_agent_id="kim")
LISTEN = m.RequestWorkbinNotifications(
    tenant_id=1,
    workbin=DRAFTS,
    notify_property_changes=1,
    extension={"event_processing_stopped": 1},
)
CONTENT = m.RequestGetWorkbinContent(tenant_id=1, workbin=DRAFTS)


def changed(operation: str, identifier: str = "i1") -> m.EventWorkbinContentChanged:
    return m.EventWorkbinContentChanged(
        tenant_id=1,
        interaction_id=identifier,
        workbin=DRAFTS,
        workbin_content_operation=operation,
        event_time=1_000_000_000.0,
    )


class Watched:
    """A watched workbin."""

    def __init__(self, world: CommandWorld) -> None:
        self.world = world
        self.stdout: Any = None
        self.running: Any = None
        world.reply(m.RequestWorkbinNotifications, m.EventAck())
        world.reply(m.RequestGetWorkbinContent, m.EventWorkbinContent(interactions={"i0": {}}))

    def start(self, *argv: str, json: bool = True) -> None:
        more = ("--json",) if json else ()
        self.running, self.stdout, _ = self.world.start(
            "workbin", "--connect", "tcp:s:1", "content", "Drafts", "--of-agent", "kim", "--watch",
            *argv, *more,
        )  # fmt: skip

    def tell(self, *events: m.EventWorkbinContentChanged) -> None:
        for event in events:
            self.world.server.last.write(encode(event))
        self.world.rest()

    @property
    def records(self) -> list[dict[str, Any]]:
        found = [json.loads(line) for line in self.stdout.getvalue().splitlines()]
        self.stdout.seek(0)
        self.stdout.truncate()
        return found


@pytest.fixture
def watch(world: CommandWorld) -> Iterator[Watched]:
    watched = Watched(world)
    yield watched
    if watched.running is not None:
        watched.running.addErrback(lambda failure: failure.trap(CancelledError))
        watched.running.cancel()
        world.rest()


def test_the_content_is_shown_and_then_what_changes(watch: Watched) -> None:
    watch.start()
    assert watch.world.asked == [LISTEN, CONTENT], "first it listens, so that nothing is missed"
    assert watch.records[0]["interaction_id"] == "i0"
    watch.tell(changed("PlacedIn"), changed("TakenOut"))
    told = watch.records
    assert [each["workbin_content_operation"] for each in told] == ["PlacedIn", "TakenOut"]
    assert told[0]["interaction_id"] == "i1"
    assert not watch.running.called


def test_it_ends_after_so_many_changes(watch: Watched) -> None:
    watch.start("--count", "2")
    watch.tell(*(changed("PropertiesChanged") for _ in range(3)))
    assert len(watch.records[2:]) == 2
    assert watch.running.result == 0


def test_persons_read_lines(watch: Watched) -> None:
    watch.start("--count", "1", json=False)
    watch.tell(changed("ProcessingStopped"))
    last = watch.stdout.getvalue().splitlines()[-1]
    assert "EventWorkbinContentChanged" in last
    assert "workbin_content_operation=ProcessingStopped" in last


def test_after_a_lost_connection_it_listens_and_lists_again(watch: Watched) -> None:
    watch.start()
    watch.world.network.lose("c")
    watch.world.clock.run(30.0)
    watch.world.rest()
    assert watch.world.asked == [LISTEN, CONTENT, LISTEN, CONTENT]
    assert [each.get("interaction_id") for each in watch.records].count("i0") == 2
    watch.tell(changed("PlacedIn", "i2"))
    assert watch.records[-1]["interaction_id"] == "i2"


def test_a_server_that_lets_nobody_listen_any_more_ends_it(watch: Watched) -> None:
    watch.start()
    watch.world.reply(m.RequestWorkbinNotifications, m.EventError(error_code=Code.UNKNOWN_WORKBIN))
    watch.world.network.lose("c")
    watch.world.clock.run(30.0)
    watch.world.rest()
    assert watch.running.result == 1


def test_a_refusal_is_exit_code_1(watch: Watched) -> None:
    watch.world.reply(m.RequestWorkbinNotifications, m.EventError(error_code=Code.UNKNOWN_OWNER))
    watch.start()
    assert watch.running.result == 1
    assert watch.records[-1]["error"] == Code.UNKNOWN_OWNER

"""`ixctl watch`: the reporting stream of one server."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from twisted.internet.defer import CancelledError

from ixproxy import messages as m
from ixproxy.cli.outcomes import Exit
from ixproxy.errors import Code
from ixproxy.messages.message import Event
from ixproxy.wire.codec import encode
from ixproxy.wire.streams import BEGIN, END, LOST, numbered
from tests.cli.worlds import CommandWorld

START = m.RequestStartPlaceAgentStateReportingAll
KIM = m.EventPlaceAgentState(
    tenant_id=1, agent_id="kim", place_id="p1", agent_session=(5, 101), media_list={"email": 1}
)


def login(number: int, previous: int = 0) -> Event:
    event = m.EventAgentLogin(tenant_id=1, agent_id="lee", event_time=1_000_000_000.0)
    return numbered(event, number, previous)


def begin(number: int = 0) -> Event:
    return numbered(m.EventActivityReport(activity=BEGIN, number_of_agents=1), number)


END_OF_STATE = m.EventActivityReport(activity=END)
STATE = (begin(), KIM, END_OF_STATE)


class Watched:
    """An `ixctl watch` under way."""

    def __init__(self, world: CommandWorld) -> None:
        self.world = world
        self.stdout: Any = None
        self.running: Any = None
        world.reply(START, m.EventAck())

    def start(self, *argv: str, json: bool = True) -> None:
        more = ("--json",) if json else ()
        self.running, self.stdout, _ = self.world.start(
            "watch", "--connect", "tcp:s:1", *argv, *more
        )

    def tell(self, *events: Event) -> None:
        for event in events:
            self.world.server.last.write(encode(event))
        self.world.rest()

    @property
    def lines(self) -> list[str]:
        lines: list[str] = self.stdout.getvalue().splitlines()
        self.stdout.seek(0)
        self.stdout.truncate()
        return lines

    @property
    def code(self) -> int:
        self.world.rest()
        assert isinstance(self.running.result, int)
        return self.running.result

    @property
    def asked(self) -> list[Any]:
        return [each for each in self.world.asked if isinstance(each, START)]


@pytest.fixture
def watch(world: CommandWorld) -> Iterator[Watched]:
    watched = Watched(world)
    yield watched
    if watched.running is not None:
        watched.running.addErrback(lambda failure: failure.trap(CancelledError))
        watched.running.cancel()
        world.rest()


def test_the_initial_state_is_shown_as_such_and_then_what_happens(watch: Watched) -> None:
    watch.start("--count", "2")
    assert watch.asked == [START()]
    assert watch.world.server.registered[0].client_type == "ReportingEngine"
    watch.tell(begin(7), KIM, END_OF_STATE, login(8))
    assert watch.lines == [
        '{"event":"EventActivityReport","reporting_event_sequence_number":7,"activity":"Begin",'
        '"number_of_agents":1}',
        '{"event":"EventPlaceAgentState","tenant_id":1,"agent_id":"kim","place_id":"p1",'
        '"agent_session":[5,101],"media_list":{"email":1},"initial":true}',
        '{"event":"EventActivityReport","activity":"End"}',
        '{"event":"EventAgentLogin","event_time":1000000000.0,"reporting_event_sequence_number":8,'
        '"tenant_id":1,"agent_id":"lee"}',
    ]
    watch.tell(login(9))
    assert watch.code == Exit.OK
    assert watch.world.goodbyes == 1


def test_persons_read_lines(watch: Watched) -> None:
    watch.start(json=False)
    resync = m.EventAgentLogout(tenant_id=1, agent_id="kim", extension={"Resync": 1})
    watch.tell(*STATE, login(1), numbered(resync, 2), login(5))
    lines = watch.lines
    assert lines[1].startswith("state  EventPlaceAgentState")
    assert lines[3].startswith("event  2001-09-09 01:46:40 EventAgentLogin")
    assert lines[4].startswith("resync EventAgentLogout")
    assert lines[5] == "GAP: event 5 follows 2; the stream is asked for anew."


def test_the_initial_state_may_be_enough(watch: Watched) -> None:
    watch.start("--until-state")
    watch.tell(*STATE)
    assert watch.code == Exit.OK


def test_what_is_wanted_is_said_in_the_request(watch: Watched) -> None:
    watch.start(
        "--tenant", "1,2", "--events", "AgentLogin,EventAgentLogout", "--media", "email",
        "--agent", "kim,lee", "--place", "p1",
    )  # fmt: skip
    assert watch.asked == [
        START(
            tenants={"1": 1, "2": 2},
            filter={
                "Events": {"EventAgentLogin": 1, "EventAgentLogout": 1},
                "MediaTypes": {"email": 1},
                "Agents": {"kim": 1, "lee": 1},
                "Places": {"p1": 1},
            },
        )
    ]


def test_a_filtered_stream_may_leave_numbers_out_but_no_event(watch: Watched) -> None:
    watch.start("--agent", "lee")
    watch.tell(begin(3), END_OF_STATE, login(9, 3), login(12, 9), login(20, 15))
    assert watch.lines[-1] == '{"gap":{"after":12,"next":20}}'


def test_after_a_gap_the_stream_begins_anew(watch: Watched) -> None:
    watch.start("--count", "1")
    watch.tell(*STATE, login(3), login(4))
    assert watch.lines[3:] == ['{"gap":{"after":0,"next":3}}']
    assert len(watch.asked) == 2
    watch.tell(begin(4), KIM, END_OF_STATE, login(5))
    assert watch.code == Exit.OK


def test_a_stream_that_the_server_gave_up_is_asked_for_anew(watch: Watched) -> None:
    watch.start()
    watch.tell(*STATE, m.EventActivityReport(activity=LOST))
    assert len(watch.asked) == 2


def test_a_lost_connection_is_said_and_the_state_is_told_anew(watch: Watched) -> None:
    watch.start("--count", "1")
    watch.tell(*STATE)
    watch.world.network.lose("c")
    watch.world.clock.run_until(lambda: len(watch.asked) == 2, 60.0)
    watch.world.rest()
    assert watch.lines[-2:] == [
        '{"connection":"lost"}',
        '{"connection":"there","server":"proxy1"}',
    ]
    watch.tell(*STATE, login(1))
    assert watch.code == Exit.OK


def test_a_server_that_does_not_begin_the_stream_again_ends_it(watch: Watched) -> None:
    watch.start()
    watch.tell(*STATE)
    watch.world.reply(START, m.EventError(error_code=Code.NOT_ALLOWED))
    watch.world.network.lose("c")
    watch.world.clock.run_until(lambda: watch.running.called, 60.0)
    assert watch.code == Exit.REFUSED


@pytest.mark.parametrize(
    "argv",
    [
        ("--events", "Juggled"),
        ("--events", "RequestPull"),
        ("--count", "0"),
        ("--tenant", "Nowhere"),
        ("--application", "clients"),
    ],
)
def test_arguments_that_make_no_sense_are_refused(
    world: CommandWorld, argv: tuple[str, ...]
) -> None:
    try:
        code = world.ixctl("watch", *argv).code
    except SystemExit as ended:
        code = int(ended.code or 0)
    assert code == Exit.USAGE
    assert world.server.registered == []


def test_a_refused_stream_is_exit_code_1(watch: Watched) -> None:
    watch.world.reply(START, m.EventError(error_code=Code.NOT_ALLOWED))
    watch.start()
    assert watch.code == Exit.REFUSED

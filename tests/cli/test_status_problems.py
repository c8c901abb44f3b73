"""What is wrong, in words."""

from __future__ import annotations

import pytest

from ixproxy.cli.status_asking import Found, Target
from ixproxy.cli.status_problems import problems_of, state_of
from ixproxy.messages import (
    CaptureStatus,
    ConfigurationFacts,
    LimitUse,
    LinkStatus,
    LogStatus,
    ParkingStatus,
    ServerFacts,
    WriterStatus,
)
from tests.cli.statuses import NOON, away, node, proxy


def texts(*found: Found) -> list[str]:
    return [problem.text for problem in problems_of(found)]


def missing(*found: Found) -> list[str]:
    return [problem.about for problem in problems_of(found) if problem.missing]


def link(name: str = "ixn2", **more: object) -> LinkStatus:
    return LinkStatus(node=name, **{"state": "linked", "seconds": 50.0, **more})  # type: ignore[arg-type]


def test_nothing_wrong_is_no_problem() -> None:
    assert texts(node(), proxy(link("ixn1"))) == []


def test_a_server_that_is_away_is_said_with_the_reason() -> None:
    assert texts(away("ixn2")) == ["ixn2 does not answer at tcp:ixn2:1: connection refused"]
    assert missing(away("ixn2")) == ["ixn2"]


def test_of_a_pair_one_is_enough() -> None:
    pair = node("ixn1"), away("ixn1-b", primary="ixn1")
    assert texts(*pair) == []
    assert [state_of(each, pair) for each in pair] == ["up", "standby or down"]
    other = away("ixn1"), node("ixn1-b", primary="ixn1")
    assert texts(*other) == []
    assert [state_of(each, other) for each in other] == ["standby or down", "up"]


def test_a_pair_of_which_neither_answers_is_missing_once() -> None:
    pair = away("ixn1"), away("ixn1-b", primary="ixn1")
    assert texts(*pair) == [
        "ixn1 does not answer at tcp:ixn1:1: connection refused; neither does its backup ixn1-b"
    ]
    assert [state_of(each, pair) for each in pair] == ["away", "away"]


def test_a_backup_that_is_asked_alone_may_stand_by() -> None:
    alone = away("ixn1-b", primary="ixn1")
    assert (texts(alone), state_of(alone, [alone])) == ([], "standby or down")


def test_a_link_that_is_down_says_since_when_and_why() -> None:
    down = link(state="down", seconds=244.0, problem="connection refused")
    assert texts(proxy(down)) == ["ixn2 is down for proxy1 since 11:55:56 UTC: connection refused"]
    assert missing(proxy(down)) == ["proxy1"]
    days = link(state="down", seconds=3 * 86400.0)
    waits = link(state="down", seconds=5.0, parking=ParkingStatus(waiting=3))
    assert texts(proxy(waits)) == [
        "ixn2 is down for proxy1 since 11:59:55 UTC (3 requests wait for it)"
    ]
    waits = link(state="down", seconds=5.0, parking=ParkingStatus(waiting=1))
    assert texts(proxy(waits)) == [
        "ixn2 is down for proxy1 since 11:59:55 UTC (1 request waits for it)"
    ]
    assert texts(proxy(days)) == ["ixn2 is down for proxy1 since 2027-01-12 12:00:00 UTC"]
    never = link(state="greeting", seconds=None, problem="it has database id 7, 102 is configured")
    assert texts(proxy(never)) == [
        "ixn2 is down for proxy1 since proxy1 began 1 minute ago: "
        "it has database id 7, 102 is configured"
    ]


def test_a_link_that_joins_is_a_problem_but_nothing_is_missing() -> None:
    joining = link(state="joining", seconds=2.0, replaying=40)
    assert texts(proxy(joining)) == [
        "ixn2 is joining proxy1 again, since 11:59:58 UTC; 40 agent sessions are still to be told"
    ]
    assert missing(proxy(joining)) == []


def test_a_node_that_does_not_keep_up_is_said() -> None:
    assert texts(proxy(link(full=True, output=17 << 20))) == [
        "ixn2 does not keep up with proxy1: 17 MB wait to be sent"
    ]


def test_a_backup_that_could_not_take_over_is_said() -> None:
    def pair(other_state: str) -> Found:
        return proxy(link(server="ixn2", other="ixn2-b", other_state=other_state))

    assert texts(pair("hanging")) == ["ixn2-b could not take over ixn2: it is hanging for proxy1"]
    assert texts(pair("unfit")) == ["ixn2-b could not take over ixn2: it is unfit for proxy1"]
    assert missing(pair("unfit")) == []
    assert [texts(pair(state)) for state in ("unknown", "refused", "serving")] == [[], [], []]


def test_limits_are_said_when_they_are_near() -> None:
    limits = [
        LimitUse(name="max-clients", used=48_000, allowed=50_000),
        LimitUse(name="max-connections", used=79, allowed=100),
        LimitUse(name="max-pending-per-node", used=80, allowed=100, node="ixn2"),
        LimitUse(name="unlimited", used=80, allowed=0),
    ]
    assert texts(proxy(limits=limits)) == [
        "proxy1 uses 96 % of max-clients (48000 of 50000)",
        "proxy1 uses 80 % of max-pending-per-node to ixn2 (80 of 100)",
    ]


def test_a_reload_that_failed_is_said_with_its_reason() -> None:
    configuration = ConfigurationFacts(
        applied_at=NOON - 2 * 86400, problem="line 2: [tenants.A] id", failed_at=NOON - 60
    )
    assert texts(proxy(name="proxy2", configuration=configuration)) == [
        "proxy2 runs an older configuration, of 2027-01-13 12:00:00 UTC: the reload at "
        "11:59:00 UTC failed; its log says what is wrong at line 2: [tenants.A] id"
    ]


def test_a_proxy_that_lacks_a_node_of_the_file_runs_an_older_one() -> None:
    assert texts(proxy(link("ixn1"), nodes=("ixn1", "ixn3"))) == [
        "proxy1 does not know ixn3: it runs an older configuration"
    ]


@pytest.mark.parametrize(
    ("left", "said"),
    [
        (3 * 86400 + 5, ["the certificate of ixn1 ends in 3 days"]),
        (3700, ["the certificate of ixn1 ends in 1 hour"]),
        (-7200, ["the certificate of ixn1 ended 2 hours ago"]),
        (31 * 86400, []),
    ],
)
def test_a_certificate_is_said_before_it_ends(left: float, said: list[str]) -> None:
    assert texts(node(certificate_expires=NOON + left)) == said


def test_two_servers_that_are_the_same_node_are_said() -> None:
    one, other = node("ixn1", epoch=3), node("ixn1-b", epoch=4, primary="ixn1")
    assert texts(one, other) == [
        "2 servers claim ixn1 (database id 101): ixn1 (epoch 3), ixn1-b (epoch 4)"
    ]


def test_a_server_that_is_not_who_it_should_be_is_said() -> None:
    wrong = node("ixn1")
    wrong.server = ServerFacts(name="ixn9", role="node", dbid=109)
    assert texts(wrong) == ["ixn9 answers at tcp:ixn1:1, where ixn1 should be"]
    by_address = node("ixn1")
    by_address.target = Target("tcp:h:1", "tcp:h:1")
    assert texts(by_address) == []


def test_a_stuck_writer_slow_readers_and_a_wrong_clock_are_said() -> None:
    writer = WriterStatus(busy_seconds=12.0, waiting=7)
    stuck = node(node_status={"writer": writer}, slow_readers=1)
    assert stuck.status is not None
    stuck.asked_at = NOON + 3600
    assert texts(stuck) == [
        "ixn1 has been writing one batch for 12 s, and 7 requests wait: look at its disk",
        "1 peer of ixn1 does not read what is sent",
        "the clock of ixn1 is 1 hour behind ours",
    ]


def test_one_that_breaks_off_is_said() -> None:
    found = node()
    found.status, found.failure = None, "2002: no answer in time"
    assert texts(found) == ["ixn1 does not say how it is: 2002: no answer in time"]


def test_what_is_missing_comes_first() -> None:
    near = node(limits=[LimitUse(name="max-clients", used=9, allowed=10)])
    assert [text.split()[0] for text in texts(near, away("proxy1"))] == ["proxy1", "ixn1"]


@pytest.mark.parametrize("state", ["failed: no such directory", "connecting: refused", "lost"])
def test_a_capture_point_that_does_not_work_is_a_problem(state: str) -> None:
    points = [CaptureStatus(name="mail-in", state=state), CaptureStatus(name="b", state="idle")]
    found = node("ixn1", node_status={"capture_points": points})
    assert texts(found) == [f"capture point mail-in of ixn1 is {state}"]


def test_a_capture_point_that_does_not_hear_of_everything_is_one() -> None:
    point = CaptureStatus(name="mail-in", state="connected", counts={"dropped": 7})
    assert texts(node("ixn1", node_status={"capture_points": [point]})) == [
        "capture point mail-in of ixn1 was not told of 7 changes: "
        "it does not read what waits for it"
    ]


def point(state: str, **figures: object) -> Found:
    status = CaptureStatus(name="mail-in", state=state, figures=figures)
    return node("ixn1", node_status={"capture_points": [status]})


@pytest.mark.parametrize("state", ["waiting: no table claims", "waiting: tcp:127.0.0.1:1: refused"])
def test_a_capture_point_that_waits_for_its_outside_is_a_problem(state: str) -> None:
    assert texts(point(state)) == [f"capture point mail-in of ixn1 is {state}"]


def test_a_capture_point_that_waits_for_work_is_none() -> None:
    assert texts(point("waiting", problem="", stuck=0, unreadable=0)) == []


@pytest.mark.parametrize("key", ["problem", "unmarkable-because", "notifications-problem"])
def test_what_a_capture_point_says_is_wrong_is_a_problem(key: str) -> None:
    assert texts(point("connected", **{key: "a.xml cannot be read"})) == [
        "capture point mail-in of ixn1 says: a.xml cannot be read"
    ]


def test_what_its_state_says_already_is_said_once() -> None:
    why = "broker.example:61613: " + "refused " * 40
    state = f"waiting: {why}"[:300]
    assert texts(point(state, problem=why)) == [f"capture point mail-in of ixn1 is {state}"]


def test_documents_that_cannot_be_put_away_are_a_problem_with_the_reason() -> None:
    why = "a.xml cannot be moved: No space left on device"
    assert texts(point("connected", stuck=5, problem=why)) == [
        f"capture point mail-in of ixn1 cannot put away 5 documents that are done: {why}"
    ]
    assert texts(point("connected", stuck=1)) == [
        "capture point mail-in of ixn1 cannot put away 1 document that is done"
    ]


def log(**more: object) -> dict[str, object]:
    found = LogStatus(name="log", kind="sqlite", **{"state": "connected", "room": 100, **more})  # type: ignore[arg-type]
    return {"event_logs": [found]}


@pytest.mark.parametrize("state", ["connecting: not tried yet", "failing: the disk is full"])
def test_an_event_log_that_takes_nothing_is_a_problem(state: str) -> None:
    found = node("ixn1", node_status=log(state=state, waiting=7))
    assert texts(found) == [f"event log log of ixn1 is {state}; 7 events wait for it"]


def test_one_of_something_is_not_several() -> None:
    writer = WriterStatus(busy_seconds=12.0, waiting=1)
    assert texts(node("ixn1", node_status={"writer": writer})) == [
        "ixn1 has been writing one batch for 12 s, and 1 request waits: look at its disk"
    ]
    joining = link(state="joining", seconds=5.0, replaying=1)
    assert texts(proxy(joining))[0].endswith("; 1 agent session is still to be told")
    (failing,) = texts(node("ixn1", node_status=log(state="failing: full", waiting=1)))
    assert failing.endswith("; 1 event waits for it")
    (dropped,) = texts(node("ixn1", node_status=log(counts={"dropped": 1})))
    assert dropped.endswith(" will never have 1 event: it was full")


def test_what_an_event_log_says_is_wrong_is_a_problem() -> None:
    state = "connected, but what was given last was not taken: too large"
    found = node("ixn1", node_status=log(state=state, figures={"problem": "too large"}))
    assert texts(found) == ["event log log of ixn1 says: too large"]


def test_an_event_log_that_fills_up_is_one_before_it_is_full() -> None:
    assert texts(node("ixn1", node_status=log(waiting=79))) == []
    assert texts(node("ixn1", node_status=log(waiting=80))) == [
        "event log log of ixn1 is nearly full: 80 of 100 events wait"
    ]
    assert texts(node("ixn1", node_status=log(waiting_bytes=799, room_bytes=1000))) == []
    assert texts(node("ixn1", node_status=log(waiting_bytes=800, room_bytes=1000))) == [
        "event log log of ixn1 is nearly full: 800 B of 1000 B wait"
    ]


def test_what_an_event_log_will_never_have_stays_a_problem() -> None:
    assert texts(node("ixn1", node_status=log(counts={"dropped": 3}))) == [
        "event log log of ixn1 will never have 3 events: it was full"
    ]
    dropping = log(counts={"dropped": 3}, dropping=True, waiting=100)
    assert texts(node("ixn1", node_status=dropping)) == [
        "event log log of ixn1 will never have 3 events: it was full, and more are being dropped"
    ]


def test_a_mandatory_log_that_is_full_is_said_with_what_follows() -> None:
    found = log(mandatory=True, refusing=True, waiting=101, waiting_bytes=10_000)
    assert texts(node("ixn1", node_status=found)) == [
        "event log log of ixn1 is full with 101 events (9.8 KB), and must have everything: "
        "requests that change something are refused"
    ]

"""What `ixctl status` shows a person."""

from __future__ import annotations

import io

from ixproxy.cli.output import Output
from ixproxy.cli.status_asking import Found
from ixproxy.cli.status_problems import problems_of
from ixproxy.cli.status_tables import MOST_QUEUES, show
from ixproxy.messages import (
    CaptureStatus,
    ConfigurationFacts,
    LinkStatus,
    LogStatus,
    ParkingStatus,
    ProcessFacts,
    QueueStatus,
)
from tests.cli.statuses import NOON, away, node, proxy


def shown(*found: Found) -> str:
    stdout = io.StringIO()
    show(found, problems_of(found), Output(False, stdout))
    return stdout.getvalue()


def test_problems_stand_first_then_servers_then_links_and_queues() -> None:
    queues = [QueueStatus(tenant_id=1, queue="Inbound", waiting=5, states={"queued": 6})]
    link = LinkStatus(
        node="ixn1", state="linked", seconds=50.0, epoch=3, clients=4, pending=2, backlog=5,
        media_types=["chat", "email"],
    )  # fmt: skip
    text = shown(
        node(node_status={"queues": queues, "interactions": 6}), proxy(link), away("proxy2")
    )
    order = [
        "1 problem\n", "proxy2 does not answer", "server", "proxy1 reaches", "chat, email",
    ]  # fmt: skip
    assert [text.index(each) for each in order] == sorted(text.index(each) for each in order)
    assert "ixn1 has 6 interactions, 0 agents, 0 sessions (0 may come back)" in text
    (row,) = [line.split() for line in text.splitlines() if "Inbound" in line]
    assert row == ["1", "Inbound", "5", "6", "0", "0", "0"]


def test_a_deployment_that_is_well_says_so() -> None:
    assert shown(node()).startswith("no problems\n")


def test_many_queues_are_cut_off_with_their_number() -> None:
    queues = [QueueStatus(tenant_id=1, queue=f"Q{n}", waiting=1) for n in range(MOST_QUEUES + 5)]
    text = shown(node(node_status={"queues": queues, "queues_left_out": 7}), node("ixn2", 102))
    assert "and 12 more queues" in text
    assert f"Q{MOST_QUEUES - 1}" in text
    assert f"Q{MOST_QUEUES}" not in text


def test_of_a_pair_both_servers_are_shown_and_why_one_was_left() -> None:
    pair = LinkStatus(
        node="ixn1", state="linked", server="ixn1-b", other="ixn1", other_state="hanging",
        left="nothing heard for 45 seconds", moves=2,
    )  # fmt: skip
    lone = LinkStatus(node="ixn2", state="linked", server="ixn2")
    text = shown(proxy(pair, lone))
    (row,) = [line for line in text.splitlines() if "ixn1-b" in line]
    assert row.split(maxsplit=5) == [
        "ixn1", "ixn1-b", "ixn1", "hanging", "2", "nothing heard for 45 seconds"
    ]  # fmt: skip
    assert "the other" in text
    assert "the other" not in shown(proxy(lone))


def test_a_node_that_takes_no_new_work_is_seen() -> None:
    closed = LinkStatus(node="ixn1", state="linked", enable_submit=False)
    empty = LinkStatus(node="ixn2", state="linked", media_types=[])
    lines = shown(proxy(closed, empty)).splitlines()
    assert [line.split()[-1] for line in lines if line.startswith("ixn")] == ["no", "no"]


def test_what_waits_for_a_node_and_what_became_of_it_is_seen() -> None:
    waits = ParkingStatus(waiting=1, size=900, parked=4, handed_on=2, given_up=1, no_room=7)
    waited = ParkingStatus(parked=3, handed_on=2, dropped=1)
    text = shown(
        proxy(
            LinkStatus(node="ixn1", state="down", parking=waits),
            LinkStatus(node="ixn2", state="linked", parking=waited),
            LinkStatus(node="ixn3", state="linked"),
        )
    )
    assert (
        "1 request waits for ixn1 (900 B); of 4 that did 2 were handed on, 1 given up, 0 dropped; "
        "7 found no room\n"
        "no requests wait for ixn2; of 3 that did 2 were handed on, 0 given up, 1 dropped\n"
    ) in text
    assert "for ixn3" not in text


def test_one_server_alone_is_shown_with_all_details() -> None:
    text = shown(
        node(
            clients_by_type={"MediaServer": 2},
            counters={"refused": 3},
            process=ProcessFacts(pid=77, memory=45 << 20, open_files=12, cpu_seconds=3.25),
            configuration=ConfigurationFacts(applied_at=NOON),
            certificate_expires=NOON + 400 * 86400,
        )
    )
    assert "2 MediaServer" in text
    assert "refused  3" in text
    assert "77, 12 open files" in text
    assert "45 MB" in text
    assert "2027-01-15 12:00:00 UTC" in text
    assert "certificate until" in text


def test_servers_of_an_earlier_version_say_what_they_know() -> None:
    found = node()
    found.status, found.statistics, found.nodes = None, {"Sessions": 5}, {1: "some"}
    text = shown(found)
    assert "tenant 1: some linked" in text
    assert "Sessions  5" in text


def test_capture_points_are_shown_with_what_they_say_of_themselves() -> None:
    point = CaptureStatus(
        name="mail-in", kind="file", state="idle", in_flight=2, waiting=3,
        counts={"taken": 40, "refused": 1, "errors": 5, "notified": 60}, figures={"files": 7},
    )  # fmt: skip
    text = shown(node(node_status={"capture_points": [point]}))
    (row,) = [line.split() for line in text.splitlines() if "mail-in" in line]
    assert row == ["mail-in", "file", "idle;", "files", "7", "40", "1", "5", "2", "60", "3"]
    assert "queue" not in text.partition("ixn1 has")[2].partition("capture point")[0]


def test_event_logs_are_shown_with_what_waits_and_what_is_lost() -> None:
    log = LogStatus(
        name="log",
        kind="sqlite",
        state="connected",
        waiting=12,
        room=1000,
        waiting_bytes=5000,
        room_bytes=1 << 30,
        counts={"stored": 345, "failed": 2, "dropped": 6},
        figures={"rows": 99},
    )
    text = shown(node(node_status={"event_logs": [log]}))
    line = next(line for line in text.splitlines() if line.startswith("log "))
    assert line.split() == [
        "log", "sqlite", "connected;", "rows", "99", "12", "1000",
        "4.9", "KB", "1.0", "GB", "345", "2", "6", "0",
    ]  # fmt: skip


def row_of(log: LogStatus) -> str:
    text = shown(node(node_status={"event_logs": [log]}))
    (line,) = [line for line in text.splitlines() if line.startswith(f"{log.name} ")]
    return line


def test_what_has_a_column_or_is_nothing_is_not_said_beside_the_state() -> None:
    figures = {
        "database": "sqlite:/srv/log.db", "stored": 4, "repeated": 0, "ignored": 0,
        "unconverted": 3, "failed": 1,
    }  # fmt: skip
    line = row_of(LogStatus(name="log", kind="sqlite", state="connected", figures=figures))
    assert "connected; database sqlite:/srv/log.db; unconverted 3  " in line
    assert not [word for word in ("stored", "repeated", "ignored", "failed") if word in line]


def test_what_the_state_has_already_is_not_said_again() -> None:
    figures: dict[str, object] = {"problem": "no route to host", "broker": ""}
    state = "connecting: no route to host (errno 113)"
    figures |= {"connections": 11}
    line = row_of(LogStatus(name="log", kind="amqp", state=state, figures=figures))
    assert f" {state}; connections 11  " in line


def test_what_does_not_fit_beside_the_state_is_left_out_and_the_state_is_whole() -> None:
    figures = {"address": "amqp://broker.example:5672", "last_id": "x" * 60, "in_flight": 9}
    log = LogStatus(name="log", kind="amqp", state="connected", figures=figures)
    assert "connected; address amqp://broker.example:5672; in_flight 9  " in row_of(log)
    state = "connected, and " + "very " * 9 + "slow"
    line = row_of(LogStatus(name="log", kind="amqp", state=state, figures=figures))
    assert f" {state}  " in line


def test_a_state_of_a_log_is_one_line() -> None:
    figures = {"database": "sqlite:/var/lib/ixproxy/ixn1-log.db"}
    log = LogStatus(
        name="log", kind="sqlite", state="connected", waiting=4711, room=1000000,
        waiting_bytes=2 << 20, room_bytes=1 << 30, counts={"stored": 120340}, figures=figures,
    )  # fmt: skip
    assert row_of(log).split()[-4:] == ["120340", "0", "0", "0"]


def test_of_a_capture_point_what_has_a_column_is_not_said_again_either() -> None:
    figures = {
        "watching": False, "in-hand": 0, "stuck": 2, "problem": "", "taken": 40, "errors": 5,
        "in-flight": 3, "told": 6, "notified": 7,
    }  # fmt: skip
    point = CaptureStatus(name="mail-in", kind="file", state="connected", figures=figures)
    text = shown(node(node_status={"capture_points": [point]}))
    (row,) = [line for line in text.splitlines() if line.startswith("mail-in")]
    assert "connected; watching no; stuck 2  " in row

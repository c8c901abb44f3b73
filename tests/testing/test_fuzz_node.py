from __future__ import annotations

from collections import Counter
from dataclasses import replace
from typing import Any

import pytest

from ixproxy.errors import Code
from ixproxy.net.batch_writer import FLOOD_FACTOR
from ixproxy.net.held_pulls import HeldPulls
from ixproxy.net.node_state import NodeState
from ixproxy.node import parties, requests
from ixproxy.node.memory import Memory
from ixproxy.testing.fuzz_node import LIMITS, SETTINGS, fuzz_node
from ixproxy.testing.fuzz_peers import Report
from tests.failures import LoggedFailures
from tests.wire.recorded import frames

RECORDED = frames()
FRAMES = 50_000
RUNS = {
    21: SETTINGS,
    22: replace(SETTINGS, allow_multiple_agent_connections="false", agent_login_control="ignore"),
    23: replace(SETTINGS, allow_multiple_agent_connections="force-logout"),
}
"""Seeds and settings of the runs that send `FRAMES` together."""

BAD_BYTES_AND_ATTRIBUTES = {
    Code.MISSING_VALUE, Code.TOO_LARGE, Code.BAD_FRAME, Code.BAD_ATTRIBUTE, Code.NOT_ALLOWED,
    Code.NOT_REGISTERED, Code.INVALID_CLIENT, Code.UNSUPPORTED_VERSION,
    Code.UNKNOWN_TENANT, Code.UNKNOWN_MEDIA_TYPE, Code.UNKNOWN_QUEUE, Code.UNKNOWN_VIEW,
    Code.UNKNOWN_WORKBIN, Code.UNKNOWN_OWNER, Code.INVALID_CONDITION, Code.UNKNOWN_INTERACTION,
    Code.DUPLICATE_INTERACTION, Code.DUPLICATE_KEY, Code.READ_ONLY_PROPERTY,
    Code.USER_DATA_TOO_LARGE, Code.LIMIT_REACHED,
}  # fmt: skip
OFTEN_BESIDE = {
    Code.AGENT_NOT_LOGGED_IN, Code.BUSY, Code.CANCELLED, Code.SUPERSEDED, Code.TOO_MANY_CLIENTS,
    Code.NOT_QUEUED, Code.NOT_A_PARTY, Code.ALREADY_HELD, Code.NOT_HELD, Code.STALE_SESSION,
}  # fmt: skip
OF_INVITATIONS = {
    Code.TARGET_NOT_LOGGED_IN, Code.INVITATION_REJECTED, Code.INVITATION_OVER,
    Code.ALREADY_A_PARTY, Code.DO_NOT_DISTURB, Code.NOT_HANDLED,
}  # fmt: skip
OF_SNAPSHOTS = {Code.UNKNOWN_SNAPSHOT}
NOW_AND_THEN = {
    Code.NOT_LOGGED_IN_FOR_LOGOUT, Code.EXPIRED, Code.ALREADY_LOGGED_IN, Code.PLACE_OCCUPIED,
    Code.MEDIA_NOT_ADDED, Code.INVITATION_EXPIRED,
}  # fmt: skip

_reports: dict[int, Report] = {}


def report_of(seed: int) -> Report:
    if seed not in _reports:
        _reports[seed] = fuzz_node(seed, FRAMES // len(RUNS) + 1, RECORDED, settings=RUNS[seed])
    return _reports[seed]


@pytest.mark.parametrize("seed", RUNS)
def test_no_frame_ever_raises_anything(seed: int) -> None:
    assert report_of(seed).exceptions == []


@pytest.mark.parametrize("seed", RUNS)
def test_each_whole_request_gets_its_answers_and_the_store_stays_sound(seed: int) -> None:
    report = report_of(seed)
    assert report.wrong == []
    assert report.checked > FRAMES // len(RUNS) // 3
    assert report.events > 100


@pytest.mark.parametrize("seed", RUNS)
def test_tables_are_bounded_and_peers_that_go_leave_nothing(seed: int) -> None:
    report = report_of(seed)
    assert report.left == {}
    largest = report.largest
    assert largest["peers"] <= LIMITS.max_connections
    assert largest["clients"] <= LIMITS.max_current_clients
    assert largest["clients of peers"] == largest["clients"]
    assert largest["bound sessions"] <= largest["clients"]
    # What is never refused as busy may come in beside.
    assert largest["works"] < FLOOD_FACTOR * LIMITS.max_current_request_queue_size
    assert largest["requests"] < FLOOD_FACTOR * LIMITS.max_current_request_queue_size
    assert largest["held pulls"] <= largest["requests"]
    assert largest["reminders of held pulls"] < 100


def test_every_code_for_bad_bytes_and_attributes_is_reached() -> None:
    reached: Counter[int] = Counter()
    for seed in RUNS:
        reached += report_of(seed).codes
    expected = BAD_BYTES_AND_ATTRIBUTES | OFTEN_BESIDE | OF_INVITATIONS | OF_SNAPSHOTS
    assert expected - set(reached) == set()
    # Nothing of the store, of a proxy, or of a mistake of ours.
    assert set(reached) - expected - NOW_AND_THEN == set()


def test_the_same_seed_gives_the_same_run() -> None:
    assert fuzz_node(5, 300, RECORDED) == fuzz_node(5, 300, RECORDED)
    assert fuzz_node(5, 300, RECORDED) != fuzz_node(6, 300, RECORDED)


# What a run would find if the node had a bug: each of these is one.


def test_a_rule_that_raises_is_found(
    monkeypatch: pytest.MonkeyPatch, logged_failures: LoggedFailures
) -> None:
    def broken(*_: object) -> Any:
        raise ZeroDivisionError("oops")

    for request in requests.RULES:
        monkeypatch.setitem(requests.RULES, request, broken)
    report = fuzz_node(1, 300, RECORDED)
    assert any("ZeroDivisionError: oops" in text for text in report.exceptions)
    assert report.codes[Code.INTERNAL]
    logged_failures.flush(ZeroDivisionError)


def test_an_answer_too_few_and_an_answer_too_many_are_found(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    real = NodeState.refuse

    def silent(self: NodeState, asking: Any, code: int, *rest: Any, **more: Any) -> None:
        if code == Code.UNKNOWN_WORKBIN:
            asking.settle()
            return
        real(self, asking, code, *rest, **more)
        if code == Code.UNKNOWN_QUEUE:
            real(self, asking, code, *rest, **more)

    monkeypatch.setattr(NodeState, "refuse", silent)
    # Enough frames to meet both, whichever frames are recorded.
    wrong = fuzz_node(1, 4000, RECORDED).wrong
    assert any("0 answers" in text and "1 expected" in text for text in wrong)
    assert any("2 answers" in text and "at most 1 expected" in text for text in wrong)


def test_what_is_not_forgotten_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(HeldPulls, "settled", lambda self, asking: None)
    monkeypatch.setattr(Memory, "_forget_server", lambda self, row: None)
    report = fuzz_node(2, 2000, RECORDED)
    assert report.left["held pulls"]
    assert report.left["servers"]
    assert report.left["Asking"]


def test_a_store_that_contradicts_itself_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(parties, "stop_timers", lambda turn, row: None)
    wrong = fuzz_node(1, 2000, RECORDED).wrong
    assert any("timers ['routing']" in text or "timers ['handling']" in text for text in wrong)

"""What starting a node and starting a proxy have in common."""

from __future__ import annotations

import gc
import signal
from collections.abc import Callable
from typing import Any

import pytest
from twisted.internet.error import ReactorNotRunning
from twisted.internet.task import Clock
from twisted.python import usage

from ixproxy.config_node_options import WireSettings
from ixproxy.tap_parts import (
    Options,
    end_badly,
    keep_alive,
    listen_for_hangup,
    need_restart,
    settle_memory,
    stop_once,
)


def made() -> Any:
    return Options()  # type: ignore[no-untyped-call]


@pytest.mark.parametrize("missing", ["config", "application"])
def test_both_options_are_needed(missing: str) -> None:
    given = {"config": "c.toml", "application": "ixn1"}
    del given[missing]
    with pytest.raises(usage.UsageError, match=f"--{missing} is needed"):
        made().parseOptions([f"--{name}={value}" for name, value in given.items()])


def test_options_are_read() -> None:
    options = made()
    options.parseOptions(["-c", "c.toml", "-a", "ixn1"])
    assert (options["config"], options["application"]) == ("c.toml", "ixn1")


@pytest.mark.parametrize(
    ("interval", "timeout", "aborted"), [(15, 30, True), (1, 1, True), (0, 1, False)]
)
def test_a_silent_connection_is_aborted_unless_keep_alive_is_off(
    interval: int, timeout: int, aborted: bool
) -> None:
    class Silent:
        heard, reading, silent, ended = False, True, 0.0, ""

        def send(self, raw: bytes) -> None:
            """A ping goes unanswered."""

        def abort(self, reason: str) -> None:
            self.ended = reason

    clock, connection = Clock(), Silent()
    settings = WireSettings(keep_alive_interval=interval, keep_alive_timeout=timeout)
    watching = keep_alive(clock, settings)
    watching.watch(connection)  # type: ignore[arg-type]
    watching.start()
    clock.pump([max(1, interval)] * 100)
    watching.stop()
    assert bool(connection.ended) is aborted


def test_a_change_that_needs_a_restart_is_named() -> None:
    problems = need_restart("applications.p", [("listen", "tcp:1", "tcp:2"), ("dbid", 1, 1)])
    assert [problem.key for problem in problems] == ["listen"]
    assert "'tcp:1' to 'tcp:2' needs a restart" in problems[0].text


def test_memory_of_the_start_is_left_alone_by_the_collector() -> None:
    before = gc.get_threshold()
    try:
        settle_memory()
        assert gc.get_threshold()[0] == 50_000
        assert gc.get_freeze_count() > 0
    finally:
        gc.unfreeze()
        gc.set_threshold(*before)


class Stopping:
    """As much of a reactor as stopping and signals need."""

    def __init__(self) -> None:
        self.triggers: list[tuple[Any, ...]] = []
        self.stopped = 0
        self.calls: list[Callable[[], object]] = []

    def addSystemEventTrigger(self, *trigger: Any) -> None:
        self.triggers.append(trigger)

    def stop(self) -> None:
        self.stopped += 1

    def callFromThread(self, call: Callable[[], object]) -> None:
        self.calls.append(call)

    def turn(self) -> None:
        calls, self.calls = self.calls, []
        for call in calls:
            call()


def test_a_bad_end_is_seen_by_the_exit_code() -> None:
    reactor = Stopping()
    end_badly(reactor)
    assert reactor.stopped == 1
    ((phase, event, _, code),) = reactor.triggers
    assert (phase, event, code) == ("after", "shutdown", 1)


def test_a_bad_end_may_be_found_out_while_the_process_stops() -> None:
    class Stopped(Stopping):
        def stop(self) -> None:
            raise ReactorNotRunning

    reactor = Stopped()
    end_badly(reactor)
    assert len(reactor.triggers) == 1


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_process_is_stopped_once(number: signal.Signals) -> None:
    heard: list[int] = []
    before = {each: signal.getsignal(each) for each in (signal.SIGTERM, signal.SIGINT)}
    try:
        for each in before:
            signal.signal(each, lambda got, _: heard.append(got))
        stop_once()
        signal.raise_signal(number)
        signal.raise_signal(signal.SIGTERM)
        signal.raise_signal(signal.SIGINT)
    finally:
        for each, old in before.items():
            signal.signal(each, old)
    assert heard == [number]


def test_a_hangup_reads_the_file_again_and_many_at_once_only_once() -> None:
    before = signal.getsignal(signal.SIGHUP)
    reactor, reloaded = Stopping(), 0

    def reload() -> None:
        nonlocal reloaded
        reloaded += 1
        if reloaded == 2:
            # It may have been read already when the file changed.
            signal.raise_signal(signal.SIGHUP)

    try:
        listen_for_hangup(reactor, reload)
        signal.raise_signal(signal.SIGHUP)
        reactor.turn()
        assert reloaded == 1
        for _ in range(100):
            signal.raise_signal(signal.SIGHUP)
        reactor.turn()
        assert reloaded == 2
        reactor.turn()
        reactor.turn()
    finally:
        signal.signal(signal.SIGHUP, before)
    assert reloaded == 3


def test_a_password_in_an_address_is_not_told() -> None:
    old, new = "postgresql://ix:secret@db/ixn1", "postgresql://ix:other@db/ixn1"
    [problem] = need_restart("applications.ixn1", [("store", old, new)])
    assert "ix:…@db" in problem.text
    assert "secret" not in problem.text
    assert "other" not in problem.text

"""Keep-alive: silence is found, talk is left alone."""

from __future__ import annotations

from twisted.internet.task import Clock

from ixproxy.net.connection import PING
from ixproxy.net.keep_alive import KeepAlive


class Watched:
    """As much of a connection as keep-alive looks at."""

    def __init__(self) -> None:
        self.heard = True
        self.silent = 0.0
        self.reading = True
        self.sent: list[bytes] = []
        self.aborted = ""

    def send(self, raw: bytes) -> None:
        self.sent.append(raw)

    def abort(self, reason: str) -> None:
        self.aborted = reason


def test_a_silent_connection_is_pinged_and_then_aborted() -> None:
    clock, silent = Clock(), Watched()
    keep_alive = KeepAlive(clock, interval=10, limit=30)
    keep_alive.watch(silent)  # type: ignore[arg-type]
    keep_alive.start()
    keep_alive.start()
    clock.advance(10)
    assert silent.sent == []
    clock.advance(10)
    clock.advance(10)
    assert silent.sent == [PING, PING]
    assert not silent.aborted
    clock.advance(10)
    assert "30 seconds" in silent.aborted
    clock.advance(10)
    assert len(silent.sent) == 2, "an aborted connection is no longer watched"
    keep_alive.stop()
    keep_alive.stop()
    assert not clock.getDelayedCalls()


def test_whoever_answers_lives_on() -> None:
    clock, alive = Clock(), Watched()
    keep_alive = KeepAlive(clock, interval=10, limit=20)
    keep_alive.watch(alive)  # type: ignore[arg-type]
    keep_alive.start()
    for _ in range(20):
        alive.heard = True
        clock.advance(10)
    assert not alive.aborted
    assert not alive.sent


def test_a_forgotten_connection_is_left_alone() -> None:
    clock, gone = Clock(), Watched()
    keep_alive = KeepAlive(clock, interval=10, limit=20)
    keep_alive.watch(gone)  # type: ignore[arg-type]
    keep_alive.forget(gone)  # type: ignore[arg-type]
    keep_alive.forget(gone)  # type: ignore[arg-type]
    keep_alive.start()
    clock.pump([10] * 5)
    assert not gone.sent
    assert not gone.aborted


def test_whom_we_do_not_listen_to_need_not_be_heard() -> None:
    clock, unread = Clock(), Watched()
    keep_alive = KeepAlive(clock, interval=10, limit=30)
    keep_alive.watch(unread)  # type: ignore[arg-type]
    keep_alive.start()
    unread.reading = False
    clock.pump([10] * 10)
    assert unread.aborted == ""
    unread.reading = True
    clock.pump([10] * 2)
    assert not bool(unread.aborted)
    clock.advance(10)
    assert bool(unread.aborted)
    keep_alive.stop()


def test_looks_that_follow_one_another_at_once_are_no_silence() -> None:
    clock, alive = Clock(), Watched()
    keep_alive = KeepAlive(clock, interval=10, limit=20)
    keep_alive.watch(alive)  # type: ignore[arg-type]
    keep_alive.start()
    clock.advance(10)
    for _ in range(5):
        keep_alive._call.f()
    assert not alive.sent
    clock.advance(10)
    assert alive.sent == [PING]
    assert not alive.aborted


def test_other_times_hold_for_connections_that_are_there() -> None:
    clock, silent = Clock(), Watched()
    keep_alive = KeepAlive(clock, interval=10, limit=30)
    keep_alive.watch(silent)  # type: ignore[arg-type]
    keep_alive.start()
    clock.advance(10)
    keep_alive.change(2, 6)
    clock.pump([2] * 3)
    assert "6 seconds" in silent.aborted
    keep_alive.stop()
    keep_alive.change(5, 15)
    assert not clock.getDelayedCalls(), "what is stopped stays so"


def test_the_same_times_do_not_put_off_the_next_look() -> None:
    clock, silent = Clock(), Watched()
    silent.heard = False
    keep_alive = KeepAlive(clock, interval=10, limit=30)
    keep_alive.watch(silent)  # type: ignore[arg-type]
    keep_alive.start()
    clock.advance(9)
    keep_alive.change(10, 30)
    clock.advance(1)
    assert silent.sent == [PING]
    keep_alive.stop()

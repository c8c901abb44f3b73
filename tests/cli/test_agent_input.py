"""Where the lines of `ixctl agent` come from."""

from __future__ import annotations

import io
import os
import pty
import termios
from typing import Any
from unittest.mock import Mock

import pytest
import pytest_twisted
from twisted.internet.defer import Deferred
from twisted.internet.error import ConnectionDone
from twisted.internet.testing import StringTransport
from twisted.python.failure import Failure

from ixproxy.cli.agent_editing import MAX_LINE
from ixproxy.cli.agent_input import Above, Keyboard, KeyByKey, Script, StandardInput
from ixproxy.cli.outcomes import UsageError

DONE = Failure(ConnectionDone())


class Doing:
    """Carries lines out when a test says so; `quit` is the last one."""

    def __init__(self) -> None:
        self.lines: list[str] = []
        self.waiting: list[Deferred[None]] = []
        self.slow = False

    async def __call__(self, line: str) -> bool:
        self.lines.append(line)
        if self.slow:
            self.waiting.append(Deferred())
            await self.waiting[-1]
        return line != "quit"


def script(doing: Doing) -> tuple[Any, StringTransport]:
    lines: Any = Script(doing)
    transport = StringTransport()
    lines.makeConnection(transport)
    return lines, transport


def test_lines_are_carried_out_one_after_another() -> None:
    doing = Doing()
    doing.slow = True
    lines, transport = script(doing)
    lines.dataReceived(b"one\r\ntwo\nthr")
    assert (doing.lines, transport.producerState) == (["one"], "paused")
    doing.waiting[0].callback(None)
    assert doing.lines == ["one", "two"]
    doing.waiting[1].callback(None)
    assert transport.producerState == "producing"
    lines.connectionLost(DONE)
    assert doing.lines == ["one", "two", "thr"]
    assert not lines.over.called
    doing.waiting[2].callback(None)
    assert lines.over.called


def test_the_end_comes_with_quit_or_with_the_input() -> None:
    lines, _ = script(Doing())
    lines.dataReceived(b"one\nquit\ntwo\n")
    assert lines.over.called
    lines, _ = script(Doing())
    lines.connectionLost(DONE)
    assert lines.over.called


def test_an_endless_line_is_the_end() -> None:
    lines, _ = script(Doing())
    lines.dataReceived(b"x" * (MAX_LINE + 10))
    caught: list[Failure] = []
    lines.over.addErrback(caught.append)
    assert caught[0].check(UsageError)


class Screen(io.StringIO):
    def isatty(self) -> bool:
        return True


@pytest.fixture
def keyboard(monkeypatch: pytest.MonkeyPatch) -> tuple[Keyboard, Doing, Above, Screen]:
    monkeypatch.setenv("COLUMNS", "40")
    screen, doing = Screen(), Doing()
    above = Above(screen)
    keys = Keyboard(doing, lambda text: ["stop", "status"], above.direct)
    above.keyboard = keys
    keys.makeConnection(StringTransport())  # type: ignore[no-untyped-call]
    return keys, doing, above, screen


Typing = tuple[Keyboard, Doing, Above, Screen]


def test_what_is_printed_stands_above_the_line_that_is_typed(keyboard: Typing) -> None:
    keys, _, above, screen = keyboard
    keys.dataReceived(b"sto")
    screen.truncate(0)
    screen.seek(0)
    above.write("an event\n")
    assert screen.getvalue() == "\r\x1b[Kan event\n\r\x1b[K> sto"
    assert above.isatty()


def test_lines_of_a_keyboard_do_not_wait_for_each_other(keyboard: Typing) -> None:
    keys, doing, _, screen = keyboard
    doing.slow = True
    keys.dataReceived(b"one\rtwo\r")
    assert doing.lines == ["one", "two"]
    keys.dataReceived(b"st\t\t")
    assert "\nstop  status\n" in screen.getvalue()


def test_ctrl_d_quit_and_a_lost_terminal_end_it(keyboard: Typing) -> None:
    keys, doing, above, _ = keyboard
    keys.dataReceived(b"quit\rtwo\r")
    assert doing.lines == ["quit"]
    assert keys.over.called
    keys.dataReceived(b"\x04")
    keys.connectionLost(DONE)
    other = Keyboard(doing, lambda text: [], above.direct)
    other.makeConnection(StringTransport())  # type: ignore[no-untyped-call]
    other.dataReceived(b"\x04")
    assert other.over.called


@pytest_twisted.ensureDeferred
async def test_a_pipe_is_read_to_its_end(real_reactor: Any) -> None:
    ours, theirs = os.pipe()
    doing = Doing()
    lines = Script(doing)
    os.write(theirs, b"one\ntwo\n")
    os.close(theirs)
    with StandardInput(real_reactor, lines, ours) as standard:
        await lines.over
    assert doing.lines == ["one", "two"]
    assert standard.fileno() == ours
    assert os.get_blocking(ours)
    os.close(ours)


@pytest.mark.parametrize("slow", [False, True])
def test_an_end_that_is_told_before_the_lines_loses_none(slow: bool) -> None:
    ours, theirs = os.pipe()
    doing = Doing()
    doing.slow = slow
    lines = Script(doing)
    os.write(theirs, b"one\ntwo\nthr")
    os.close(theirs)
    with StandardInput(Mock(), lines, ours) as standard:
        standard.connectionLost(DONE)
        for number in range(3 * slow):
            doing.waiting[number].callback(None)
    assert doing.lines == ["one", "two", "thr"]
    assert lines.over.called
    os.close(ours)


def test_a_terminal_is_as_it_was_afterwards() -> None:
    ours, theirs = pty.openpty()
    before = termios.tcgetattr(theirs)
    with KeyByKey(theirs):
        assert not termios.tcgetattr(theirs)[3] & termios.ECHO
    assert termios.tcgetattr(theirs) == before
    os.close(ours)
    os.close(theirs)

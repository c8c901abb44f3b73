"""
Where the lines of `ixctl agent` come from: a pipe or file, or a terminal.

Theory of operation: standard input is read as it is, in blocking mode, when
there is something: making it non-blocking, as Twisted's `stdio` does, would
hold for the terminal, for our output, and for the shell afterwards, too. From
a pipe one line is carried out before the next one is read. On a terminal keys
come one by one, the line is drawn here, and what is printed meanwhile
stands above it.
"""

from __future__ import annotations

import io
import shutil
import termios
import tty
from collections.abc import Awaitable, Callable
from contextlib import suppress
from select import select
from types import TracebackType
from typing import Any, Self, TextIO

from twisted.internet import fdesc
from twisted.internet.abstract import FileDescriptor
from twisted.internet.defer import Deferred
from twisted.internet.protocol import Protocol, connectionDone
from twisted.protocols.basic import LineReceiver
from twisted.python.failure import Failure

from ixproxy.cli.agent_editing import MAX_LINE, InputLine
from ixproxy.cli.outcomes import UsageError

CarryOut = Callable[[str], Awaitable[bool]]
"""Does what a line says; whether the next one is wanted."""

PROMPT = "> "


class Script(LineReceiver):
    """
    Lines from a pipe or a file, one after another.

    :ivar over: fires when the input has ended, or a line was the last one.
    """

    delimiter = b"\n"
    MAX_LENGTH = MAX_LINE

    def __init__(self, carry_out: CarryOut) -> None:
        self._carry_out = carry_out
        self._ended = False
        self.over: Deferred[None] = Deferred()

    def lineReceived(self, line: bytes) -> None:
        """Carry it out, and read on when that is done."""
        self.pauseProducing()  # type: ignore[no-untyped-call]
        doing = Deferred.fromCoroutine(self._do(line))
        doing.addErrback(self._failed)

    def lineLengthExceeded(self, line: bytes) -> None:
        """What is that long is no script: the end."""
        problem = UsageError(f"a line has {MAX_LINE} bytes at most; this one begins {line[:20]!r}")
        self._failed(Failure(problem))

    def connectionLost(self, reason: Failure = connectionDone) -> None:
        """The input has ended; a last line may lack its end."""
        self._ended = True
        if not self.paused:
            self._do_the_rest()

    def _do_the_rest(self) -> None:
        rest = self.clearLineBuffer()  # type: ignore[no-untyped-call]
        if rest.strip():
            self.lineReceived(rest)
        else:
            self._end()

    async def _do(self, line: bytes) -> None:
        if not await self._carry_out(line.decode("utf-8", "replace").strip()):
            self._end()
            return
        self.resumeProducing()  # type: ignore[no-untyped-call]
        if self._ended and not self.paused and not self.over.called:
            self._do_the_rest()

    def _failed(self, failure: Failure) -> None:
        if not self.over.called:
            self.over.errback(failure)

    def _end(self) -> None:
        if not self.over.called:
            self.over.callback(None)


class Keyboard(Protocol):
    """
    Lines from a terminal; each is carried out at once, others may be under way.

    :param write: writes to the terminal.
    :ivar over: fires at Ctrl-D, or when a line was the last one.
    """

    def __init__(
        self,
        carry_out: CarryOut,
        complete: Callable[[str], list[str]],
        write: Callable[[str], None],
    ) -> None:
        self._carry_out = carry_out
        self._write = write
        self.line = InputLine(PROMPT, complete)
        self.over: Deferred[None] = Deferred()

    def connectionMade(self) -> None:
        """Show the prompt."""
        self.draw()

    def dataReceived(self, data: bytes) -> None:
        """Keys were pressed."""
        for typed in self.line.feed(data):
            if typed.end:
                self._end()
            if self.over.called:
                return
            self._write(f"\r\x1b[K{PROMPT}{typed.line}\n")
            Deferred.fromCoroutine(self._do(typed.line)).addErrback(self._failed)
        if self.line.offers:
            self._write("\n" + "  ".join(self.line.offers) + "\n")
        self.draw()

    def connectionLost(self, reason: Failure = connectionDone) -> None:
        """The terminal is gone."""
        self._end()

    def draw(self) -> None:
        """Draw the input line where the cursor is."""
        if not self.over.called:
            self._write(self.line.drawn(shutil.get_terminal_size().columns))

    async def _do(self, line: str) -> None:
        if not await self._carry_out(line):
            self._end()

    def _failed(self, failure: Failure) -> None:
        if not self.over.called:
            self.over.errback(failure)

    def _end(self) -> None:
        if not self.over.called:
            self._write("\n")
            self.over.callback(None)


class Above(io.TextIOBase):
    """
    A terminal on which the input line stays below what is printed.

    :ivar keyboard: whose line it is.
    """

    def __init__(self, terminal: TextIO) -> None:
        self._terminal = terminal
        self.keyboard: Keyboard | None = None

    def write(self, text: str) -> int:
        """Print whole lines, and draw the input line again behind them."""
        if self.keyboard is None or not text:
            return self._terminal.write(text)
        written = self._terminal.write(f"\r\x1b[K{text}")
        if text.endswith("\n"):
            self.keyboard.draw()
        return written

    def direct(self, text: str) -> None:
        """Print as it is: keys and prompts."""
        self._terminal.write(text)
        self._terminal.flush()

    def flush(self) -> None:
        """As of any file."""
        self._terminal.flush()

    def isatty(self) -> bool:
        """It is one."""
        return self._terminal.isatty()

    @property
    def encoding(self) -> str:  # type: ignore[override]
        """Of the terminal."""
        return self._terminal.encoding


class StandardInput(FileDescriptor):
    """Tells a protocol what comes in on a file descriptor, a pipe's, a file's or a terminal's."""

    def __init__(self, reactor: Any, protocol: Protocol, descriptor: int) -> None:
        super().__init__(reactor)
        self._protocol = protocol
        self._descriptor = descriptor

    def __enter__(self) -> Self:
        self.connected = 1
        self._protocol.makeConnection(self)
        self.startReading()  # type: ignore[no-untyped-call]
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        problem: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.stopReading()  # type: ignore[no-untyped-call]

    def fileno(self) -> int:
        """For the reactor."""
        return self._descriptor

    def doRead(self) -> Any:
        """There is something: one read does not block."""
        return fdesc.readFromFD(self._descriptor, self._protocol.dataReceived)

    def connectionLost(self, reason: Failure) -> None:
        """
        The input has ended; what is there all the same is read first.

        The reactor may tell of a hang-up before it has told of all that came
        before.
        """
        with suppress(OSError):
            while select([self._descriptor], [], [], 0)[0]:
                if self.doRead() is not None:
                    break
        super().connectionLost(reason)  # type: ignore[no-untyped-call]
        self._protocol.connectionLost(reason)


class KeyByKey:
    """A terminal that sends each key at once and does not echo, until it is as before again."""

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor

    def __enter__(self) -> Self:
        self._before = termios.tcgetattr(self._descriptor)
        tty.setcbreak(self._descriptor, termios.TCSANOW)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        problem: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        termios.tcsetattr(self._descriptor, termios.TCSADRAIN, self._before)

"""Runs one command in the reactor, and turns whatever ends it into an exit code."""

from __future__ import annotations

import signal
import sys
import traceback
from collections.abc import Callable, Coroutine
from typing import Any

from twisted.internet.defer import CancelledError, Deferred
from twisted.python.failure import Failure

from ixproxy.cli.outcomes import Exit, error_record, exit_code
from ixproxy.cli.output import Output

Command = Callable[[Any], Coroutine[Any, Any, int]]
"""Given the reactor; returns the exit code."""


def settle(outcome: int | BaseException, output: Output) -> int:
    """
    The exit code for how a command ended; errors are printed here and only here.

    :raise BrokenPipeError: nobody reads them any more.
    """
    if isinstance(outcome, int):
        return outcome
    if isinstance(outcome, BrokenPipeError):
        raise outcome
    code = exit_code(outcome)
    if code is None:
        traceback.print_exception(outcome, file=sys.stderr)
        return Exit.REFUSED
    if code is not Exit.INTERRUPTED:
        output.problem(str(outcome), error_record(outcome))
    return code


def run(command: Command, output: Output) -> int:
    """
    Run a command in the global reactor, until it is done or interrupted.

    SIGINT and SIGTERM cancel it: it says goodbye to its server and cleans up.
    A second signal ends the process at once.
    """
    from twisted.internet import reactor as installed

    reactor: Any = installed

    outcomes: list[int | BaseException] = []
    running: list[Deferred[int]] = []

    def interrupt(number: int, frame: object) -> None:
        for each in (signal.SIGINT, signal.SIGTERM):
            signal.signal(each, signal.SIG_DFL)
        output.note("interrupted; cleaning up (again to stop at once)")
        # The signal may come while the command is being begun: look for it later.
        reactor.callFromThread(lambda: running[0].cancel())

    def done(outcome: int | Failure) -> None:
        if isinstance(outcome, Failure):
            interrupted = outcome.check(CancelledError)
            problem = KeyboardInterrupt() if interrupted else outcome.value
            outcomes.append(problem or RuntimeError(str(outcome)))
        else:
            outcomes.append(outcome)
        reactor.stop()

    def start() -> None:
        for each in (signal.SIGINT, signal.SIGTERM):
            signal.signal(each, interrupt)
        running.append(Deferred.fromCoroutine(command(reactor)))
        running[0].addBoth(done)

    # The reactor's own signals are needed for those of processes that end; when
    # it runs they are all in place, and two of them become ours.
    reactor.callLater(0, start)
    reactor.run()
    return settle(outcomes[0], output)

"""
A place where a program can be stopped in the middle of a transaction.

    gate = Gate(stopped=process.pause)
    executor = SimulatedExecutor(process, random, run=gate.run)
    gate.armed = True       # the next job that comes to `gate.wait()` stays there
    …
    process.resume()
    gate.open()             # and goes on

Theory of operation: jobs of a simulated thread run in the simulation's own
thread, all at one moment. Only while the gate is armed is a job run in a real
thread, so that it can be left standing with all that it has begun. The two
threads take turns: one of them always waits for the other, so a seed is the
same run as ever.
"""

from __future__ import annotations

from collections.abc import Callable
from threading import Semaphore, Thread
from typing import Any

from ixproxy.testing.executor import Heard, outcome_of


class ProgramKilled(BaseException):
    """What a job meets at the gate when its program dies there."""


class Gate:
    """
    :param stopped: called when a job has come to the gate and stays.
    :ivar armed: the next job that comes is to stay; it does so once.
    :ivar holds: whether one stays there now.
    """

    def __init__(self, stopped: Callable[[], Any]) -> None:
        self._stopped = stopped
        self.armed = False
        self.holds = False
        self._killed = False
        self._result: Any = None
        self._heard: Heard | None = None
        self._thread: Thread | None = None
        self._go_on = Semaphore(0)
        self._come_back = Semaphore(0)

    def run(self, job: Callable[[], Any], heard: Heard) -> None:
        """Run a job; `heard` is called with what comes of it, now or after `open`."""
        if not self.armed:
            heard(outcome_of(job))
            return
        self._heard = heard
        self._thread = Thread(target=self._work, args=(job,), daemon=True)
        self._thread.start()
        self._take_turns()

    def wait(self) -> bool:
        """
        A job comes by; if the gate is armed it stays until `open`.

        :return: whether it stayed.
        :raise ProgramKilled: its program has died meanwhile.
        """
        if not self.armed:
            return False
        self.armed, self.holds = False, True
        self._come_back.release()
        self._go_on.acquire()
        if self._killed:
            raise ProgramKilled
        return True

    def open(self) -> None:
        """Let go on whoever stays; disarms. Harmless when nobody does."""
        self.armed = False
        if self.holds:
            self.holds = False
            self._go_on.release()
            self._take_turns()

    def kill(self) -> None:
        """The program dies: who stays there is never heard of again."""
        self._killed, self._heard = True, None
        self.open()

    def _take_turns(self) -> None:
        """Wait until the job stays or is over."""
        self._come_back.acquire()
        if self.holds:
            self._stopped()
            return
        thread, self._thread = self._thread, None
        heard, self._heard = self._heard, None
        result, self._result = self._result, None
        if thread is not None:
            thread.join()
        if heard is not None:
            heard(result)

    def _work(self, job: Callable[[], Any]) -> None:
        self._result = outcome_of(job)
        self._come_back.release()

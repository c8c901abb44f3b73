"""A clock that has a pool of threads, which are none: each job runs when time passes."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from twisted.internet.task import Clock
from twisted.python.failure import Failure


class ThreadlessClock(Clock):
    """
    A reactor for whatever has jobs done by `deferToThreadPool`.

    :ivar stalled: jobs wait until this is False again, as those of a disk that hangs.
    """

    def __init__(self) -> None:
        super().__init__()
        self.stalled = False
        self._jobs: list[Callable[[], None]] = []

    def getThreadPool(self) -> ThreadlessClock:
        return self

    def callInThreadWithCallback(
        self, onResult: Callable[[bool, Any], Any], job: Callable[..., Any], *arguments: Any
    ) -> None:
        def run() -> None:
            try:
                result = job(*arguments)
            except Exception:
                onResult(False, Failure())
            else:
                onResult(True, result)

        self._jobs.append(run)
        self.callLater(0, self.work)

    def callFromThread(self, f: Callable[..., Any], *arguments: Any) -> None:
        self.callLater(0, f, *arguments)

    def work(self) -> None:
        """Run what waits, unless it is stalled."""
        if not self.stalled:
            jobs, self._jobs = self._jobs, []
            for job in jobs:
                job()

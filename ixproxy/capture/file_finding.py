"""
Which files of the inbound directory have finished: a look now and then, and what the kernel says.

Theory of operation: a *scan* lists the directory; a file has finished that is
the same as in the scan before. In between, the watcher's *hints* are files that
were moved in or closed: those are looked at by name, and have finished at once.
A scan finds also what nobody hinted at: what lay there before, what the
kernel's queue had no room for, and everything on a network mount.
"""

from __future__ import annotations

from collections.abc import Callable, Container, Sequence
from typing import Any

from twisted.internet.defer import Deferred
from twisted.logger import Logger
from twisted.python.failure import Failure

from ixproxy.brokers.complaining import Complaint
from ixproxy.capture import file_looking
from ixproxy.capture.file_jobs import Jobs
from ixproxy.capture.file_looking import Found, Look
from ixproxy.capture.file_placing import unusable
from ixproxy.capture.file_settings import FileSettings
from ixproxy.capture.file_watching import Watcher
from ixproxy.capture.refusing import one_line

MOST_HINTS = 10_000
"""Names that were hinted at and nobody has looked at yet; the next scan finds the others."""

LOOK = "look"


class Finding:
    """
    Finds files, from its making until `end`.

    :param name: of the capture point, for the log.
    :param in_hand: names of files that are known already.
    :param scanned: called after each scan, before `found`.
    :param found: called with files that have finished, oldest first.
    """

    log = Logger()

    def __init__(
        self,
        settings: FileSettings,
        reactor: Any,
        name: str,
        jobs: Jobs,
        in_hand: Container[str],
        scanned: Callable[[], object],
        found: Callable[[Sequence[Found]], object],
    ) -> None:
        self._settings = settings
        self._reactor = reactor
        self._jobs = jobs
        self._in_hand = in_hand
        self._told_of_scan = scanned
        self._found = found
        self._complaint = Complaint(self.log, name)
        self._watcher = Watcher(self._finished)
        self._seen: dict[str, Found] = {}
        self._hints: dict[str, None] = {}
        self._ended = False
        self._timer = reactor.callLater(0, self._scan)
        self.state = "connecting: looking for the first time"
        self.strangers = 0
        """How many entries are neither files nor directories: nobody reads those."""

    @property
    def is_watching(self) -> bool:
        """Whether the kernel says what has finished."""
        return self._watcher.is_watching

    def end(self) -> Deferred[None]:
        """Look no more; fires when nothing is watched any longer."""
        self._ended = True
        self._hints.clear()
        if self._timer.active():
            self._timer.cancel()
        return self._watcher.stop()

    def again(self, found: Found) -> None:
        """A file that had finished is to be found by the next scan, if it is the same then."""
        self._seen[found.name] = found

    def _finished(self, name: str) -> None:
        """The kernel says that a file has finished."""
        if self._ended or name in self._in_hand or len(self._hints) >= MOST_HINTS:
            return
        if not self._hints:
            self._reactor.callLater(0, self._look_at_hints)
        self._hints[name] = None

    def _look_at_hints(self) -> None:
        if self._ended or not self._hints or self._jobs.is_running(LOOK):
            return
        hints, self._hints = self._hints, {}
        looking = self._jobs.do(LOOK, file_looking.look_at, self._settings.inbound, list(hints))
        looking.addCallbacks(self._hinted, self._failed)

    def _hinted(self, there: Look) -> None:
        if not self._ended:
            self._found(there.files)
            self._look_at_hints()

    def _scan(self) -> None:
        if self._jobs.is_running(LOOK):
            self._scan_later()
        else:
            self._jobs.do(LOOK, self._look).addCallbacks(self._scanned, self._failed)

    def _look(self) -> Look:
        """:raise OSError: the directory cannot be listed, or another cannot be used."""
        wrong = unusable(tuple(self._settings.directories.items()))
        if wrong:
            raise OSError(0, wrong)
        return file_looking.look(self._settings.inbound)

    def _scanned(self, there: Look) -> None:
        if self._ended:
            return
        self._complaint.over()
        self.state = "connected"
        self.strangers = there.strangers
        # Only now, for the directory has just been read without waiting for ever.
        self._watcher.start(self._reactor, self._settings.inbound)
        others = [each for each in there.files if each.name not in self._in_hand]
        finished = [each for each in others if self._seen.get(each.name) == each]
        self._seen = {each.name: each for each in others}
        self._told_of_scan()
        self._found(finished)
        self._scan_later()
        self._look_at_hints()

    def _failed(self, failure: Failure) -> None:
        if self._ended:
            return
        problem = failure.value
        if not isinstance(problem, OSError):
            self.log.failure("looking for files failed", failure)
        text = one_line(getattr(problem, "strerror", "") or str(problem))
        self.state = f"connecting: {text}"
        self._complaint.about(f"waits: {text}", text)
        self._scan_later()

    def _scan_later(self) -> None:
        if not self._timer.active():
            self._timer = self._reactor.callLater(self._settings.scan_interval, self._scan)

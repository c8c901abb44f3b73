"""The kernel says which files of a directory have been finished, where it can: inotify."""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import Any

from twisted.internet import inotify
from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IReactorFDSet
from twisted.python.failure import Failure
from twisted.python.filepath import FilePath

_FINISHED = inotify.IN_CLOSE_WRITE | inotify.IN_MOVED_TO
_GONE = inotify.IN_DELETE_SELF | inotify.IN_MOVE_SELF | inotify.IN_UNMOUNT | inotify.IN_IGNORED


class _Notices(inotify.INotify):
    """Says when it is over, whoever ended it."""

    def __init__(self, reactor: Any, over: Callable[[], None]) -> None:
        super().__init__(reactor)  # type: ignore[no-untyped-call]
        self._over = over

    def connectionLost(self, reason: Failure) -> None:
        super().connectionLost(reason)  # type: ignore[no-untyped-call]
        self._over()


class Watcher:
    """
    Watches one directory until that is gone, or it is stopped.

    :param finished: called with the name of each file that was moved in, or
        closed by who wrote it; not of those while the kernel's queue overflows.
    """

    def __init__(self, finished: Callable[[str], None]) -> None:
        self._finished = finished
        self._notices: Any = None
        self._waiting: list[Deferred[None]] = []

    @property
    def is_watching(self) -> bool:
        """Whether it is on."""
        return self._notices is not None

    def start(self, reactor: Any, directory: str) -> bool:
        """
        Watch, if that is possible here; False: it is not, so only scans find anything.

        It is not where the kernel has no watch left, nor on a reactor without descriptors.
        """
        if self._notices is not None:
            return True
        if not IReactorFDSet.providedBy(reactor):
            return False
        try:
            notices: Any = _Notices(reactor, self._is_over)
        except (inotify.INotifyError, OSError):
            return False
        self._notices = notices
        notices.startReading()
        try:
            mask = _FINISHED | _GONE | inotify.IN_ONLYDIR
            notices.watch(FilePath(directory), mask, callbacks=[self._noticed])
        except (inotify.INotifyError, OSError):
            notices.loseConnection()
            return False
        return True

    def stop(self) -> Deferred[None]:
        """Watch no more; fires when that is so."""
        stopped: Deferred[None] = Deferred()
        if self._notices is None:
            stopped.callback(None)
        else:
            self._waiting.append(stopped)
            self._notices.loseConnection()
        return stopped

    def _noticed(self, _: object, path: FilePath[bytes], mask: int) -> None:
        if mask & _GONE:
            # The directory has another name, or none: a scan finds out and begins anew.
            if self._notices is not None:
                self._notices.loseConnection()
        elif mask & _FINISHED and not mask & inotify.IN_ISDIR:
            self._finished(os.fsdecode(path.basename()))

    def _is_over(self) -> None:
        self._notices = None
        waiting, self._waiting = self._waiting, []
        for each in waiting:
            each.callback(None)

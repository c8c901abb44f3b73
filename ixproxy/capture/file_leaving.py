"""Files that are done leave the inbound directory."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from typing import NamedTuple

from twisted.logger import Logger
from twisted.python.failure import Failure

from ixproxy.brokers.complaining import Complaint
from ixproxy.capture.file_jobs import Jobs
from ixproxy.capture.file_looking import Found
from ixproxy.capture.file_names import printable
from ixproxy.capture.file_placing import Changed, Places, is_gone
from ixproxy.capture.file_settings import FileSettings

HANDFUL = 64
"""Files that are moved by one job."""

MOVE = "move"


class _Move(NamedTuple):
    """
    A file that is done.

    :ivar reason: why it belongs in the error place; "": it does not.
    :ivar remark: is kept beside it in the processed place, unless it is "".
    """

    found: Found
    reason: str
    remark: str


class Leaving:
    """
    Moves files to the processed or the error place, and tries again with those that it cannot.

    :param name: of the capture point, for the log.
    :param gone: called with the name of each that is out of the way.
    """

    log = Logger()

    def __init__(
        self,
        settings: FileSettings,
        places: Places,
        name: str,
        jobs: Jobs,
        gone: Callable[[str], object],
    ) -> None:
        self._settings = settings
        self._places = places
        self._jobs = jobs
        self._gone = gone
        self._complaint = Complaint(self.log, name)
        self._waiting: deque[_Move] = deque()
        self._stuck: list[_Move] = []
        self._ended = False

    @property
    def stuck(self) -> int:
        """How many are done and could not be moved yet."""
        return len(self._stuck)

    @property
    def problem(self) -> str:
        """Why not, or ""."""
        return self._complaint.text

    def leave(self, found: Found, reason: str = "", remark: str = "") -> None:
        """
        A file is done: it belongs in the error place, if there is a reason, or is processed.

        :param remark: on what is processed, kept beside it.
        """
        self._waiting.append(_Move(found, reason, remark))
        self._move()

    def try_again(self) -> None:
        """Once more with those that could not be moved."""
        self._waiting.extend(self._stuck)
        self._stuck.clear()
        self._move()

    def end(self) -> None:
        """Begin no more."""
        self._ended = True
        self._waiting.clear()
        self._stuck.clear()

    def _move(self) -> None:
        if self._ended or not self._waiting or self._jobs.is_running(MOVE):
            return
        handful = [self._waiting.popleft() for _ in range(min(len(self._waiting), HANDFUL))]
        moving = self._jobs.do(MOVE, self._move_all, handful)
        moving.addCallbacks(self._moved, self._broke, errbackArgs=(handful,))

    def _move_all(self, moves: list[_Move]) -> list[tuple[_Move, str]]:
        """Each, and why it was not possible, or ""."""
        return [(move, self._move_one(move)) for move in moves]

    def _move_one(self, move: _Move) -> str:
        settings = self._settings
        found, reason, remark = move
        try:
            if reason:
                self._places.move(settings.inbound, found, settings.error, reason)
            elif settings.processed:
                self._places.move(settings.inbound, found, settings.processed, remark)
            else:
                self._places.remove(settings.inbound, found)
        except Changed:
            # Another document lies there by now; the next look finds it.
            return ""
        except OSError as problem:
            if is_gone(settings.inbound, found.name):
                return ""  # somebody else took it away
            return problem.strerror or type(problem).__name__
        return ""

    def _moved(self, moved: list[tuple[_Move, str]]) -> None:
        problems = []
        for move, problem in moved:
            if problem:
                self._stuck.append(move)
                problems.append(problem)
            else:
                self._gone(move.found.name)
        if problems:
            self._complain(problems[0])
        elif not self._stuck:
            self._complaint.over()
        if self._ended:
            self._stuck.clear()
        self._move()

    def _complain(self, why: str) -> None:
        name = printable(self._stuck[0].found.name)
        more = f" and {len(self._stuck) - 1} more" if len(self._stuck) > 1 else ""
        stay = "stay" if more else "stays"
        text = f"{name}{more} {stay} in the inbound directory and cannot be moved: {why}"
        self._complaint.about(text, why)

    def _broke(self, failure: Failure, handful: list[_Move]) -> None:
        self.log.failure("moving files failed", failure)
        self._stuck += handful

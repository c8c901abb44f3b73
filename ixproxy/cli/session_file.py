"""
A client session that outlives one command.

Theory of operation: what a client has taken belongs to its session, and goes
back when the client says goodbye. With `--session FILE` a command does not
say goodbye: it writes the session's name, its incarnation and what it holds
to the file, and the next command with the same file registers as the same
session, within the node's `agent-session-restore-timeout`. The name is a
secret, so the file is for its owner only.
"""

from __future__ import annotations

import fcntl
import os
from pathlib import Path
from types import TracebackType
from typing import Self

import msgspec

from ixproxy.cli.outcomes import UsageError


class Saved(msgspec.Struct, frozen=True):
    """
    What is in the file.

    :ivar client_type: a session stays what it was when it was made.
    """

    session: str
    incarnation: int
    client_name: str
    client_type: str
    holding: dict[str, int] = {}


class SessionFile:
    """
    One session file, locked while in use: a session has one connection.

    :raise UsageError: the file cannot be used, or another command uses it.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._lock = -1

    def __enter__(self) -> Self:
        try:
            self._lock = os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
            fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as problem:
            self._close()
            raise UsageError(f"{self._path} is in use by another command") from problem
        except OSError as problem:
            self._close()
            raise UsageError(f"{self._path}: {problem.strerror}") from problem
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        problem: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._close()

    def read(self) -> Saved | None:
        """
        What an earlier command left; None in a new file.

        :raise UsageError: it is not a session file.
        """
        try:
            text = self._path.read_bytes()
            return msgspec.json.decode(text, type=Saved) if text.strip() else None
        except (OSError, msgspec.DecodeError) as problem:
            raise UsageError(f"{self._path} is not a session file: {problem}") from problem

    def write(self, saved: Saved) -> None:
        """Keep the session for the next command."""
        # The file itself is rewritten, not replaced: it carries the lock.
        text = msgspec.json.encode(saved) + b"\n"
        os.pwrite(self._lock, text, 0)
        os.ftruncate(self._lock, len(text))
        os.fsync(self._lock)

    def forget(self) -> None:
        """The session has said goodbye."""
        os.ftruncate(self._lock, 0)

    def _close(self) -> None:
        if self._lock >= 0:
            os.close(self._lock)
            self._lock = -1

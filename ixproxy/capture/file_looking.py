"""
What lies in a directory, and whether it can be read: blocking, for threads.

Theory of operation: a file is read only when nobody writes it any more. Who
renames it into the directory, or closes it, has finished, and the kernel says
so where it can (`ixproxy.capture.file_watching`). Without that a file has
finished that a whole scan later has the same size and time. In both cases the
kernel is asked whether somebody has it open for writing, which it knows of
local files; and what has changed while it was read was not finished either.
"""

from __future__ import annotations

import errno
import fcntl
import os
import signal
import stat
from collections.abc import Iterable
from dataclasses import dataclass
from hashlib import sha256
from typing import NamedTuple

from ixproxy.capture.file_names import is_document, printable

MOST_LISTED = 10_000
"""Files that one look brings; the others come when these are gone."""

MOST_ENTRIES = 200_000
"""Entries of a directory that one look goes through."""

BATCH_FILES = 32
BATCH_BYTES = 4 << 20
"""How much is read in one go: files, and bytes of which the last file may exceed it."""


class Stamp(NamedTuple):
    """What tells one state of a file from another."""

    inode: int
    size: int
    mtime_ns: int


class Found(NamedTuple):
    """A file that may be a document."""

    name: str
    stamp: Stamp


class Look(NamedTuple):
    """
    What one look has found.

    :ivar files: oldest first.
    :ivar strangers: how many entries were neither file nor directory, such as
        symbolic links, which are not followed.
    """

    files: list[Found]
    strangers: int = 0


@dataclass(frozen=True, slots=True)
class Content:
    """
    A file that was read.

    :ivar problem: why it could not be read now, "": it was, or it is `gone`,
        or it is `busy`: not finished.
    :ivar too_large: it was not read, as it has too many bytes.
    """

    found: Found
    content: bytes = b""
    problem: str = ""
    busy: bool = False
    gone: bool = False
    too_large: bool = False

    @property
    def is_read(self) -> bool:
        """Whether `content` is what is in the file."""
        return not (self.problem or self.busy or self.gone or self.too_large)

    @property
    def receipt(self) -> str:
        """The name of this document, the same whenever this file is read again."""
        name, stamp = self.found
        digest = sha256(self.content).hexdigest()
        return f"{printable(name)[:300]} {stamp.size} {stamp.mtime_ns} {digest}"


def stamp_of(status: os.stat_result) -> Stamp:
    """The stamp of a file."""
    return Stamp(status.st_ino, status.st_size, status.st_mtime_ns)


def look(directory: str) -> Look:
    """
    All files in a directory that may be documents, up to `MOST_LISTED`.

    :raise OSError: it cannot be listed.
    """
    files: list[Found] = []
    strangers = entries = 0
    with os.scandir(directory) as listing:
        for entry in listing:
            entries += 1
            if entries > MOST_ENTRIES or len(files) >= MOST_LISTED:
                break
            if not is_document(entry.name):
                continue
            try:
                status = entry.stat(follow_symlinks=False)
            except OSError:
                continue  # gone meanwhile
            if stat.S_ISREG(status.st_mode):
                files.append(Found(entry.name, stamp_of(status)))
            elif not stat.S_ISDIR(status.st_mode):
                strangers += 1
    return Look(sorted(files, key=_age), strangers)


def look_at(directory: str, names: Iterable[str]) -> Look:
    """Those of `names` that are files in a directory and may be documents."""
    files: list[Found] = []
    for name in names:
        if not is_document(name):
            continue
        try:
            status = os.stat(os.path.join(directory, name), follow_symlinks=False)
        except OSError:
            continue
        if stat.S_ISREG(status.st_mode):
            files.append(Found(name, stamp_of(status)))
    return Look(sorted(files, key=_age))


def _age(found: Found) -> tuple[int, str]:
    return found.stamp.mtime_ns, found.name


def read_files(directory: str, files: Iterable[Found], limit: int) -> list[Content]:
    """
    Read some files, as many as fit into one go; the others are not in the answer.

    :param limit: bytes that a document may have.
    """
    read: list[Content] = []
    size = 0
    for found in files:
        if len(read) >= BATCH_FILES or size >= BATCH_BYTES:
            break
        read.append(read_file(directory, found, limit))
        size += len(read[-1].content)
    return read


def read_file(directory: str, found: Found, limit: int) -> Content:
    """Read one file, if it is still as it was found and nobody writes it."""
    flags = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
    try:
        file = os.open(os.path.join(directory, found.name), flags)
        try:
            return _read(file, found, limit)
        finally:
            os.close(file)
    except FileNotFoundError:
        return Content(found, gone=True)
    except OSError as problem:
        if problem.errno == errno.ELOOP:
            return Content(found, gone=True)  # a link is in its place now
        return Content(found, problem=f"{printable(found.name)}: {problem.strerror}")


def _read(file: int, found: Found, limit: int) -> Content:
    status = os.fstat(file)
    if stamp_of(status) != found.stamp or not stat.S_ISREG(status.st_mode) or is_written(file):
        return Content(found, busy=True)
    if status.st_size > limit:
        return Content(found, too_large=True)
    pieces: list[bytes] = []
    left = limit + 1
    while left > 0 and (piece := os.read(file, min(left, 1 << 20))):
        pieces.append(piece)
        left -= len(piece)
    content = b"".join(pieces)
    if stamp_of(os.fstat(file)) != found.stamp or len(content) != found.stamp.size:
        return Content(found, busy=True)
    return Content(found, content)


def is_written(file: int) -> bool:
    """
    Whether some process has the file open for writing; False also where nobody can tell.

    A lease for reading is to be had only while nobody does; it is given back at
    once. A writer that comes in between waits for that moment, and the kernel's
    signal of it is one that is ignored.
    """
    try:
        fcntl.fcntl(file, fcntl.F_SETSIG, signal.SIGURG)
        fcntl.fcntl(file, fcntl.F_SETLEASE, fcntl.F_RDLCK)
    except OSError as problem:
        return problem.errno == errno.EAGAIN
    fcntl.fcntl(file, fcntl.F_SETLEASE, fcntl.F_UNLCK)
    return False

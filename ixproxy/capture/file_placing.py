"""
Files go where they belong, whole and over no other: blocking, for threads.

Theory of operation: a file comes into a directory by a hard link, which never
replaces another, and then leaves its old place; where there are no links, by a
rename after a look. If the process dies between link and removal, both names are
one file, by which the next attempt knows that it was here. What is written is
written to a hidden file first, and is on the disk before it gets its name. No
two writes share a hidden file: those of two threads, or of a primary that hangs
and of the one that took over, may go to one directory together. What a process
left that died is removed when a later one first writes there.
"""

from __future__ import annotations

import errno
import os
import re
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from hashlib import blake2s
from itertools import count
from os.path import join
from secrets import token_hex
from shutil import copyfile, copystat
from stat import S_ISREG
from types import MappingProxyType

from ixproxy.capture import file_names as names
from ixproxy.capture.file_looking import Found, stamp_of

NO_LINKS = frozenset(
    {errno.EPERM, errno.EOPNOTSUPP, errno.ENOSYS, errno.EMLINK, errno.EINVAL, errno.EACCES}
)
"""What file systems say that have no hard links, or not this one."""

_ATTEMPTS = 100
"""Names that are tried in turn, while others take them."""


LEFT_SECONDS = 3600.0
"""How long nobody has touched a hidden file of another host whose writer is believed dead."""

_TOKEN = token_hex(4)
"""This process: another host, or this one after a restart, may have one of the same number."""

_NUMBERS = count(1)

_LONGEST_OWNER = 180
"""Bytes of a hidden file's name but for what makes it the only one."""


class Changed(Exception):
    """The file is not any more the one that was read: its place has another document."""


def put(source: str, target: str) -> None:
    """
    Give the file `source` the name `target`, in the same file system.

    :raise FileExistsError: that name is taken, by another file.
    """
    try:
        os.link(source, target, follow_symlinks=False)
    except FileExistsError:
        if not _are_one(source, target):
            raise
    except OSError as problem:
        if problem.errno not in NO_LINKS:
            raise
        if os.path.lexists(target):
            raise FileExistsError(errno.EEXIST, "File exists", target) from None
        os.rename(source, target)
        return
    os.unlink(source)


def _are_one(source: str, target: str) -> bool:
    try:
        return os.path.samestat(os.lstat(source), os.lstat(target))
    except OSError:
        return False


class Places:
    """
    The directories that one capture point puts files into.

    Its methods may be called in several threads together.

    :param owner: what its hidden files are called by, so that it knows those that it may remove.
    """

    def __init__(self, owner: str) -> None:
        stem = os.fsencode(f".ixproxy-{owner.replace('/', '-')}")[:_LONGEST_OWNER]
        self._stem = os.fsdecode(stem)
        self._writer = re.compile(
            re.escape(self._stem) + r"-([0-9a-f]{8})-([1-9][0-9]{0,8})-([0-9a-f]{8})-[0-9]+\.tmp"
        ).fullmatch
        self._swept: set[str] = set()

    def move(
        self,
        directory: str,
        found: Found,
        target: str,
        beside: Mapping[str, bytes] = MappingProxyType({}),
    ) -> str:
        """
        Move a file that was read to another directory, and say how it is called there.

        :param beside: what is written beside it, by what its name has more than the file's.
        :raise Changed: there is another file by now.
        :raise FileNotFoundError: there is none.
        :raise OSError: it cannot be moved; then it is where it was.
        """
        source = join(directory, found.name)
        if stamp_of(os.lstat(source)) != found.stamp:
            raise Changed(found.name)
        for _ in range(_ATTEMPTS):
            name = self._free(source, target, found.name, beside)
            for ending, content in beside.items():
                # One that is there is of an attempt that the process did not survive.
                with suppress(FileExistsError):
                    self._write(target, names.fitting(name, ending), content)
            try:
                self._put(source, target, name)
            except FileExistsError:
                continue
            return name
        raise OSError(errno.EEXIST, "all names are taken", join(target, found.name))

    def remove(self, directory: str, found: Found) -> None:
        """
        Delete a file that was read.

        :raise Changed: there is another file by now.
        """
        source = join(directory, found.name)
        if stamp_of(os.lstat(source)) != found.stamp:
            raise Changed(found.name)
        os.unlink(source)

    def write(self, directory: str, wanted: str, content: bytes) -> str:
        """
        Write a file, durable but for the directory's own entry, and say how it is called.

        :param wanted: its name, with a number where that is taken.
        """
        for _ in range(_ATTEMPTS):
            name = self._free("", directory, wanted)
            try:
                self._write(directory, name, content)
            except FileExistsError:
                continue
            return name
        raise OSError(errno.EEXIST, "all names are taken", join(directory, wanted))

    def _free(
        self,
        source: str,
        directory: str,
        wanted: str,
        beside: Mapping[str, bytes] = MappingProxyType({}),
    ) -> str:
        """
        A name that is free, or that `source` has there already.

        What stands beside a file that is not there leaves the name free if it is
        the same as `beside`: whoever wrote it died before the move.
        """

        def is_taken(number: int) -> bool:
            name = names.numbered(wanted, number)
            path = join(directory, name)
            if os.path.lexists(path):
                return not (source and _are_one(source, path))
            others = {
                join(directory, names.fitting(name, ending)): content
                for ending, content in beside.items()
            }
            return any(
                os.path.lexists(other) and not _says(other, content)
                for other, content in others.items()
            )

        return names.numbered(wanted, names.first_free(is_taken))

    def _put(self, source: str, directory: str, name: str) -> None:
        try:
            put(source, join(directory, name))
        except OSError as problem:
            if problem.errno != errno.EXDEV:
                raise
            hidden = self._fresh(directory)
            try:
                copyfile(source, hidden, follow_symlinks=False)
                copystat(source, hidden, follow_symlinks=False)
                _sync(hidden)
                put(hidden, join(directory, name))
            except OSError:
                _forget(hidden)
                raise
            os.unlink(source)

    def _write(self, directory: str, name: str, content: bytes) -> None:
        hidden = self._fresh(directory)
        try:
            with open(hidden, "xb") as file:
                file.write(content)
                file.flush()
                os.fsync(file.fileno())
            put(hidden, join(directory, name))
        except OSError:
            _forget(hidden)
            raise

    def _fresh(self, directory: str) -> str:
        """The path of a hidden file that nobody else has."""
        if directory not in self._swept:
            self._swept.add(directory)
            self._sweep(directory)
        unique = f"{_host()}-{os.getpid()}-{_TOKEN}-{next(_NUMBERS)}"
        return join(directory, f"{self._stem}-{unique}.tmp")

    def _sweep(self, directory: str) -> None:
        """Remove what writers left that are dead."""
        with suppress(OSError), os.scandir(directory) as listing:
            for entry in listing:
                writer = self._writer(entry.name)
                if writer is None:
                    continue
                with suppress(OSError):
                    if _is_dead(*writer.groups()) or _is_old(entry.path):
                        os.unlink(entry.path)


def _says(path: str, content: bytes) -> bool:
    """Whether a file has this content."""
    try:
        status = os.lstat(path)
        if not S_ISREG(status.st_mode) or status.st_size != len(content):
            return False
        with open(path, "rb") as file:
            return file.read(len(content)) == content
    except OSError:
        return False


def _host() -> str:
    """This host, in few letters that a file's name may have."""
    return blake2s(os.uname().nodename.encode(), digest_size=4).hexdigest()


def _is_dead(host: str, pid: str, token: str) -> bool:
    """Whether a process runs no more for sure."""
    if host != _host():
        return False
    if int(pid) == os.getpid():
        return token != _TOKEN
    try:
        os.kill(int(pid), 0)
    except ProcessLookupError:
        return True
    except OSError:
        pass  # It is another user's.
    return False


def _is_old(path: str) -> bool:
    # The time of change, for a copy takes over that of its content.
    return os.lstat(path).st_ctime < time.time() - LEFT_SECONDS


def _forget(path: str) -> None:
    with suppress(OSError):
        os.unlink(path)


def _sync(path: str, flags: int = os.O_RDONLY) -> None:
    file = os.open(path, flags | os.O_CLOEXEC)
    try:
        os.fsync(file)
    except OSError as problem:
        # Some network file systems know nothing of a directory that is on the disk.
        if problem.errno not in (errno.EINVAL, errno.EOPNOTSUPP, errno.EBADF):
            raise
    finally:
        os.close(file)


def sync_directory(directory: str) -> None:
    """
    Have the names in a directory on the disk.

    :raise OSError: they are not.
    """
    _sync(directory, os.O_RDONLY | os.O_DIRECTORY)


def unusable(directories: Sequence[tuple[str, str]]) -> str:
    """
    What is wrong with the first of some directories that cannot be used, or "".

    :param directories: each one's key and path.
    """
    for key, path in directories:
        if not os.path.isdir(path):
            return f"{key}: there is no directory {path}"
        if not os.access(path, os.W_OK | os.X_OK):
            return f"{key}: {path} cannot be written to"
    return ""


def is_gone(directory: str, name: str) -> bool:
    """Whether there is a directory, and no such file in it."""
    return os.path.isdir(directory) and not os.path.lexists(join(directory, name))


def last_count(directory: str) -> int:
    """The highest number that a notification in a directory has, 0 where there is none."""
    with os.scandir(directory) as listing:
        return max((names.count_of(entry.name) or 0 for entry in listing), default=0)

"""What a table with `use = "file"` says."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from os.path import isabs, normpath

from ixproxy.capture.asking import Keys
from ixproxy.capture.xml_forms import XmlForms, read_forms

SEQUENTIAL = "sequential"
BY_ID = "by-id"


@dataclass(frozen=True, slots=True)
class FileSettings:
    """
    Directories, all of them absolute.

    :ivar inbound: where the source puts documents.
    :ivar error: where those go of which nothing was done, with the reason.
    :ivar processed: where the others go; "": they are deleted.
    :ivar notification: where the source finds what it is told; "": it is told nothing.
    :ivar queues: queue to the directory where the source finds what it is told of
        interactions that came there, instead of `notification`.
    :ivar naming: how files there are called: "sequential" or "by-id".
    :ivar scan_interval: seconds between the end of a look at `inbound` and the next.
    :ivar forms: how documents are read and written.
    """

    inbound: str
    error: str
    processed: str
    notification: str
    queues: Mapping[str, str]
    naming: str
    scan_interval: float
    forms: XmlForms

    @property
    def directories(self) -> Mapping[str, str]:
        """Those that there must be, by their keys."""
        all_of_them = {
            "inbound-path": self.inbound,
            "error-path": self.error,
            "processed-path": self.processed,
            "notification-path": self.notification,
            **{f'queue-paths "{queue}"': path for queue, path in self.queues.items()},
        }
        return {key: path for key, path in all_of_them.items() if path}


def read_settings(given: Mapping[str, object]) -> FileSettings:
    """
    :param given: the keys of the table.
    :raise ixproxy.errors.ConfigError: with everything that is wrong.
    """
    keys = Keys(given)
    seen: dict[str, str] = {}
    inbound = _directory(keys, "inbound-path", seen, needed=True)
    error = _directory(keys, "error-path", seen, needed=True)
    processed = _directory(keys, "processed-path", seen)
    notification = _directory(keys, "notification-path", seen)
    queues = _queues(keys, seen)
    naming = keys.choice("notification-naming", SEQUENTIAL, (SEQUENTIAL, BY_ID))
    interval = keys.seconds("scan-interval", 5.0, 0.1, 3600.0)
    forms = read_forms(keys)
    keys.finish()
    return FileSettings(inbound, error, processed, notification, queues, naming, interval, forms)


def _directory(keys: Keys, key: str, seen: dict[str, str], *, needed: bool = False) -> str:
    expected = "the absolute path of a directory"
    path = keys.needed_text(key, expected) if needed else keys.text(key)
    return _own(keys, key, key, path, seen) if path else ""


def _queues(keys: Keys, seen: dict[str, str]) -> Mapping[str, str]:
    key = "queue-paths"
    given = keys.table(key, '{ iWD_Completed = "/srv/claims/completed" }')
    found: dict[str, str] = {}
    for queue, path in given.items():
        if isinstance(path, str):
            # Several queues may share one directory.
            found[queue] = _own(keys, key, key, path, seen)
        else:
            keys.refuse(key, f"expected for {queue} the path of a directory, not {path!r}")
    return found


def _own(keys: Keys, key: str, use: str, path: str, seen: dict[str, str]) -> str:
    """A path, if it is absolute and nothing but `use`; else "" with a problem noted."""
    if not isabs(path) or "\0" in path:
        keys.refuse(key, f"expected the absolute path of a directory, not {path!r}")
        return ""
    path = normpath(path)
    other = seen.setdefault(path, use)
    if other != use:
        keys.refuse(key, f"{path} is the {other} already")
    return path

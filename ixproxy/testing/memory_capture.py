"""
A capture point whose outside is a list in memory: for tests, and to be read as an example.

    mail = Mail()
    mail.put("letter-1", document)                 the source has one more
    MemoryMaker("memory", "…", {"inbox": mail})    `use = "memory"`, `mail = "inbox"`
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from msgspec.structs import replace
from twisted.internet.defer import Deferred, fail, succeed
from twisted.plugin import IPlugin
from twisted.python.failure import Failure
from zope.interface import implementer

from ixproxy.errors import ConfigError, ConfigProblem, NodeUnavailable
from ixproxy.interfaces import ICapturePointMaker
from ixproxy.interfaces_capture import ICapturePoint, IIntake
from ixproxy.node.intake_work import Document, Notification, Said, Taken

PAUSE = 1.0
"""Seconds until what was refused is given again, and between two looks at what was cut."""


class Mail:
    """
    An outside: what it has, what it was told, and what was no good.

    :ivar documents: name to document, or to the reason why there is none; oldest first.
    :ivar told: what arrived here, repeated or not.
    :ivar errors: name to reason.
    :ivar is_cut: nobody can reach it.
    """

    def __init__(self) -> None:
        self.documents: dict[str, Document | str] = {}
        self.told: list[Notification] = []
        self.errors: dict[str, str] = {}
        self.is_cut = False
        self.readers: list[MemoryPoint] = []

    def put(self, name: str, document: Document | str) -> None:
        """The source has one more; its name is the receipt."""
        self.documents[name] = document
        for point in list(self.readers):
            point.look()


@implementer(ICapturePoint)
class MemoryPoint:
    """
    One term of a capture point on a `Mail`.

    :param receipts: whether the documents' names serve as receipts.
    """

    def __init__(
        self, mail: Mail, wanted: frozenset[Said] = frozenset(Said), *, receipts: bool = True
    ) -> None:
        self.wanted = wanted
        self._mail = mail
        self._receipts = receipts
        self._intake: IIntake | None = None
        self._given: set[str] = set()
        self._call: Any = None
        self._waits = False
        self._count = 0

    def begin(self, intake: IIntake) -> None:
        """Read what is there, and what comes."""
        self._intake = intake
        self._mail.readers.append(self)
        self.look()

    def end(self) -> Deferred[None]:
        """Read no more; what is in flight stays."""
        self._intake = None
        if self in self._mail.readers:
            self._mail.readers.remove(self)
        if self._call is not None and self._call.active():
            self._call.cancel()
        return succeed(None)

    def tell(self, notifications: Sequence[Notification]) -> Deferred[None]:
        """Put them down."""
        if self._mail.is_cut:
            return fail(NodeUnavailable("the mail is cut"))
        self._mail.told += notifications
        return succeed(None)

    def figures(self) -> Mapping[str, object]:
        """How it is."""
        if self._intake is None:
            return {"state": "ended", "taken": self._count}
        state = "connecting: the mail is cut" if self._mail.is_cut else "connected"
        return {"state": state, "taken": self._count}

    def look(self) -> None:
        """Hand in what is there and not handed in yet, as long as there is room."""
        intake = self._intake
        if intake is None:
            return
        if self._mail.is_cut:
            self._look_later()
            return
        for name in [each for each in self._mail.documents if each not in self._given]:
            document = self._mail.documents[name]
            if isinstance(document, str):
                del self._mail.documents[name]
                self._mail.errors[name] = document
                intake.refused(document, name)
                continue
            if not intake.room():
                self._wait_for_room(intake)
                return
            self._given.add(name)
            receipt = name if self._receipts else ""
            intake.take(replace(document, receipt=receipt)).addCallbacks(
                self._taken, self._refused, (name,), {}, (name,), {}
            )

    def _wait_for_room(self, intake: IIntake) -> None:
        if not self._waits:
            self._waits = True
            intake.when_room(self._has_room)

    def _has_room(self) -> None:
        self._waits = False
        self.look()

    def _taken(self, taken: Taken, name: str) -> None:
        if self._intake is None or self._mail.is_cut:
            # Nobody can tell the source: it has it still, and gives it again.
            self._refused(None, name)
            return
        self._count += 1
        self._given.discard(name)
        self._mail.documents.pop(name, None)

    def _refused(self, _: Failure | None, name: str) -> None:
        self._given.discard(name)
        self._look_later()

    def _look_later(self) -> None:
        if self._intake is not None and (self._call is None or not self._call.active()):
            self._call = self._intake.reactor.callLater(PAUSE, self.look)


@implementer(IPlugin, ICapturePointMaker)
class MemoryMaker:
    """
    Makes capture points for tests.

    :param mails: those that a table may name by its key `mail`.
    """

    def __init__(
        self, mails: Mapping[str, Mail], name: str = "memory", summary: str = "Mail in memory."
    ) -> None:
        self.name = name
        self.summary = summary
        self._mails = mails

    def make(self, settings: Mapping[str, object]) -> MemoryPoint:
        """
        :raise ConfigError: there is no such mail, or a key is unknown.
        """
        problems = [
            ConfigProblem("", key, "unknown setting; there is: mail")
            for key in settings
            if key != "mail"
        ]
        mail = self._mails.get(str(settings.get("mail", "")))
        if mail is None:
            known = ", ".join(self._mails)
            text = f"expected one of {known}, not {settings.get('mail')!r}"
            problems.append(ConfigProblem("", "mail", text))
        if mail is None or problems:
            raise ConfigError(problems)
        return MemoryPoint(mail)

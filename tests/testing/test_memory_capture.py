"""The capture point in memory keeps the contract."""

from __future__ import annotations

import pytest

from ixproxy.errors import ConfigError
from ixproxy.interfaces_capture import ICapturePoint
from ixproxy.node.intake_work import Document, Operation, Verb
from ixproxy.testing.capture_contract import CapturePointContract
from ixproxy.testing.capture_outside import Outside
from ixproxy.testing.fake_intake import FakeIntake
from ixproxy.testing.memory_capture import Mail, MemoryMaker, MemoryPoint


class MailInMemory(Outside):
    def __init__(self, make: type[MemoryPoint] = MemoryPoint) -> None:
        super().__init__()
        self.mail = Mail()
        self.make = make

    def make_point(self) -> ICapturePoint:
        return self.make(self.mail)

    def give(self, name: str) -> None:
        submit = Operation(verb=Verb.SUBMIT, external_id=name)
        self.mail.put(name, Document(operations=(submit,)))

    def give_bad(self, name: str) -> None:
        self.mail.put(name, "it is no document")

    def left(self) -> list[str]:
        return list(self.mail.documents)

    def errors(self) -> dict[str, str]:
        return self.mail.errors

    def told(self) -> list[tuple[str, str]]:
        return [(each.said.value, each.interaction_id) for each in self.mail.told]

    def cut(self) -> None:
        self.mail.is_cut = True

    def mend(self) -> None:
        self.mail.is_cut = False


class TestMemoryPoint(CapturePointContract):
    def outside(self) -> Outside:
        return MailInMemory()


def test_the_maker_finds_the_mail_and_names_what_is_wrong() -> None:
    mail = Mail()
    maker = MemoryMaker({"inbox": mail})
    assert isinstance(maker.make({"mail": "inbox"}), MemoryPoint)
    with pytest.raises(ConfigError) as refused:
        maker.make({"mail": "outbox", "color": 1})
    assert [problem.key for problem in refused.value.problems] == ["color", "mail"]


def test_a_point_without_receipts_gives_none() -> None:
    there = MailInMemory()
    intake = FakeIntake(there.reactor)
    MemoryPoint(there.mail, receipts=False).begin(intake)
    there.give("a")
    assert [document.receipt for document in intake.documents] == [""]

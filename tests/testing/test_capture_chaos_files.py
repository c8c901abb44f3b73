"""Files as a source of capture chaos."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from random import Random
from typing import Any

import pytest_twisted
from msgspec.structs import replace
from twisted.internet.defer import Deferred
from twisted.internet.task import deferLater

from ixproxy.capture.file import make
from ixproxy.capture.xml_writing import write_notification
from ixproxy.node.intake_work import Notification, Problem, Said
from ixproxy.testing.capture_chaos_files import Files, told_in
from ixproxy.testing.capture_chaos_words import Given, Sort, Told


@pytest_twisted.ensureDeferred
async def test_documents_are_files_that_a_capture_point_would_find(
    real_reactor: Any, tmp_path: Path
) -> None:
    files = Files(real_reactor, tmp_path / "source", Random(1))
    await files.start()
    settings = dict(files.settings())
    assert settings.pop("use") == "file"
    make(settings)
    await files.give([Given("a"), Given("torn", Sort.TORN)])
    assert await files.left() == 2
    assert sorted(path.name for path in (files.folder / "inbound").iterdir()) == [
        "a.xml", "torn.xml",
    ]  # fmt: skip


@pytest_twisted.ensureDeferred
async def test_it_is_read_what_became_of_them(real_reactor: Any, tmp_path: Path) -> None:
    files = Files(real_reactor, tmp_path / "source", Random(1))
    await files.start()
    for name, text in (
        ("processed/a.xml", ""), ("processed/a.1.xml", ""), ("processed/.hidden", ""),
        ("error/torn.xml", ""), ("error/torn.xml.reason.txt", "why"), ("error/b.xml", ""),
        ("notification/10.xml", '<interaction operation="held" EventId="1-3"/>'),
        ("notification/9.xml", '<interaction operation="submitted" EventId="1-2"/>'),
    ):  # fmt: skip
        (files.folder / name).write_text(text)
    assert await files.copies() == Counter(a=2)
    assert await files.errors() == {"torn": ["why"], "b": [""]}
    assert await files.told() == [Told("submitted", "", "1-2"), Told("held", "", "1-3")]


@pytest_twisted.ensureDeferred
async def test_who_gives_waits_for_a_directory_that_is_gone(
    real_reactor: Any, tmp_path: Path
) -> None:
    files = Files(real_reactor, tmp_path / "source", Random(1))
    await files.start()

    async def strike() -> None:
        await files.faults()["inbound directory is gone"][0](0.3)

    striking = Deferred.fromCoroutine(strike())
    giving = Deferred.fromCoroutine(files.give([Given("a")]))
    await deferLater(real_reactor, 0.05)
    assert not giving.called
    assert await files.left() == 0
    await striking
    await giving
    assert await files.left() == 1


def test_a_notification_is_what_its_attributes_say() -> None:
    told = Notification(
        said=Said.HELD, number=7, dbid=101, at=1.0, interaction_id="I1", external_id="a"
    )
    assert told_in(write_notification(told)) == Told("held", "a", "101-7", "I1")
    assert told_in(b"<torn").said.startswith("unreadable: ")


def test_an_error_names_the_document_of_which_nothing_can_be_done() -> None:
    told = Notification(
        said=Said.ERROR, number=8, dbid=101, at=1.0, reply=True,
        problem=Problem(51, "torn"), extra={"Document": "a.xml"},
    )  # fmt: skip
    assert told_in(write_notification(told)) == Told("error", "", "101-8", document="a.xml")
    of_one = replace(told, extra={"Verb": "submit", "Document": "a.xml", "Operation": 2})
    assert told_in(write_notification(of_one)) == Told("error", "", "101-8")

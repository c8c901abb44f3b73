"""The file capture point keeps the contract, and whatever happens to files around it."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from ixproxy.capture.file import make
from ixproxy.errors import Code, ConfigError
from ixproxy.node.intake_settings import UNSOLICITED
from ixproxy.node.intake_work import NAME, Problem, Result, Said, Verb
from ixproxy.testing.capture_contract import CapturePointContract
from ixproxy.testing.capture_outside import Outside
from ixproxy.testing.fake_intake import Teller, notification
from tests.capture.folders import Begun, Folders, document, names


class TestFile(CapturePointContract):
    def outside(self) -> Outside:
        return Folders()


@pytest.fixture
def begun() -> Iterator[Begun]:
    made = Begun()
    yield made
    made.end()


def test_a_document_that_was_taken_is_moved_byte_by_byte(begun: Begun) -> None:
    content = document("a").decode().encode("utf-16")
    begun.there.put("a.xml", content)
    begun.there.until(lambda: begun.taken() == ["a"] and not begun.there.left())
    assert (begun.there.processed / "a.xml").read_bytes() == content
    (given,) = begun.intake.documents
    assert given.correlation == {NAME: "a.xml"}
    assert given.replies
    assert given.receipt.startswith(f"a.xml {len(content)} ")


def test_files_of_one_name_stand_side_by_side(begun: Begun) -> None:
    for count in range(1, 14):
        begun.there.put("a.xml", document(f"a{count}"))
        begun.there.until(lambda: not begun.there.left())
    assert names(begun.there.processed) == sorted(
        ["a.xml", *(f"a.{number}.xml" for number in range(1, 13))]
    )
    assert b'"a13"' in (begun.there.processed / "a.12.xml").read_bytes()


def test_without_a_processed_place_what_was_taken_is_deleted() -> None:
    begun = Begun(processed_path="")
    begun.there.give("a")
    begun.there.until(lambda: begun.taken() == ["a"] and not begun.there.left())
    assert names(begun.there.processed) == []
    begun.end()


def test_without_a_notification_place_nothing_is_told_and_nothing_replied() -> None:
    begun = Begun(notification_path="")
    assert begun.point.wanted == frozenset()
    begun.there.give("a")
    begun.there.until(lambda: begun.taken() == ["a"])
    assert not begun.intake.taken[0].replies
    teller = Teller(begun.there.reactor, begun.point)
    teller.tell(notification(Said.STOPPED, "X1"))
    begun.there.until(lambda: not teller.waiting)
    assert names(begun.there.notification) == []
    begun.end()


PARTLY = [
    Result(verb=Verb.SUBMIT, interaction_id="1"),
    Result(verb=Verb.SUBMIT, problem=Problem(Code.UNKNOWN_QUEUE, "no queue Inbuond")),
]


def test_where_nobody_is_told_what_was_refused_of_a_document_lies_beside_it() -> None:
    begun = Begun(notification_path="")
    begun.intake.results_of = lambda given: PARTLY
    begun.there.give("a")
    begun.there.until(lambda: not begun.there.left())
    assert names(begun.there.processed) == ["a.xml", "a.xml.reason.txt"]
    reason = (begun.there.processed / "a.xml.reason.txt").read_text()
    assert reason == "not all of it was done\noperation 2: 3032: no queue Inbuond\n"
    why = "not all of it was done: operation 2: 3032: no queue Inbuond"
    assert begun.intake.partly_refusals == [("a.xml", why)]
    assert (names(begun.there.error), begun.intake.refusals) == ([], [])
    begun.end()


def test_without_a_processed_place_what_was_refused_is_logged_all_the_same() -> None:
    begun = Begun(notification_path="", processed_path="")
    begun.intake.results_of = lambda given: PARTLY
    begun.there.give("a")
    begun.there.until(lambda: not begun.there.left())
    assert [name for name, _ in begun.intake.partly_refusals] == ["a.xml"]
    begun.end()


def test_where_replies_tell_of_it_nothing_lies_beside_the_document(begun: Begun) -> None:
    begun.intake.results_of = lambda given: PARTLY
    begun.there.give("a")
    begun.there.until(lambda: not begun.there.left())
    assert names(begun.there.processed) == ["a.xml"]
    assert begun.intake.partly_refusals == []


def test_with_directories_of_queues_alone_it_wants_to_know_of_placements() -> None:
    begun = Begun(notification_path="", queue_paths={"Done": "/tmp"})
    assert begun.point.wanted == {Said.PLACED_IN_QUEUE}
    begun.end()


def test_with_one_it_wants_to_be_told_everything(begun: Begun) -> None:
    assert begun.point.wanted == UNSOLICITED


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"", "line 1: it is not well-formed: no element found\n"),
        (b"<order/>", "line 1: 'order' holds no interaction\n"),
        (b"<!DOCTYPE a><a/>", "line 1: it has a document type, which is not allowed\n"),
        (document("x") + b" " * 2000, "it has 2103 bytes, 2000 are allowed\n"),
    ],
)
def test_what_cannot_be_read_is_moved_with_the_reason(content: bytes, reason: str) -> None:
    begun = Begun(max_document_size=2000)
    begun.there.put("bad.xml", content)
    begun.there.until(lambda: not begun.there.left())
    assert names(begun.there.error) == ["bad.xml", "bad.xml.reason.txt"]
    assert (begun.there.error / "bad.xml").read_bytes() == content
    assert (begun.there.error / "bad.xml.reason.txt").read_text() == reason
    assert begun.intake.refusals == [("bad.xml", reason.strip())]
    assert begun.point.figures()["errors"] == 1
    assert begun.intake.documents == []
    begun.end()


def test_a_bad_document_that_is_called_as_a_reason_takes_the_place_of_none(begun: Begun) -> None:
    begun.there.put("a.xml", b"<a>")
    begun.there.put("a.xml.reason.txt", b"<b>")
    begun.there.until(lambda: not begun.there.left())
    begun.there.put("a.xml", b"<c>")
    begun.there.until(lambda: not begun.there.left())
    contents = sorted(path.read_bytes() for path in begun.there.error.iterdir())
    assert contents[:3] == [b"<a>", b"<b>", b"<c>"]
    assert len(contents) == 6


def test_a_document_of_which_nothing_could_be_done_is_an_error(begun: Begun) -> None:
    begun.intake.results_of = lambda given: [
        Result(verb=Verb.SUBMIT, problem=Problem(Code.UNKNOWN_QUEUE, "no queue In"))
    ]
    begun.there.give("a")
    begun.there.until(lambda: not begun.there.left())
    assert begun.there.errors() == {"a": "nothing of it was done\n3032: no queue In\n"}


def test_a_document_of_which_something_was_done_is_none(begun: Begun) -> None:
    begun.intake.results_of = lambda given: [
        Result(verb=Verb.SUBMIT, problem=Problem(Code.UNKNOWN_QUEUE, "no queue In")),
        Result(verb=Verb.SUBMIT, interaction_id="1"),
    ]
    begun.there.give("a")
    begun.there.until(lambda: not begun.there.left())
    assert names(begun.there.processed) == ["a.xml"]


def test_a_file_that_grows_is_not_read(begun: Begun) -> None:
    path = begun.there.inbound / "a.xml"
    for part in (b"<interaction ", b'operation="submit" ', b'ExternalId="a"', b"/>"):
        with path.open("ab") as file:
            file.write(part)
        begun.there.later(4)
        assert begun.intake.documents == []
    begun.there.until(lambda: begun.taken() == ["a"])
    assert begun.intake.refusals == []


def test_a_file_that_somebody_has_open_for_writing_is_not_read_however_long(begun: Begun) -> None:
    with (begun.there.inbound / "a.xml").open("wb") as file:
        file.write(document("a"))
        file.flush()
        begun.there.later(60)
        assert begun.intake.documents == []
    begun.there.until(lambda: begun.taken() == ["a"])


def test_hidden_and_unfinished_files_links_and_directories_are_left_alone(begun: Begun) -> None:
    inbound = begun.there.inbound
    outside = begun.there.root / "secret.xml"
    outside.write_bytes(document("secret"))
    (inbound / ".a.xml").write_bytes(document("a"))
    (inbound / "a.xml.tmp").write_bytes(document("a"))
    (inbound / "a.xml.part").write_bytes(document("a"))
    (inbound / "directory.xml").mkdir()
    (inbound / "link.xml").symlink_to(outside)
    (inbound / "broken.xml").symlink_to("nowhere")
    os.mkfifo(inbound / "pipe.xml")
    begun.there.later(60)
    assert begun.intake.documents == []
    assert begun.point.figures()["strangers"] == 3
    assert len(names(inbound)) == 7
    assert outside.exists()


def test_a_name_that_is_no_utf8_is_one_all_the_same(begun: Begun) -> None:
    path = os.fsencode(begun.there.inbound) + b"/\xff\n.xml"
    with open(path, "wb") as file:
        file.write(document("a"))
    begun.there.until(lambda: not begun.there.left())
    assert begun.intake.taken[0].correlation == {NAME: "\\xff\n.xml"}
    assert begun.intake.taken[0].receipt.encode()
    assert len(names(begun.there.processed)) == 1


def test_a_file_with_the_longest_name_finds_its_place(begun: Begun) -> None:
    name = "n" * 251 + ".xml"
    for count in ("a", "b"):
        begun.there.put(name, document(count))
        begun.there.until(lambda: not begun.there.left())
    begun.there.put(name, b"<a>")
    begun.there.until(lambda: not begun.there.left())
    assert names(begun.there.processed) == ["n" * 249 + ".1.xml", name]
    assert len(names(begun.there.error)) == 2


def test_what_it_is_told_is_written_for_its_source(begun: Begun) -> None:
    teller = Teller(begun.there.reactor, begun.point)
    (begun.there.notification / "7.xml").write_bytes(b"")
    (begun.there.notification / "x9.xml").write_bytes(b"")
    teller.tell(notification(Said.STOPPED, "X1"), notification(Said.HELD, "X2"))
    begun.there.until(lambda: not teller.waiting)
    teller.tell(notification(Said.RESUMED, "X3"))
    begun.there.until(lambda: not teller.waiting)
    assert names(begun.there.notification) == ["10.xml", "7.xml", "8.xml", "9.xml", "x9.xml"]
    assert begun.point.figures()["told"] == 3


def test_nothing_is_told_after_the_end(begun: Begun) -> None:
    failures: list[object] = []
    begun.point.end()
    begun.point.tell([notification(Said.STOPPED, "X1")]).addErrback(failures.append)
    assert failures
    begun.there.later(1)


def test_a_notification_that_its_stylesheet_fails_on_goes_to_the_error_place(
    tmp_path: Path,
) -> None:
    sheet = tmp_path / "out.xsl"
    sheet.write_text(
        '<xsl:stylesheet version="1.0" xmlns:xsl="http://www.w3.org/1999/XSL/Transform">'
        '<xsl:template match="/"><b/><xsl:if test="interaction/@operation = \'held\'">'
        '<xsl:message terminate="yes">not held</xsl:message></xsl:if></xsl:template>'
        "</xsl:stylesheet>"
    )
    begun = Begun(outbound_transformation=str(sheet))
    teller = Teller(begun.there.reactor, begun.point)
    held, stopped = notification(Said.HELD, "X1"), notification(Said.STOPPED, "X2")
    teller.tell(held, stopped)
    begun.there.until(lambda: not teller.waiting)
    assert names(begun.there.notification) == ["1.xml"]
    wanted = f"notification-101-{held.number}.xml"
    assert names(begun.there.error) == [wanted, f"{wanted}.reason.txt"]
    assert "not held" in (begun.there.error / f"{wanted}.reason.txt").read_text()
    begun.end()


def test_unusable_settings_are_refused() -> None:
    with pytest.raises(ConfigError, match="inbound-path: missing"):
        make({})

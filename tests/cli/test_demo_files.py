"""The demo's files: what a source writes, and what it makes of what it is told."""

from __future__ import annotations

from pathlib import Path
from random import Random
from typing import Any
from xml.sax.saxutils import quoteattr

import pytest
from twisted.internet.defer import Deferred
from twisted.internet.task import Clock

from ixproxy.capture.xml_reading import read_document
from ixproxy.cli.demo_deployment import NODES, Plan, plan, write
from ixproxy.cli.demo_files import LOOK, REPLY_SECONDS, TOLD_SECONDS, Files, NoReply, document
from ixproxy.cli.demo_input import Work
from ixproxy.cli.demo_ways import FILE_KEY, Way, file_of
from ixproxy.node.intake_work import Operation, Verb
from tests.deferreds import failure_of, no_result, result_of


def work(number: int) -> Work:
    return Work(number, "email", "Q1", {"Subject": "Hello", FILE_KEY: f"{number}.xml"})


class Node:
    """Does to the directories of the first node what a capture point does."""

    def __init__(self, planned: Plan) -> None:
        self._paths = planned.folders(NODES[0])
        self._told = 0

    def tell(self, text: str) -> None:
        self._told += 1
        (self._paths["notification"] / f"{self._told}.xml").write_text(text)

    def reply(self, name: str, identifier: str) -> None:
        self.tell(
            f'<interaction operation="submitted" InteractionId={quoteattr(identifier)}>'
            f'<properties><Queue>Q1</Queue><property name="{FILE_KEY}">{name}</property>'
            "</properties></interaction>"
        )

    def stopped(self, identifier: str) -> None:
        self.tell(f'<interaction operation="stopped" InteractionId="{identifier}"/>')

    def processed(self, name: str) -> None:
        (self._paths["inbound"] / name).rename(self._paths["processed"] / name)

    def refuse(self, name: str, why: str) -> None:
        (self._paths["inbound"] / name).rename(self._paths["error"] / name)
        (self._paths["error"] / f"{name}.reason.txt").write_text(f"{why}\n")

    def takes(self, name: str, identifier: str) -> None:
        self.reply(name, identifier)
        self.processed(name)


class Source:
    """The demo's source, and one node."""

    def __init__(self, tmp_path: Path) -> None:
        self.clock = Clock()
        self.plan = plan(tmp_path / "demo", ["email"], ["Q1"], Random(1), ways=(Way.FILES,))
        write(self.plan)
        self.files = Files(self.clock, self.plan)
        self.node = Node(self.plan)
        self.files.begin()

    def hand_in(self, number: int) -> Deferred[str]:
        # All to the first node.
        self.files.handed_in[NODES[0]] += -self.files.handed_in.total() % len(NODES)
        return Deferred.fromCoroutine(self.files.hand_in(work(number)))

    def look(self) -> None:
        self.clock.advance(LOOK)


@pytest.fixture
def source(tmp_path: Path) -> Any:
    made = Source(tmp_path)
    yield made
    made.files.end()
    assert not made.clock.getDelayedCalls()


def test_a_document_says_all_of_it_whatever_is_in_it() -> None:
    user_data = {
        "Subject": 'Größe <3 & "so"\r\nzwei\n\tdrei ',
        'a "key"\n& more': "€ 👍",
        "Note": "",
        "Customer Name": "  ",
    }
    odd = Work(3, "Web & more", 'Credit <"card">', {**user_data, "ExternalId": 'it\'s\n"one"'})
    properties = {"MediaType": "Web & more", "Queue": 'Credit <"card">', **user_data}
    assert read_document(document(odd)).operations == (
        Operation(verb=Verb.SUBMIT, external_id='it\'s\n"one"', properties=properties),
    )
    (nameless,) = read_document(document(work(1))).operations
    assert nameless.external_id == ""


def test_files_go_round_the_nodes(tmp_path: Path) -> None:
    source = Source(tmp_path)
    waiting = [Deferred.fromCoroutine(source.files.hand_in(work(number))) for number in range(6)]
    for place, node in enumerate(NODES):
        inbound = source.plan.folders(node)["inbound"]
        assert sorted(each.name for each in inbound.iterdir()) == [
            f"{place}.xml",
            f"{place + 3}.xml",
        ]
    assert source.files.record()["per_node"] == dict.fromkeys(NODES, 2)
    for each in waiting:
        each.addErrback(lambda _: None).cancel()
    source.files.end()


def test_a_file_is_handed_in_when_its_reply_is_there(source: Source) -> None:
    first, second = source.hand_in(1), source.hand_in(2)
    source.look()
    source.node.takes("2.xml", "id-2")
    source.look()
    assert result_of(second) == "id-2"
    no_result(first)
    source.node.takes("1.xml", "id-1")
    source.look()
    assert result_of(first) == "id-1"


def told_of(source: Source, *numbers: int) -> None:
    for number in numbers:
        waiting = source.hand_in(number)
        source.node.takes(f"{number}.xml", f"id-{number}")
        source.look()
        result_of(waiting)


def counted(source: Source) -> dict[str, int]:
    """What is wrong at the end; as if all had gone to the first node."""
    source.files.handed_in.clear()
    source.files.handed_in[NODES[0]] = len(source.files.ids)
    source.files.end()
    return {name: count for name, count in source.files.wrong.items() if count}


def test_all_is_well_when_all_is_told_once_and_lies_where_it_belongs(source: Source) -> None:
    told_of(source, 1, 2)
    source.node.stopped("id-1")
    source.look()
    waiting = no_result(source.files.told_all())
    source.node.stopped("id-2")
    source.look()
    result_of(waiting)
    # Now nothing is waited for.
    result_of(source.files.told_all())
    assert counted(source) == {}
    assert source.files.record() == {
        "per_node": {"ixn1": 2}, "replies": 2, "ends_told": 2, "told_once": 2, "strange": {},
        "lying": {"inbound": 0, "processed": 2, "error": 0},
    }  # fmt: skip


def test_what_is_not_told_is_not_waited_for_for_ever(source: Source) -> None:
    told_of(source, 1)
    waiting = no_result(source.files.told_all())
    source.clock.advance(TOLD_SECONDS)
    result_of(waiting)
    assert counted(source) == {"files not told of once": 1}


def test_the_last_look_is_at_the_end(source: Source) -> None:
    told_of(source, 1)
    source.node.stopped("id-1")
    assert counted(source) == {}


@pytest.mark.parametrize(
    ("text", "wrong"),
    [
        ('<interaction operation="stopped" InteractionId="id-1"/>', {"files not told of once": 1}),
        ('<interaction operation="stopped" InteractionId="x"/>', {"told of strangers": 1}),
        ('<interaction operation="held" InteractionId="id-1"/>', {"told of strangers": 1}),
        ("no XML", {"told of strangers": 1}),
    ],
)
def test_what_is_told_too_often_or_of_nobody_is_wrong(
    source: Source, text: str, wrong: dict[str, int]
) -> None:
    told_of(source, 1)
    source.node.stopped("id-1")
    source.node.tell(text)
    source.look()
    assert counted(source) == wrong


def test_a_second_reply_is_wrong(source: Source) -> None:
    told_of(source, 1)
    source.node.reply("1.xml", "id-1")
    source.node.stopped("id-1")
    assert counted(source) == {"files not told of once": 1}


def test_a_file_that_is_left_is_wrong(source: Source) -> None:
    waiting = source.hand_in(1)
    source.node.reply("1.xml", "id-1")
    source.node.stopped("id-1")
    source.look()
    assert result_of(waiting) == "id-1"
    assert counted(source) == {"files in a wrong place": 2}


def refused(waiting: Deferred[str]) -> str:
    return str(failure_of(waiting, NoReply))


def test_a_file_that_is_refused_is_so_with_the_reason(source: Source) -> None:
    waiting = source.hand_in(1)
    source.node.refuse("1.xml", "line 3: no such queue")
    source.node.tell('<interaction operation="error" code="3032" description="no"/>')
    source.look()
    assert refused(waiting) == "1.xml: line 3: no such queue"
    source.files.end()
    assert source.files.wrong["files in a wrong place"] > 0
    assert source.files.wrong["told of strangers"] == 0


def test_a_file_of_which_nothing_is_heard_is_given_up(source: Source) -> None:
    waiting = source.hand_in(1)
    source.clock.advance(REPLY_SECONDS)
    assert refused(waiting) == "1.xml: no reply within 60 s"
    # A late reply is one all the same.
    source.node.takes("1.xml", "id-1")
    source.look()
    assert source.files.ids == {"1.xml": "id-1"}


def test_a_file_that_cannot_be_written_is_said(source: Source) -> None:
    hidden = source.plan.files(NODES[0]) / "not-yet-there.xml"
    hidden.mkdir()
    assert refused(source.hand_in(1)) == f"{file_of(work(1))} cannot be written: Is a directory"

"""All ways by which the demo's interactions come in."""

from __future__ import annotations

import json
from pathlib import Path
from random import Random
from typing import Any

import pytest
import pytest_twisted
from twisted.internet.defer import Deferred, succeed
from twisted.internet.task import Clock

from ixproxy.cli.demo_clients import Measured
from ixproxy.cli.demo_deployment import NODES, Plan, plan, write
from ixproxy.cli.demo_feeding import Feeding, feeding
from ixproxy.cli.demo_files import LOOK
from ixproxy.cli.demo_input import MadeUp, Work
from ixproxy.cli.demo_ways import FEEDS, FILE_KEY, Fed, Way
from tests.deferreds import no_result, result_of


def planned(tmp_path: Path, feed: str = "both") -> Plan:
    made = plan(tmp_path / feed, ["email"], ["Q1"], Random(1), ways=FEEDS[feed])
    write(made)
    return made


class Ways:
    """Feeds three interactions, each by its way."""

    def __init__(self, plan: Plan) -> None:
        self.plan = plan
        self.clock = Clock()
        self.posted = 201
        self.asked: list[str] = []
        self.measured = Measured()
        self.feeding = Feeding(self.clock, plan, self._post)
        self.works = list(Fed(MadeUp(3), plan.ways))

    def _post(self, address: str, headers: dict[str, str], body: bytes) -> Deferred[Any]:
        answer: dict[str, object] = {"interactionId": "by-call"}
        if headers["Idempotency-Key"] in self.asked:
            answer["repeated"] = True
        self.asked.append(headers["Idempotency-Key"])
        return succeed((self.posted, json.dumps(answer).encode()))

    async def _by_server(self, work: Work) -> str:
        return "by-server"

    def hand_in(self, work: Work) -> Deferred[str]:
        handing = self.feeding.hand_in(self.measured, work, self._by_server)
        return Deferred.fromCoroutine(handing)

    def reply(self, said: str) -> None:
        told = self.plan.folders(NODES[0])["notification"]
        number = len(list(told.iterdir())) + 1
        (told / f"{number}.xml").write_text(
            f'<interaction operation="{said}" InteractionId="by-file"><properties>'
            f'<p name="{FILE_KEY}">1.xml</p></properties></interaction>'
        )
        self.clock.advance(LOOK)


@pytest.fixture
def ways(tmp_path: Path) -> Ways:
    return Ways(planned(tmp_path))


def test_each_goes_its_way_and_is_counted_there(ways: Ways) -> None:
    assert ways.feeding.files
    ways.feeding.files.begin()
    by_server, by_file, by_call = [ways.hand_in(work) for work in ways.works]
    assert [result_of(by_server), result_of(by_call)] == ["by-server", "by-call"]
    no_result(by_file)
    ways.reply("submitted")
    assert result_of(by_file) == "by-file"
    telling = no_result(ways.feeding.told_all())
    ways.reply("stopped")
    result_of(telling)
    folders = ways.plan.folders(NODES[0])
    (folders["inbound"] / "1.xml").rename(folders["processed"] / "1.xml")
    ways.feeding.files.end()
    assert ways.feeding.wrong == {}
    record: dict[str, Any] = ways.feeding.record()
    for way in Way:
        assert record[way.name.lower()] == {"handed_in": 1, "answered": 1}
    assert record["files_seen"]["told_once"] == record["calls_seen"]["known"] == 1
    assert sorted(ways.measured.latencies) == ["Call of a web service", "File, until its reply"]


def test_a_refused_one_has_no_id_and_is_an_error(ways: Ways) -> None:
    ways.posted = 400
    assert result_of(ways.hand_in(ways.works[2])) == ""
    assert [text.partition(": ")[0] for text in ways.measured.errors] == ["call 2 to ixn1"]
    assert ways.feeding.wrong == {"not answered": 1}


def test_what_goes_wrong_by_each_way_is_wrong(ways: Ways) -> None:
    assert ways.feeding.files
    assert ways.feeding.posts
    ways.feeding.files.strange["held x"] += 1
    ways.feeding.posts.once_more += 1
    assert ways.feeding.wrong == {"told of strangers": 1, "calls not known again": 1}


@pytest_twisted.ensureDeferred
async def test_there_is_only_what_is_needed(tmp_path: Path, real_reactor: Any) -> None:
    async with feeding(real_reactor, planned(tmp_path, "direct")) as direct:
        assert (direct.files, direct.posts) == (None, None)
        await direct.told_all()
    assert direct.wrong == {}
    record = direct.record()
    assert record["files_seen"] is record["calls_seen"] is None


@pytest_twisted.ensureDeferred
async def test_files_are_looked_at_until_the_end(tmp_path: Path, real_reactor: Any) -> None:
    made = planned(tmp_path, "file")
    async with feeding(real_reactor, made) as fed:
        assert fed.files
        stray = made.folders(NODES[2])["error"] / "stray.xml"
        stray.touch()
    assert fed.wrong == {"files in a wrong place": 1}

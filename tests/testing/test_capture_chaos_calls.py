"""Callers as a source of capture chaos: each calls until it is answered for good."""

from __future__ import annotations

from pathlib import Path
from random import Random
from typing import Any

import pytest
import pytest_twisted
from twisted.internet.defer import Deferred

from ixproxy.capture.web_service import make
from ixproxy.errors import Code
from ixproxy.node.intake_work import Document, Problem, Result
from ixproxy.testing.capture_chaos_calls import Calls
from ixproxy.testing.capture_chaos_words import NOWHERE, Given, Sort, draw
from ixproxy.testing.fake_intake import FakeIntake, Say

pytestmark = pytest.mark.processes


class Strict(FakeIntake):
    """Knows all queues but one."""

    def __init__(self, reactor: Any) -> None:
        super().__init__(reactor, name="claims")
        self.plain = self.results_of
        self.results_of = self._strictly

    def _strictly(self, document: Document) -> list[Result]:
        refused = Problem(Code.UNKNOWN_QUEUE, f"no such queue: {NOWHERE}")
        return [
            Result(verb=asked.verb, external_id=asked.external_id, problem=refused)
            if asked.properties.get("Queue") == NOWHERE
            else done
            for asked, done in zip(document.operations, self.plain(document), strict=True)
        ]


@pytest_twisted.ensureDeferred
async def test_every_call_is_answered_once_it_can_be_and_what_is_bad_with_the_reason(
    real_reactor: Any, tmp_path: Path
) -> None:
    calls = Calls(real_reactor, tmp_path / "source", Random(1))
    await calls.start()
    settings = dict(calls.settings())
    assert settings.pop("use") == "webservice"
    point, intake = make(settings), Strict(real_reactor)
    intake.answers = [Say.BUSY, Say.IN_DOUBT, Say.DONE_BUT_IN_DOUBT] * 3
    given = draw(60, tuple(Sort), Random(1))
    given += [Given(f"more-{sort.name}", sort) for sort in Sort]
    try:
        giving = Deferred.fromCoroutine(calls.give(given))
        # Nobody listens yet.
        await calls.pause(0.1)
        assert await calls.left() == len(given)
        point.begin(intake)
        await calls.pause(0.3)
        calls.relay.cut()
        await giving
        assert await calls.left() == 0
        told = await calls.told()
        submitted = {each.external_id for each in told if each.said == "submitted"}
        assert submitted == {id for each in given for id in each.submits}
        refused = {each.external_id for each in told if each.said == "error"}
        assert refused == {id for each in given for id in each.refused}
        errors = await calls.errors()
        assert set(errors) == {each.name for each in given if each.bad}
        assert NOWHERE in errors["more-REFUSED"][0]
        assert "explode" in errors["more-VERB"][0]
        assert calls.statuses[503] >= 6
    finally:
        await point.end()
        await calls.stop()

"""Rows as a source of capture chaos, in both databases."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from random import Random
from typing import Any

import pytest
import pytest_twisted
from twisted.internet.defer import Deferred

from ixproxy.capture.database import make
from ixproxy.testing import postgresql
from ixproxy.testing.capture_chaos_rows import PostgresqlRows, SqliteRows, TableRows
from ixproxy.testing.capture_chaos_words import NOWHERE, Given, Sort, Told

GIVEN = [Given("a"), Given("b"), Given("torn", Sort.TORN), Given("nowhere", Sort.REFUSED)]


@asynccontextmanager
async def started(reactor: Any, folder: Path, kind: type[TableRows]) -> AsyncIterator[TableRows]:
    if kind is PostgresqlRows and (reason := postgresql.unusable()):
        pytest.skip(reason)
    source = kind(reactor, folder / "source", Random(1))
    await source.start()
    try:
        yield source
    finally:
        await source.stop()


@pytest.mark.processes
@pytest.mark.parametrize("kind", [SqliteRows, PostgresqlRows])
@pytest_twisted.ensureDeferred
async def test_rows_are_given_once_and_read_as_they_are_marked(
    real_reactor: Any, tmp_path: Path, kind: type[TableRows]
) -> None:
    async with started(real_reactor, tmp_path, kind) as rows:
        settings = dict(rows.settings())
        assert settings.pop("use") == "database"
        make(settings)
        await rows.give(GIVEN)
        await rows.give(GIVEN)
        assert await rows.left() == len(GIVEN)
        for statement in (
            "UPDATE orders SET state = 'done', ixn = 'I1' WHERE number = 'a'",
            "UPDATE orders SET state = 'error', code = 4, why = 'bytes' WHERE photo IS NOT NULL",
            "UPDATE orders SET state = 'error', code = 3032, why = 'queue' "
            f"WHERE queue = '{NOWHERE}'",
            "INSERT INTO told (event, what, ixn, number) VALUES ('7', 'held', 'I1', 'a')",
        ):
            rows.run(statement)
        assert await rows.left() == 1
        assert await rows.errors() == {"torn": ["4: bytes"], "nowhere": ["3032: queue"]}
        assert await rows.told() == [
            Told("submitted", "a", "I1", "I1"),
            Told("held", "a", "7", "I1"),
            Told("error", "nowhere", "nowhere"),
        ]


@pytest_twisted.ensureDeferred
async def test_a_file_that_is_locked_keeps_who_gives_waiting(
    real_reactor: Any, tmp_path: Path
) -> None:
    async with started(real_reactor, tmp_path, SqliteRows) as rows:

        async def strike() -> None:
            await rows.faults()["file is locked"][0](0.3)

        striking = Deferred.fromCoroutine(strike())
        giving = Deferred.fromCoroutine(rows.give([Given("a")]))
        await rows.pause(0.1)
        assert not giving.called
        await striking
        await giving
        assert await rows.left() == 1

"""Event logs break, and are mended."""

from __future__ import annotations

from ixproxy.testing.simulation import breaking_logs as breaking
from ixproxy.testing.simulation.stepping import Draws
from tests.testing.simulation.small_worlds import running

FIRST = Draws(0)


def test_a_log_is_away_until_it_is_mended() -> None:
    with running(logs=True) as run:
        assert run.logs is not None
        breaking.lose_log(run, FIRST)
        assert list(run.mends) == ["log whole of node1 is away"]
        shelf = run.logs.shelves["node1", "whole"]
        assert shelf.is_away
        run.mends.popitem()[1]()
        assert not shelf.is_away


def test_a_log_loses_answers_and_what_it_had_comes_again() -> None:
    with running(logs=True) as run:
        assert run.logs is not None
        breaking.lose_answers_of_log(run, FIRST)
        assert run.logs.shelves["node1", "whole"].loses_answers > 0


def test_where_there_are_no_logs_nothing_breaks() -> None:
    with running() as run:
        breaking.lose_log(run, FIRST)
        breaking.lose_answers_of_log(run, FIRST)
        assert run.mends == {}

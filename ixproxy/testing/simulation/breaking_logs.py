"""Faults of event logs: they are out of reach for a while, or lose their answers."""

from __future__ import annotations

from functools import partial

from ixproxy.testing.memory_eventlog import Shelf
from ixproxy.testing.simulation.asking import nobody
from ixproxy.testing.simulation.breaking import break_one
from ixproxy.testing.simulation.run import Run
from ixproxy.testing.simulation.stepping import Draws


def lose_log(run: Run, draws: Draws) -> None:
    """Nobody reaches an event log."""
    if run.logs is None:
        return nobody(run)
    node, log = draws.of(list(run.logs.shelves))
    shelf = run.logs.shelves[node, log]
    break_one(
        run,
        f"log {log} of {node} is away",
        partial(_reach, shelf, away=True),
        partial(_reach, shelf, away=False),
    )


def lose_answers_of_log(run: Run, draws: Draws) -> None:
    """An event log stores what it is given, and its answers are lost."""
    if run.logs is None:
        return nobody(run)
    node, log = draws.of(list(run.logs.shelves))
    run.tell("log {} of {} loses answers", log, node)
    run.logs.shelves[node, log].loses_answers = 1 + draws.percent(50)


def _reach(shelf: Shelf, *, away: bool) -> None:
    shelf.is_away = away

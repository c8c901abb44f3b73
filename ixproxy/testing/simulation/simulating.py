"""One seed simulated: its world, its steps or some of them, and what came of it."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, field, replace
from typing import Any

from ixproxy.testing.places import Places, SqlitePlaces
from ixproxy.testing.simulation.ending import end
from ixproxy.testing.simulation.history import Breach
from ixproxy.testing.simulation.kinds import DO, weights_of
from ixproxy.testing.simulation.rules import AFTER_EACH_STEP, hold_to_rules
from ixproxy.testing.simulation.run import Run
from ixproxy.testing.simulation.snapshots import in_small_steps
from ixproxy.testing.simulation.stepping import drawn_steps
from ixproxy.testing.simulation.worlds import World, drawn_world

STEPS = 300
"""How many steps a seed has when nobody says so."""


@dataclass(frozen=True, slots=True)
class Result:
    """
    What came of a seed.

    :ivar ran: the numbers of the steps that ran.
    :ivar breach: the first broken rule; None: none is.
    :ivar history: what happened, a line each.
    :ivar requests: how many requests there were.
    :ivar store: the kind of the nodes' databases.
    """

    seed: int
    steps: int
    world: World
    ran: tuple[int, ...]
    breach: Breach | None
    seconds: float
    requests: int
    outcomes: dict[str, int] = field(default_factory=dict)
    history: tuple[str, ...] = ()
    store: str = SqlitePlaces.kind

    @property
    def command(self) -> str:
        """What replays it."""
        some = len(self.ran) < self.steps
        return self._command([f"--only {','.join(map(str, self.ran))}"] if some else [])

    @property
    def whole(self) -> str:
        """What runs all steps of its seed."""
        return self._command([])

    def _command(self, which: list[str]) -> str:
        words = ["python -m ixproxy.testing.simulation", f"--seed {self.seed}"]
        words += [f"--steps {self.steps}", *which]
        if self.world.logs:
            words.append("--logs")
        if self.store != SqlitePlaces.kind:
            words.append(f"--store {self.store}")
        return " ".join(words)

    def as_json(self) -> dict[str, Any]:
        """The same as one JSON object."""
        breach = self.breach
        return {
            "seed": self.seed,
            "steps": self.steps,
            "store": self.store,
            "world": str(self.world),
            "ran": list(self.ran),
            "rule": breach.rule if breach else None,
            "broken": breach.text if breach else None,
            "at": breach.at if breach else None,
            "step": breach.step if breach else None,
            "requests": self.requests,
            "seconds": self.seconds,
            "command": self.command,
            "history": list(self.history),
        }


def simulate(
    seed: int,
    steps: int = STEPS,
    *,
    only: Collection[int] | None = None,
    history: bool = True,
    stores: Places | None = None,
    logs: bool = False,
) -> Result:
    """
    Run the simulation of one seed.

    :param steps: how many steps are drawn.
    :param only: the numbers of those that run; None: all.
    :param history: whether the result has it.
    :param stores: where databases lie; None: SQLite in memory.
    :param logs: every node has event logs.
    """
    world = replace(drawn_world(seed), logs=logs)
    drawn = drawn_steps(seed, steps, weights_of(world))
    chosen = [step for step in drawn if only is None or step.number in only]
    run = Run(world, stores)
    hold_to_rules(run)
    try:
        with in_small_steps(world):
            run.begin()
            run.play(chosen, DO, AFTER_EACH_STEP)
            if run.breach is None:
                end(run)
    except AssertionError as problem:
        run.broken("the_cluster_comes_to_rest", str(problem))
    finally:
        run.close()
    return Result(
        seed,
        steps,
        run.world,
        tuple(step.number for step in chosen),
        run.breach,
        run.now(),
        len(run.asked),
        run.outcomes(),
        tuple(run.history.lines()) if history else (),
        SqlitePlaces.kind if stores is None else stores.kind,
    )

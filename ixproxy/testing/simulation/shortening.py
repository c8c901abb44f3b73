"""
A failing seed made short: steps are left out for as long as the same rule breaks.

Theory of operation: what follows the breach is cut off first. Then chunks are
left out, large ones first, as in delta debugging (ddmin), until no single step
can go, or so many attempts were made that somebody should look at it.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from ixproxy.testing.places import Places
from ixproxy.testing.simulation.simulating import Result, simulate

ATTEMPTS = 400
"""How many shorter runs are tried at most."""

Failing = Callable[[Sequence[int]], Result | None]


def shortened(
    result: Result,
    attempts: int = ATTEMPTS,
    progress: Callable[[int, int], None] = lambda steps, attempt: None,
    stores: Places | None = None,
) -> Result:
    """
    The shortest history of a broken rule that is found, of one step at least.

    :param result: one with a breach.
    :param attempts: how many shorter runs are tried at most.
    :param progress: told how many steps are left, and how many runs were tried.
    :param stores: where the runs' databases lie.
    """
    if result.breach is None:
        return result
    rule, tried = result.breach.rule, 0

    def again(numbers: Sequence[int]) -> Result | None:
        nonlocal tried
        tried += 1
        run = simulate(
            result.seed,
            result.steps,
            only=frozenset(numbers),
            stores=stores,
            logs=result.world.logs,
        )
        return run if run.breach is not None and run.breach.rule == rule else None

    best = result
    numbers = list(result.ran)
    if result.breach.step:
        numbers = [number for number in numbers if number <= result.breach.step]
        best = again(numbers) or best
    numbers, size = list(best.ran), max(1, len(best.ran) // 2)
    while tried < attempts:
        found = _without_a_chunk(numbers, size, again, lambda: tried < attempts)
        if found is not None:
            best, numbers = found, list(found.ran)
            progress(len(numbers), tried)
        elif size == 1:
            break
        else:
            size = max(1, size // 2)
        size = min(size, max(1, len(numbers)))
    return best


def _without_a_chunk(
    numbers: Sequence[int], size: int, again: Failing, more: Callable[[], bool]
) -> Result | None:
    """One pass over all chunks of a size; what is left when each that can go has gone."""
    best: Result | None = None
    left = list(numbers)
    # From the end: what is late is seldom needed.
    at = len(left)
    while at > 0 and more():
        start = max(0, at - size)
        shorter = left[:start] + left[at:]
        # A command cannot name no steps.
        found = again(shorter) if shorter else None
        if found is not None:
            best, left = found, shorter
        at = start
    return best

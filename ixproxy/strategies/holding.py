"""How long nodes may hold a pull: the setting that pull strategies have in common."""

from __future__ import annotations

from ixproxy.strategies.settings import Settings

SHORTEST, LONGEST = 1.0, 600.0


def hold_of(keys: Settings) -> float:
    """
    `pull-hold-timeout`, 1 to 600 seconds.

    By default the longest: a proxy cuts every hold down to its own option of
    that name, so here it is set only to hold less than that.
    """
    return keys.seconds("pull-hold-timeout", LONGEST, SHORTEST, LONGEST)

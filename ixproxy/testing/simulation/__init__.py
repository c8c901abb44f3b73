"""
The simulator: a whole cluster, many clients and many faults, on one seed.

    from ixproxy.testing.simulation import shortened, simulate

    result = simulate(seed=7, steps=300)
    if result.breach is not None:
        print("\\n".join(shortened(result).history))

The same seed gives the same history, always. See `doc/simulation.md`.
"""

from __future__ import annotations

from ixproxy.testing.simulation.history import Breach
from ixproxy.testing.simulation.shortening import shortened
from ixproxy.testing.simulation.simulating import STEPS, Result, simulate

__all__ = ["STEPS", "Breach", "Result", "shortened", "simulate"]

"""Short ways to say how far a fan-out has come."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ixproxy.interfaces import Gathered
from ixproxy.values import NodeName

A, B, C = (NodeName(name) for name in ("a", "b", "c"))

EMPTY: dict[str, Any] = {"Interactions": {}}
ONE: dict[str, Any] = {"Interactions": {"id-1": {}}}


def fan_out(
    answers: Mapping[NodeName, Mapping[str, Any]] | None = None,
    *,
    awaited: str = "",
    refusals: Mapping[NodeName, int] | None = None,
    lost: str = "",
    absent: str = "",
) -> Gathered:
    """Nodes are named by one letter, so that a string names several."""
    return Gathered(
        awaited={NodeName(name) for name in awaited},
        answers=dict(answers or {}),
        refusals=dict(refusals or {}),
        lost={NodeName(name) for name in lost},
        absent={NodeName(name) for name in absent},
    )

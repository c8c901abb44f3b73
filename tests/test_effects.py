"""What a mind asks of the world: values that compare and can be listed."""

from __future__ import annotations

from dataclasses import FrozenInstanceError

import pytest

from ixproxy.effects import ClosePeer, Note, ResetLink
from ixproxy.values import NodeName


def test_effects_are_values() -> None:
    assert ClosePeer(1, "x") == ClosePeer(1, "x")
    assert ResetLink(NodeName("a"), "x") != ResetLink(NodeName("b"), "x")
    assert Note("info", "f", {"a": 1}).fields["a"] == 1
    with pytest.raises(FrozenInstanceError):
        ClosePeer(1, "x").peer = 2  # type: ignore[misc]

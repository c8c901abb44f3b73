"""The numbers that only go up."""

from __future__ import annotations

import msgspec

from ixproxy.node.counters import Counters


def test_all_begin_before_the_first() -> None:
    assert set(msgspec.structs.asdict(Counters()).values()) == {0}

"""How many different streams one proxy makes of what happens."""

from __future__ import annotations

from typing import Any

import pytest

from ixproxy import messages as m
from ixproxy.errors import Code
from tests.core.reporting import ALL, NO_MORE, STARTS, Reporting


def test_streams_unlike_all_others_are_limited_and_what_others_have_is_not(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("ixproxy.wire.subscribing.MAX_STREAMS", 2)
    rig = Reporting()
    one, two, three, four = (rig.reporter() for _ in range(4))

    def asks(peer: int, message: Any) -> int:
        rig.ask(peer, message)
        answer = rig.got(peer)[0]
        return int(answer.error_code) if isinstance(answer, m.EventError) else 0

    def of_agent(name: str) -> Any:
        return STARTS(filter={"Agents": {name: 1}})

    assert not asks(one, ALL)
    assert not asks(two, of_agent("a"))
    assert asks(three, of_agent("b")) == Code.LIMIT_REACHED
    assert not asks(three, ALL), "as another has it"
    assert asks(three, of_agent("c")) == Code.LIMIT_REACHED
    assert not asks(two, NO_MORE)
    assert not asks(four, of_agent("b")), "there is room again"
    edge = rig.client("Proxy", client_name="edge", path=["edge"])
    assert not asks(edge, of_agent("d")), "a proxy is never refused its stream"

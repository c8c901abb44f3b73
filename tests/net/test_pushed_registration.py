"""Routers register, and say what they have loaded."""

from __future__ import annotations

from typing import Any

import pytest

from ixproxy.errors import Code
from ixproxy.messages import EventAck, EventError
from tests.net.node_rig import NodeRig


@pytest.mark.parametrize(
    ("listed", "says"),
    [
        ("Mail", "a list of names"),
        ([1], "a list of names"),
        ([""], "a list of names"),
        (["s" * 256], "a list of names"),
        ([str(number) for number in range(1001)], "1001 names, 1000 are allowed"),
    ],
)
def test_what_a_router_has_loaded_is_a_list_of_names(rig: NodeRig, listed: Any, says: str) -> None:
    refusal = rig.peer().register("RoutingEngine", extension={"strategies": listed})
    assert isinstance(refusal, EventError)
    assert refusal.error_code == Code.BAD_ATTRIBUTE
    assert says in refusal.error_description


def test_what_others_say_to_have_loaded_does_not_count(rig: NodeRig) -> None:
    ack = rig.peer().register("MediaServer", extension={"strategies": 7})
    assert isinstance(ack, EventAck)

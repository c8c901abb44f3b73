from __future__ import annotations

from dataclasses import fields

from ixproxy.config import NodeSettings
from ixproxy.net.node_limits import NodeLimits


def test_every_limit_is_an_option_with_the_same_default() -> None:
    options = {each.name: getattr(NodeSettings(), each.name) for each in fields(NodeSettings)}
    for each in fields(NodeLimits):
        assert options[each.name] == getattr(NodeLimits(), each.name), each.name


def test_a_peer_must_have_room_for_the_largest_user_data_and_a_margin() -> None:
    assert NodeLimits(max_userdata_size=1000).min_peer_frame == 1000 + 65536

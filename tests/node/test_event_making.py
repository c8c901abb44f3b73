"""What events say, whoever they are for."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from ixproxy.messages.message import Actor
from ixproxy.node.answers import decoded, encode_map, interaction_properties
from ixproxy.node.event_making import Happening, Shown
from ixproxy.node.packed_properties import PROPERTIES
from ixproxy.node.rows import InteractionRow, PartyRow
from ixproxy.node.turn import Cause
from ixproxy.values import PartyType
from tests.node.tried import TriedNode

ROWS = [
    InteractionRow(id="X1", tenant_id=1, media_type="email"),
    InteractionRow(
        id="X2",
        tenant_id=1,
        media_type="chat",
        type="Inbound",
        state=3,
        queue="In",
        priority=7,
        received_at=5.5,
        workbin_type="Drafts",
        workbin_agent="Ann",
        external_id="E",
        user_data=msgspec.msgpack.encode({"a": {"b": [1, b"x"]}}),
        in_queues=msgspec.msgpack.encode({"Q": ""}),
        out_queues=msgspec.msgpack.encode({"R": ""}),
    ),
]


def party(kind: PartyType) -> PartyRow:
    return PartyRow(
        interaction_id="X2", session=b"s", tenant_id=1, party_type=kind, take_number=1,
        joined_at=1.0, agent_id="Ann", place_id="P", strategy_id="sort",
    )  # fmt: skip


@pytest.mark.parametrize("row", ROWS)
@pytest.mark.parametrize("who", [None, PartyType.AGENT, PartyType.ROUTER, PartyType.STRATEGY])
def test_a_log_has_what_a_client_is_told(
    node: TriedNode, row: InteractionRow, who: PartyType | None
) -> None:
    joined = None if who is None else party(who)
    shown = Shown(node.turn(), Happening(None, row, Cause(), joined))
    packed: Any = shown.logged(row, None)
    told = shown.told(row)
    assert decoded(encode_map(packed)) == told == interaction_properties(row, joined)
    assert shown.logged(row, None) is packed, "what is there already is used"


def test_logs_that_need_other_properties_have_others(node: TriedNode) -> None:
    shown = Shown(node.turn(), Happening(None, ROWS[1], Cause()))
    lean = decoded(encode_map(shown.logged(ROWS[1], PROPERTIES - {"UserData"})))
    whole = decoded(encode_map(shown.logged(ROWS[1], None)))
    assert whole.pop("UserData") == {"a": {"b": [1, b"x"]}}
    assert lean == whole
    assert encode_map(shown.logged(ROWS[1], frozenset())) == b"\x80"


def test_nobody_is_an_actor_too(node: TriedNode) -> None:
    shown = Shown(node.turn(), Happening(None, ROWS[0], Cause()))
    assert shown.actor() is None
    mail = node.media_server("mail-1")
    shown = Shown(node.turn(), Happening(None, ROWS[0], Cause(mail)))
    assert shown.actor() == Actor(media_server="mail-1")

"""Rows of every table that the contract of stores writes and reads."""

from __future__ import annotations

from random import Random
from typing import Any

import msgspec

from ixproxy.interfaces import IStore
from ixproxy.node.expressions import Condition, Order, compile_condition, compile_order
from ixproxy.node.properties import Properties
from ixproxy.node.rows import (
    AgentRow,
    DocumentRow,
    InteractionRow,
    InvitationRow,
    LogoutRow,
    OutboxRow,
    PartyRow,
    ReceiptRow,
    Row,
    SessionRow,
    SnapshotMemberRow,
    SnapshotRow,
    TimerRow,
)

CUSTOM = {"c_product": "string", "c_amount": "number", "c_due": "timestamp"}
PROPERTIES = Properties({"Product": "string", "Amount": "number", "Due": "timestamp"})
NOW = 1_800_000_000.0

FULL = InteractionRow(
    id="full",
    tenant_id=1,
    media_type="e-mail ✉",
    type="Inbound",
    subtype="InboundNew",
    state=3,
    queue='O\'Hara "Q" % :x',
    workbin_type="Drafts",
    workbin_agent="ann",
    workbin_group="g",
    workbin_place="p",
    workbin_place_group="pg",
    is_locked=1,
    is_online=1,
    is_held=1,
    received_at=NOW - 0.125,
    submitted_at=NOW,
    submitted_by="mail-1",
    moved_to_queue_at=NOW + 1,
    placed_in_queue_at=NOW + 2,
    delivered_at=NOW + 3,
    held_at=NOW + 4,
    completed_at=NOW + 5,
    abandoned_at=NOW + 6,
    parent_id="parent",
    external_id="ext",
    priority=-(2**63),
    service_objective=2**63 - 1,
    assigned_to="bob",
    in_queues=b"\x81\xa1a\x01",
    out_queues=b"\x80",
    queue_seq=2**40,
    user_data=bytes(range(256)),
    snapshot_id=2**40,
    custom={"c_product": "Café", "c_amount": 2**53 + 1, "c_due": NOW + 0.5},
)
PARTY = PartyRow(
    interaction_id="i1", session=b"s" * 16, tenant_id=1, party_type=2, take_number=7,
    joined_at=NOW, agent_id="ann", place_id="desk", visibility_mode="Conference",
    agent_number=3, agent_dbid=101,
)  # fmt: skip
SAMPLES: tuple[Row, ...] = (
    FULL,
    InteractionRow(id="bare", tenant_id=2, media_type="chat"),
    PARTY,
    msgspec.structs.replace(PARTY, session=b"\0" * 16, party_type=1, strategy_id="urs"),
    AgentRow(tenant_id=1, agent_id="ann", number=2, dbid=101),
    AgentRow(tenant_id=1, agent_id="ann", number=3, dbid=101, place_id="desk",
             media={"chat": 1, "email": 0}, confirmed=True, logged_in_at=NOW, sessions=[b"a", b""],
             donot_disturb=1, reasons={"": {"ReasonSystemName": "lunch"}, "chat": {}}),
    InvitationRow(ticket=2**40, interaction_id="i1", tenant_id=1, operation="Deliver",
                  agent_id="ann", agent_number=3, agent_dbid=101, place_id="desk",
                  visibility_mode="Coach", inviter=b"\xff" * 16, inviter_agent="bob",
                  inviter_strategy="urs", invited_at=NOW, due_at=NOW + 30.0,
                  extension=b"\x81\xa1a\x01"),
    SessionRow(session=b"\xff" * 16, client_name="desk", client_type="AgentApplication",
               incarnation=2**40, tenants=[1, 2], lost_at=NOW, lost_with="proxy1"),
    LogoutRow(tenant_id=1, agent_id="ann", number=3, dbid=101, place_id="desk",
              application_name="proxy1", lasting=False, due_at=NOW + 30.0,
              last_state={"media": {"chat": 1}, "logged_in_at": NOW}),
    ReceiptRow(tenant_id=1, submitted_by="m", receipt="r", interaction_id="i1", created_at=NOW),
    DocumentRow(point="mail-in", receipt="Ä/1 ✉", kept_until=NOW + 0.5, results=b"\x90\xff"),
    TimerRow(kind="handling", interaction_id="i1", due_at=NOW, seconds=60.0),
    OutboxRow(event_number=2**40, consumer="log", body=b"\x00frame\xff"),
    SnapshotRow(snapshot_id=2**40, session=b"\xff" * 16, tenant_id=1, taken_at=NOW,
                size=2, state=1),
    SnapshotMemberRow(snapshot_id=2**40, interaction_id="full", position=1, state=3,
                      queue_seq=2**40, sort_key=b"\x00key\xff"),
    SnapshotMemberRow(snapshot_id=2**40, interaction_id="Ä", position=0, state=0, queue_seq=1),
)  # fmt: skip


def compiled(store: IStore, condition: str, order: str) -> tuple[Condition, Order]:
    """A condition and an order as this store reads them."""
    return (
        compile_condition(condition, PROPERTIES, store.dialect),
        compile_order(order, PROPERTIES, store.dialect),
    )


def interaction(id: str, **changes: Any) -> InteractionRow:
    """A queued interaction of tenant 1."""
    return InteractionRow(
        **{"id": id, "tenant_id": 1, "media_type": "email", "queue": "Q1", **changes}
    )


def assorted(number: int) -> list[InteractionRow]:
    """Interactions that differ in everything that selections look at, in chance order."""
    random = Random(number)
    texts = ("", "B", "a", "b", "Ä", "z%", "*", None)
    rows = [
        interaction(
            f"i{at:03}",
            priority=random.choice((None, -1, 0, 5, 5, 2**60)),
            received_at=NOW - random.choice((0, 30, 60.5, 90)),
            external_id=random.choice(texts),
            media_type=random.choice(("email", "chat", "E-mail")),
            queue_seq=number - at,
            custom={} if at % 3 else {"c_product": random.choice(texts) or "", "c_amount": at / 4},
        )
        for at in range(number)
    ]
    random.shuffle(rows)
    return rows

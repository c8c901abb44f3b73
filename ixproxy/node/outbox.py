"""
What capture points are told: kept in the outbox, in the transaction of what it is about.

Theory of operation: every notification is a row for the consumer of its
capture point, by the number of its event. How many rows each one has is
counted here, for nobody may fill the disk: from a limit on, what the capture
point did not ask for is dropped, and what it asks is refused until it has read
what there is. Rows leave when the server says that they were told. Where none that
the capture point did not ask for may be told twice, those leave when they are
read; replies never do.
"""

from __future__ import annotations

import msgspec

from ixproxy.node.intake_work import (
    NoticeDropped,
    Notification,
    OutboxGrew,
    Shipment,
    ShipOutbox,
)
from ixproxy.node.outbox_sizes import consumer_of
from ixproxy.node.rows import OutboxRow
from ixproxy.node.turn import Turn

_encode = msgspec.msgpack.Encoder().encode
_decode = msgspec.msgpack.Decoder(Notification).decode


class _Kind(msgspec.Struct):
    """As much of a notification as says whether it is a reply."""

    reply: bool = False


_decode_kind = msgspec.msgpack.Decoder(_Kind).decode


def read_notification(body: bytes) -> Notification:
    """
    What a row of the outbox says.

    :raise msgspec.MsgspecError: it is no notification of this program.
    """
    return _decode(body)


def keep_notification(turn: Turn, point: str, notification: Notification) -> None:
    """Have a capture point told of something; a reply always, all else while there is room."""
    rules = turn.settings.capture[point]
    if not notification.reply and turn.outboxes.sizes.get(point, 0) >= rules.max_outbox:
        turn.tells.append(NoticeDropped(point))
        return
    turn.outboxes.add(point, 1)
    turn.rows.put_outbox(
        OutboxRow(
            event_number=notification.number,
            consumer=consumer_of(point),
            body=_encode(notification),
        )
    )
    turn.tells.append(OutboxGrew(point))


def ship(turn: Turn, work: ShipOutbox) -> Shipment:
    """The next notifications of a capture point; what was told, or may be lost, is deleted."""
    consumer = consumer_of(work.point)
    found = turn.rows.outbox(consumer, work.limit, max(work.told, default=0))
    bodies = {row.event_number: row.body for row in found}
    forgotten = [each for each, body in bodies.items() if work.forget and _may_be_lost(body)]
    gone = [*work.told, *forgotten]
    for number in gone:
        turn.rows.remove_outbox(number, consumer)
    if gone:
        turn.outboxes.add(work.point, -len(gone))
    left = turn.outboxes.sizes.get(work.point, 0)
    return Shipment(work.point, bodies, left, frozenset(forgotten), token=work.token)


def _may_be_lost(body: bytes) -> bool:
    """Whether it is one that the capture point did not ask for; what cannot be read is none."""
    try:
        return not _decode_kind(body).reply
    except msgspec.MsgspecError:
        return False

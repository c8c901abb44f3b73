"""What the rules of a node need to know of its capture points."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum

from ixproxy.node.intake_work import Said


class Check(Enum):
    """
    By what a document, or what it submits, is known to have been here before.

    RECEIPT: by the name that its source gave the document. EXTERNAL_ID: by
    that, too, and a submit by the external id of what there is.
    """

    NONE = "none"
    RECEIPT = "receipt"
    EXTERNAL_ID = "external-id"


UNSOLICITED = frozenset(Said) - {Said.SUBMITTED, Said.INFO, Said.PONG, Said.ERROR}
"""What a capture point may be told besides replies."""

FIELD_DEFAULTS: Mapping[str, object] = {
    "MediaType": "workitem",
    "InteractionType": "Inbound",
    "InteractionSubtype": "InboundNew",
}
"""What a submit has that does not say otherwise, as in the field."""


@dataclass(frozen=True, slots=True)
class CaptureRules:
    """
    One capture point, as the rules see it; its name is that of the media server that they know.

    :ivar tenants: the ids of those that it works for; None: all that the node has.
    :ivar defaults: by the names of the field, what a submit has that does not say otherwise.
    :ivar wanted: what it is told that it did not ask for.
    :ivar receipt_retention: hours.
    :ivar max_outbox: how many notifications may wait for it.
    """

    tenants: frozenset[int] | None = None
    defaults: Mapping[str, object] = field(default_factory=lambda: dict(FIELD_DEFAULTS))
    check: Check = Check.RECEIPT
    wanted: frozenset[Said] = UNSOLICITED
    receipt_retention: float = 24.0
    max_outbox: int = 100_000


def session_of(point: str) -> bytes:
    """What stands for the session of a capture point, which has none: no client has such a one."""
    # Longer than the 16 bytes of those.
    return b"the capture point " + point.encode()

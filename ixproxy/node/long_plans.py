"""
What is read on a reader connection, and what is still to be done with a snapshot.

A snapshot's members are chosen, written, moved, stopped and freed some at a
time, each time in a transaction of its own; between two of them the *progress*
says how far it has come.
"""

from __future__ import annotations

import msgspec

from ixproxy.messages import RequestTakeSnapshot
from ixproxy.messages.answers import InteractionsAnswer
from ixproxy.messages.message import KeyValues
from ixproxy.node.expressions import Condition
from ixproxy.node.selections import Selection


class LongRead(msgspec.Struct, frozen=True):
    """
    A selection for a reader connection, and how to answer with its rows
    (`ixproxy.node.long_reads.answer_of`).

    :ivar answer: the class of the answer.
    :ivar limit: the most rows that it shows; the selection asks for one more.
    :ivar now: the time of the request, for whatever depends on time.
    :ivar keyed: an order was asked for: the answer has sort keys.
    :ivar envelope: of the call to the node's own service that it answers; None: of none.
    """

    selection: Selection
    answer: type[InteractionsAnswer]
    limit: int
    now: float
    keyed: bool = False
    envelope: KeyValues | None = None


class MembersWanted(msgspec.Struct, frozen=True):
    """
    Choose the members of a snapshot.

    :ivar selection: of bare rows.
    :ivar now: the time of the request, for whatever depends on time.
    :ivar keyed: an order was asked for: the members have sort keys.
    """

    request: RequestTakeSnapshot
    selection: Selection
    now: float
    keyed: bool = False


class PageWanted(msgspec.Struct, frozen=True):
    """
    Show a page of a snapshot.

    :ivar start: the first position.
    :ivar number: positions at most.
    :ivar size: positions of the whole snapshot.
    """

    snapshot_id: int
    tenant_id: int
    start: int
    number: int
    size: int


class WorkbinCount(msgspec.Struct, frozen=True):
    """
    A count for a reader connection (`ixproxy.node.long_reads.result_of`).

    :ivar workbins: the type of each workbin, and the selection of what is in it, or was taken
        out of it.
    :ivar now: the time of the request.
    """

    workbins: tuple[tuple[str, Selection], ...]
    now: float


LongPlan = LongRead | MembersWanted | PageWanted | WorkbinCount


class Found(msgspec.Struct, frozen=True):
    """A member that was chosen, as it was then."""

    interaction_id: str
    state: int
    queue_seq: int
    sort_key: bytes = b""


class Taking(msgspec.Struct, frozen=True):
    """
    Chosen members become rows.

    :ivar condition: what they must still meet where they are locked; None: nothing.
    :ivar snapshot_id: 0: none of them has yet.
    :ivar at: how many of `found` have been gone through.
    """

    found: tuple[Found, ...]
    condition: Condition | None
    now: float
    snapshot_id: int = 0
    at: int = 0

    def __repr__(self) -> str:
        return f"Taking({self.at} of {len(self.found)})"


class Moving(msgspec.Struct, frozen=True):
    """
    Members are moved, or stopped.

    :ivar at: the position that is next.
    :ivar done: how many were.
    :ivar errors: interaction id to the code why it was not.
    """

    at: int = 0
    done: int = 0
    errors: dict[str, int] = {}


class Freeing(msgspec.Struct, frozen=True):
    """A snapshot is freed."""

    snapshot_id: int


Progress = Taking | Moving | Freeing

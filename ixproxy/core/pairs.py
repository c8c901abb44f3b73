"""
Which server of a pair serves its node: the one with the newest lease.

Theory of operation
-------------------
Only the holder of a node's lease is its primary, and each lease has a higher
epoch than the one before. A proxy is linked with one server of the pair and
asks the other now and then what it is (a *probe*), for after a switchover that
went wrong both may believe that they are primary. Nobody listens at a backup,
so mostly a probe is refused, and nothing follows. If the other server says
that it is the same node with a higher epoch, the link moves to it: what was in
flight on the older link is in doubt, for its server may no longer commit. What
says that it is another node is a mistake in the deployment, and is reported.

While there is no link the table has nothing to do, for both servers are tried
in turn; and what the linked server is must be known before the other can be
newer. The table is total.

What a restart loses, and who restores it: what was reported already; it is
reported once more.
"""

from __future__ import annotations

from enum import Enum

from ixproxy.core.links import Link, State
from ixproxy.messages import ServerFacts


class Heard(Enum):
    """What a probe of the other server came to."""

    NOBODY = "nobody answers, or it refuses the proxy"
    STRANGER = "it is another server"
    OLDER = "the same node with an older lease"
    SAME = "the same node with the same lease"
    NEWER = "the same node with a newer lease"


class Act(Enum):
    """What follows."""

    STAY = "nothing"
    REPORT = "tell the operator, once"
    MOVE = "link with the other server"


_UNKNOWN = {
    Heard.NOBODY: Act.STAY,
    Heard.STRANGER: Act.REPORT,
    Heard.OLDER: Act.STAY,
    Heard.SAME: Act.STAY,
    Heard.NEWER: Act.STAY,
}
_KNOWN = {**_UNKNOWN, Heard.NEWER: Act.MOVE}

ACTS: dict[State, dict[Heard, Act]] = {
    State.DOWN: _UNKNOWN,
    State.GREETING: _UNKNOWN,
    State.JOINING: _KNOWN,
    State.LINKED: _KNOWN,
}
"""The state of the link, and what was heard of the other server, to what follows."""


def heard_of(server: ServerFacts | None, link: Link) -> Heard:
    """What the other server is, by what it says of itself; None: nothing."""
    if server is None:
        return Heard.NOBODY
    if server.role == "proxy" or server.dbid != link.facts.dbid:
        return Heard.STRANGER
    if server.epoch == link.server.epoch:
        return Heard.SAME
    return Heard.NEWER if server.epoch > link.server.epoch else Heard.OLDER


def act_on(heard: Heard, link: Link) -> Act:
    """The table's answer."""
    return ACTS[link.state][heard]

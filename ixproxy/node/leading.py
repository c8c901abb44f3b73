"""
The life of one server of a node's pair: it waits, serves while it has the lease, and waits again.

Theory of operation
-------------------
A node has one server or two, on one database; who has the lease is primary
and alone listens. Each time that a server leads is a *term*, with a server, a
store and a lease of its own, so nothing in memory outlives it.

WAITING    another server has the lease, or nobody yet. The lease is tried for
           again and again. A holder that shows no life for too long is ended,
           and then the lease is taken.
OPENING    the lease is ours: the store is being opened, then the server
           listens. From here on we show that we live.
PRIMARY    the server serves.
LEAVING    we may not be primary any longer: the store is abandoned, and the
           server is on its way out.
RETURNING  the server has stopped; the lease is being given back. After that
           we wait in a new term.
CLOSING    the process is to end: the server is on its way out. Unless it was
           abandoned it finishes what is under way, and we show that we live.
ENDING     the process is to end, and the lease is being given back.
ENDED      nothing is left.

Whatever hangs has a time limit. A lease that hangs is left to its thread, for
a new term has another one. A server that does not stop cannot be left behind:
its thread may be inside a transaction that keeps others out, so the process
has to end (BREAK).

Who has just failed rests for a while before it tries again, so that the other
server of the pair goes first.

The table is total: what means nothing in a state changes nothing. That is so
for all that comes late: the answer of a lease that was left behind, a loss
that is noticed twice, a server that listens after it was told to stop.

What a restart loses, and who restores it: nothing; who has the lease is known
beside the database.
"""

from __future__ import annotations

from enum import Enum
from typing import NamedTuple

TRY_EVERY = 0.25
"""Seconds between two looks at a lease that another server has."""

REST = 1.0
"""Seconds that who has failed leaves to others."""

BEATS = 5
"""So many times in the lease's limit we show that we live."""


class State(Enum):
    """What the server of a pair is doing."""

    WAITING = "waiting"
    OPENING = "opening"
    PRIMARY = "primary"
    LEAVING = "leaving"
    RETURNING = "returning the lease"
    CLOSING = "closing"
    ENDING = "ending"
    ENDED = "ended"


class Heard(Enum):
    """What can happen to it."""

    TAKEN = "the lease is ours"
    HELD = "another server has the lease"
    SILENT = "another server has it and shows no life"
    FREED = "the silent one has it no more"
    FAILED = "it did not work this time"
    REFUSED = "it did not work, and there is no hope for this process"
    LISTENS = "the server listens"
    LOST = "we may not be primary any longer"
    CHANGED = "the deployment file has changed"
    STOP = "the process is to end"
    STOPPED = "the server has stopped"
    BACK = "the lease is given back"
    STUCK = "what is under way takes too long"


class Act(Enum):
    """What is to be done."""

    TAKE = "try to take the lease"
    PAUSE = "try to take the lease in a moment"
    REST = "leave it to others for a while, then try"
    END = "end the silent holder"
    OPEN = "show that we live, open the store, listen"
    ABANDON = "let the store do nothing any more, and the server leave at once"
    CLOSE = "have the server stop in order"
    RELEASE = "give the lease back"
    RENEW = "begin a new term"
    FINISH = "tell who waits that this is over"
    BREAK = "tell that the process must end, for something in it cannot be ended"


class Next(NamedTuple):
    """Where it goes, and what is done on the way, in order."""

    state: State
    acts: tuple[Act, ...] = ()


_W, _O, _P, _L = State.WAITING, State.OPENING, State.PRIMARY, State.LEAVING
_R, _C, _E = State.RETURNING, State.CLOSING, State.ENDING

_MOVES: dict[State, dict[Heard, Next]] = {
    State.WAITING: {
        Heard.TAKEN: Next(_O, (Act.OPEN,)),
        Heard.HELD: Next(_W, (Act.PAUSE,)),
        Heard.SILENT: Next(_W, (Act.END,)),
        Heard.FREED: Next(_W, (Act.TAKE,)),
        Heard.FAILED: Next(_W, (Act.REST,)),
        Heard.REFUSED: Next(_E, (Act.RELEASE,)),
        Heard.CHANGED: Next(_W, (Act.RENEW, Act.PAUSE)),
        Heard.STOP: Next(_E, (Act.RELEASE,)),
        Heard.STUCK: Next(_W, (Act.RENEW, Act.REST)),
    },
    State.OPENING: {
        Heard.FAILED: Next(_L, (Act.ABANDON,)),
        Heard.REFUSED: Next(_C, (Act.ABANDON,)),
        Heard.LISTENS: Next(_P),
        Heard.LOST: Next(_L, (Act.ABANDON,)),
        Heard.STOP: Next(_C, (Act.CLOSE,)),
    },
    State.PRIMARY: {
        Heard.LOST: Next(_L, (Act.ABANDON,)),
        Heard.STOP: Next(_C, (Act.CLOSE,)),
    },
    State.LEAVING: {
        Heard.STOP: Next(_C),
        Heard.STOPPED: Next(_R, (Act.RELEASE,)),
        Heard.STUCK: Next(State.ENDED, (Act.BREAK,)),
    },
    State.RETURNING: {
        Heard.STOP: Next(_E),
        Heard.BACK: Next(_W, (Act.RENEW, Act.REST)),
        Heard.STUCK: Next(_W, (Act.RENEW, Act.REST)),
    },
    State.CLOSING: {
        Heard.LOST: Next(_C, (Act.ABANDON,)),
        Heard.STOPPED: Next(_E, (Act.RELEASE,)),
        Heard.STUCK: Next(State.ENDED, (Act.ABANDON, Act.BREAK)),
    },
    State.ENDING: {
        Heard.BACK: Next(State.ENDED, (Act.FINISH,)),
        Heard.STUCK: Next(State.ENDED, (Act.FINISH,)),
    },
    State.ENDED: {},
}

NEXT: dict[State, dict[Heard, Next]] = {
    state: {heard: _MOVES[state].get(heard, Next(state)) for heard in Heard} for state in State
}
"""State and what is heard, to what follows."""

LEADING = frozenset({State.OPENING, State.PRIMARY})
"""Where the server has the lease, and means to keep it."""


class Watch:
    """
    How long the holder of a lease has shown no life, on the watcher's own clock.

    Only what passed between looks counts, and of a long gap only a part: a
    watcher that slept itself must not hold that against the holder.
    """

    def __init__(self) -> None:
        self._seen: tuple[str, int] | None = None
        self._looked = 0.0
        self.silent = 0.0
        """Seconds of silence so far."""

    def look(self, name: str, beat: int, now: float, limit: float) -> bool:
        """
        Take down who has the lease, and its beat.

        :return: whether it was silent for `limit` seconds.
        """
        if self._seen == (name, beat):
            self.silent += min(max(0.0, now - self._looked), limit / 2)
        else:
            self._seen, self.silent = (name, beat), 0.0
        self._looked = now
        return self.silent >= limit

    def forget(self) -> None:
        """Whoever has it next is watched anew."""
        self._seen, self.silent = None, 0.0

"""
Which server of an upstream is used: what is known of both, and what follows.

Theory of operation
-------------------
Only the holder of a node's lease is its primary, and each lease has a higher
epoch than the one before. Nobody listens at a backup. A proxy has one link to
a node, with the server *in turn*; the *other* one is asked now and then what it
is (a probe), and is told from the one in turn by what it said last.

UNKNOWN   nothing is known of it yet.
REFUSED   nobody listens there: it stands by, or is gone.
HANGING   it does not answer in time, whether it takes connections or not.
UNFIT     somebody else answers, or it cannot be used.
SERVING   it says that it is the node, with no newer lease.

What happens to the one in turn, or is heard of the other, is looked up in one
table, by the state of the link and what the other one is. Three rules made it:

* *What hangs is not waited for*: the other one is asked while an attempt is
  under way, and one that says it has the newest lease is linked at once.
* *The newest lease wins.* The link moves to a newer one from wherever it is;
  what was in flight on the older one is in doubt, for that may no longer commit.
  An older one is used only when the other was tried since and is of no use: it
  can commit nothing, and it soon finds that out itself.
* *Health is what the transport does*: refusals, time-outs, silence. What a node
  answers to requests is never an input here.

Of proxies that are one upstream any may be used, none is newer than another,
and none is asked: the next in their order is the other one.

Between the decision to leave a server and the next attempt, what still happens
to the one that is left changes nothing.

What a restart loses, and who restores it: all of it; servers are tried again,
and a mistake in the deployment is reported once more.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from enum import Enum

from ixproxy.core.attempts import Attempts, InTurn
from ixproxy.core.link_states import State
from ixproxy.core.link_times import LinkTimes
from ixproxy.messages import ServerFacts
from ixproxy.values import NodeFacts


class Other(Enum):
    """What the server that is not in turn is, as far as is known."""

    UNKNOWN = "unknown"
    REFUSED = "refused"
    HANGING = "hanging"
    UNFIT = "unfit"
    SERVING = "serving"


class Event(Enum):
    """What happens to the server in turn, or is heard of the other one."""

    GONE = "it refuses, or its connection is lost"
    LATE = "it does not accept, or does not answer the registration, in time"
    UNFIT = "it refuses the proxy, or is something else"
    OLDER = "it answers with an older lease than one that was heard of"
    JOINED = "it knows all clients, and is of use"
    SILENT = "requests wait, and nothing comes"
    OTHER_GONE = "the other one refuses"
    OTHER_LATE = "the other one does not answer in time"
    OTHER_UNFIT = "the other one is something else"
    OTHER_OLDER = "the other one has no newer lease"
    OTHER_NEWER = "the other one has the newest lease"


class Act(Enum):
    """What follows."""

    STAY = "nothing"
    TURN = "it is the other one's turn; after a pause, if both had theirs"
    AGAIN = "the same one is tried again, after a short pause"
    MOVE = "the other one is linked at once"
    USE = "attempts begin anew when it is lost"
    ASK = "the other one is asked at once"
    REPORT = "the operator is told"


_ALL = tuple(State)
_TRYING = (State.DOWN, State.GREETING)
_THERE = (State.JOINING, State.LINKED)
_ANY = tuple(Other)
_OF_NO_USE = (Other.REFUSED, Other.HANGING, Other.UNFIT)
_SAME = None

Row = tuple[Collection[State], Collection[Other], Event, Act, Other | None]

ROWS: tuple[Row, ...] = (
    # the link is…            and the other is…   happens             follows     the other then is
    ((*_TRYING, State.JOINING), _ANY, Event.GONE, Act.TURN, Other.REFUSED),
    ((State.LINKED,), _ANY, Event.GONE, Act.AGAIN, _SAME),
    (_TRYING, _ANY, Event.LATE, Act.TURN, Other.HANGING),
    ((State.GREETING,), _ANY, Event.UNFIT, Act.TURN, Other.UNFIT),
    ((State.GREETING,), (Other.UNKNOWN, Other.SERVING), Event.OLDER, Act.TURN, Other.SERVING),
    ((State.GREETING,), _OF_NO_USE, Event.OLDER, Act.STAY, _SAME),
    ((State.JOINING,), _ANY, Event.JOINED, Act.USE, _SAME),
    (_THERE, _ANY, Event.SILENT, Act.ASK, _SAME),
    (_ALL, _ANY, Event.OTHER_GONE, Act.STAY, Other.REFUSED),
    (_ALL, _ANY, Event.OTHER_LATE, Act.STAY, Other.HANGING),
    (_ALL, (Other.UNFIT,), Event.OTHER_UNFIT, Act.STAY, _SAME),
    (_ALL, set(_ANY) - {Other.UNFIT}, Event.OTHER_UNFIT, Act.REPORT, Other.UNFIT),
    (_ALL, _ANY, Event.OTHER_OLDER, Act.STAY, Other.SERVING),
    (_TRYING, _ANY, Event.OTHER_NEWER, Act.MOVE, Other.UNKNOWN),
    (_THERE, _ANY, Event.OTHER_NEWER, Act.MOVE, Other.SERVING),
)  # fmt: skip
"""The table. What stands in no row cannot happen; after TURN and MOVE servers have changed places."""  # noqa: E501


def _spelled_out() -> Mapping[tuple[State, Other, Event], tuple[Act, Other]]:
    found: dict[tuple[State, Other, Event], tuple[Act, Other]] = {}
    for states, others, event, act, after in ROWS:
        for key in ((state, other, event) for state in states for other in others):
            if key in found:
                raise ValueError(f"two rows for {key}")
            found[key] = act, key[1] if after is None else after
    return found


TABLE = _spelled_out()
"""The state of the link, what the other one is, and what happens, to what follows."""

_PLACES_CHANGE = (Act.TURN, Act.MOVE)
_LEAVES = (Act.TURN, Act.MOVE, Act.AGAIN)
_OF_THE_OTHER = frozenset(event for event in Event if event.name.startswith("OTHER"))


def _never_by_chance() -> float:
    """What stands for chance before there is any; a function of a module can be pickled."""
    return 0.0


class Pair:
    """
    The servers of one upstream.

    :param pair: whether it is the two servers of a node.
    :ivar other: what the server not in turn is.
    :ivar epoch: the newest lease that was heard of and not given up since.
    :ivar pause: seconds before the next attempt, once a server was left.
    :ivar left: the server in turn was given up; no attempt has begun since.
    :ivar why: why a server was left last.
    :ivar moves: how often another server came to be of use than the one before.
    :ivar vain: moves in a row after which the server was of no use.
    """

    __slots__ = (
        "_moving",
        "_reasons",
        "_used",
        "attempts",
        "epoch",
        "left",
        "moves",
        "other",
        "pair",
        "pause",
        "vain",
        "why",
    )

    def __init__(self, attempts: Attempts, *, pair: bool) -> None:
        self.attempts = attempts
        self.pair = pair
        self.other = Other.UNKNOWN
        self.epoch = 0
        self.pause = 0.0
        self.left = False
        self.why = ""
        self.moves = 0
        self.vain = 0
        self._moving = False
        self._used: int | None = None
        self._reasons: dict[int, str] = {}

    @classmethod
    def of(cls, facts: NodeFacts) -> Pair:
        """The servers as the file lists them, for a link that has no sockets yet."""
        order = InTurn(max(1, len(facts.servers)), LinkTimes(), _never_by_chance)
        return cls(order, pair=not facts.is_proxy and len(facts.servers) > 1)

    def use(self, attempts: Attempts, *, pair: bool) -> None:
        """There are other servers beside the one in turn: nothing is known of them."""
        if self._used == self.attempts.current:
            self._used = attempts.current
        self.attempts, self.pair, self.other = attempts, pair, Other.UNKNOWN
        self._reasons.clear()

    def begun(self) -> None:
        """An attempt is made at the server in turn."""
        self.left = False

    def greeted(self, epoch: int) -> bool:
        """
        It has answered the registration.

        :return: whether it is to be used.
        """
        if self.pair and epoch < self.epoch:
            why = f"its lease {epoch} is older than {self.epoch}"
            if self.happened(State.GREETING, Event.OLDER, why) is Act.TURN:
                return False
        self.epoch = epoch
        return True

    def heard_of(self, server: ServerFacts, facts: NodeFacts, state: State) -> Event:
        """What the other server is, by what it says of itself."""
        if server.role == "proxy" or server.dbid != facts.dbid:
            return Event.OTHER_UNFIT
        if server.epoch == self.epoch and state in _TRYING:
            # The one in turn has not answered, and no newer one was heard of.
            return Event.OTHER_NEWER
        return Event.OTHER_NEWER if server.epoch > self.epoch else Event.OTHER_OLDER

    def happened(self, state: State, event: Event, why: str = "") -> Act:
        """
        Look up what follows, and take turns accordingly.

        :param state: of the link, before it follows suit.
        :param why: in words, for an operator.
        :raise ValueError: this cannot happen in that state.
        """
        if self.left:
            return Act.STAY
        follows = TABLE.get((state, self.other, event))
        if follows is None:
            raise ValueError(f"{event.name} while the link is {state.value}")
        act, self.other = follows
        if act in _LEAVES:
            self.left = True
            self.why = why or self.why
            self._leave(act)
        elif act is Act.USE:
            self._use()
        return act

    def _leave(self, act: Act) -> None:
        attempts = self.attempts
        if act is Act.AGAIN:
            self.vain = 0
            self.pause = attempts.lost()
        elif act is Act.MOVE:
            self._moving = True
            attempts.go_to((attempts.current + 1) % 2)
            self.pause = 0.0
        else:
            if self._moving:
                self.vain += 1
                self._moving = False
            self.pause = attempts.failed()

    def _use(self) -> None:
        current = self.attempts.current
        if self._used != current:
            self.moves += self._used is not None
            self.vain = 0
        self._used = current
        self._moving = False
        self._reasons.clear()
        self.attempts.used()

    def is_news(self, reason: str) -> bool:
        """Whether the server in turn was of no use for another reason before; asked once."""
        current = self.attempts.current
        news = self._reasons.get(current) != reason
        self._reasons[current] = reason
        return news

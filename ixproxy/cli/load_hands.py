"""
What one client of a load has in its hands, and so what it can do next.

A request that needs what is not there becomes the one that gets it: without
anything in hand all become pulls, a logout without an agent a login. What is
in hand is bounded: a client that has its hands full places its oldest.
"""

from __future__ import annotations

from collections import deque
from typing import NamedTuple

from ixproxy.cli.load_ledger import Ledger
from ixproxy.cli.load_mix import Kind
from ixproxy.errors import Code, RequestRefused

MOST_HELD = 5_000
"""Interactions in one client's hands."""

MOST_SEEN = 100
"""Ids that are remembered to be looked at."""

_GONE = frozenset((Code.UNKNOWN_INTERACTION, Code.NOT_A_PARTY))
GIVES_BACK = frozenset((Kind.STOP, Kind.PLACE, Kind.WORKBIN))


class Act(NamedTuple):
    """What to do, and to what: an interaction or an agent; "" where it needs none."""

    kind: Kind
    subject: str = ""


class Hands:
    """
    One client's.

    :param number: the client's, in the ledger.
    :param pulls: there is a view to pull from.
    :param agents: how many it logs in and out, unless more are wanted at once.
    :param agent_names: what their names begin with.
    """

    def __init__(
        self, number: int, ledger: Ledger, pulls: bool, agents: int, agent_names: str
    ) -> None:
        self._number = number
        self._ledger = ledger
        self.held: deque[str] = deque()
        self.on_hold: deque[str] = deque()
        self.laid: deque[str] = deque()
        self._seen: deque[str] = deque(maxlen=MOST_SEEN)
        self._pulls = pulls
        self._agents = agents
        self._agent_names = agent_names
        self._made = 0
        self._out: deque[str] = deque()
        self._in: deque[str] = deque()

    def choose(self, kind: Kind) -> Act:
        """What to do where `kind` is wanted; its subject is in nobody's hands until answered."""
        match kind:
            case Kind.STOP | Kind.PLACE | Kind.WORKBIN if self.held:
                return self._give_back(kind)
            case Kind.HOLD | Kind.CHANGE if self.held:
                return Act(kind, self.held.popleft())
            case Kind.STOP | Kind.PLACE | Kind.WORKBIN | Kind.HOLD | Kind.CHANGE:
                return self._instead()
            case Kind.RESUME:
                if self.on_hold:
                    return Act(kind, self.on_hold.popleft())
                return self.choose(Kind.HOLD)
            case Kind.FETCH if self.laid:
                return Act(kind, self.laid.popleft())
            case Kind.FETCH:
                return self.choose(Kind.WORKBIN)
            case Kind.SHOW:
                # What others may pull they may stop, and then there is nothing to look at.
                known = self.held if self._pulls else self._seen
                return Act(kind, known[-1]) if known else self._something()
            case Kind.LOGIN | Kind.LOGOUT:
                return self._agent(kind)
            case Kind.PULL if len(self.held) >= MOST_HELD:
                return self._give_back(Kind.PLACE)
        return Act(kind)

    def _give_back(self, kind: Kind) -> Act:
        identifier = self.held.popleft()
        self._ledger.leaving.add(identifier)
        return Act(kind, identifier)

    def _instead(self) -> Act:
        if self.on_hold:
            return Act(Kind.RESUME, self.on_hold.popleft())
        return self._something()

    def _something(self) -> Act:
        return Act(Kind.PULL if self._pulls else Kind.SUBMIT)

    def _agent(self, kind: Kind) -> Act:
        if kind is Kind.LOGOUT and self._in:
            return Act(kind, self._in.popleft())
        if self._out:
            return Act(Kind.LOGIN, self._out.popleft())
        if self._made >= self._agents and self._in:
            return Act(Kind.LOGOUT, self._in.popleft())
        self._made += 1
        return Act(Kind.LOGIN, f"{self._agent_names}{self._made}")

    def submitted(self, identifier: str, queue: str) -> None:
        """Something was handed in."""
        self._ledger.submitted += 1
        self._ledger.handed_into(queue)
        self._seen.append(identifier)

    def took(self, act: Act, identifier: str) -> None:
        """Something was handed over."""
        self._ledger.took(identifier, self._number, fetched=act.kind is Kind.FETCH)
        self.held.append(identifier)

    def done(self, act: Act) -> None:
        """A request that concerns something was acknowledged."""
        kind, subject, ledger = act.kind, act.subject, self._ledger
        if kind in GIVES_BACK:
            ledger.leaving.discard(subject)
            ledger.gone(subject, self._number)
        match kind:
            case Kind.STOP:
                ledger.stopped += 1
            case Kind.PLACE:
                ledger.placed += 1
            case Kind.WORKBIN:
                ledger.laid += 1
                self.laid.append(subject)
            case Kind.HOLD:
                self.on_hold.append(subject)
            case Kind.RESUME | Kind.CHANGE:
                self.held.append(subject)
            case Kind.LOGIN:
                self._in.append(subject)
            case Kind.LOGOUT:
                self._out.append(subject)

    def refused(self, act: Act, problem: RequestRefused) -> None:
        """A request came to nothing, or nobody knows to what."""
        kind, subject, ledger = act.kind, act.subject, self._ledger
        ledger.leaving.discard(subject)
        if kind is Kind.SUBMIT:
            ledger.doubtful_submits += problem.in_doubt
        elif kind in (Kind.LOGIN, Kind.LOGOUT):
            (self._out if kind is Kind.LOGIN else self._in).append(subject)
        elif kind is Kind.FETCH:
            ledger.doubtful_moves += problem.in_doubt
            if not problem.in_doubt and problem.code not in _GONE:
                self.laid.append(subject)
        elif ledger.held.get(subject) == self._number and kind is not Kind.SHOW:
            self._kept(kind, subject, problem)

    def _kept(self, kind: Kind, subject: str, problem: RequestRefused) -> None:
        """What the client had when it asked, and was not revoked meanwhile."""
        ledger = self._ledger
        if problem.in_doubt and kind in GIVES_BACK:
            ledger.gone(subject, self._number)
            if kind is Kind.STOP:
                ledger.doubtful_stops += 1
            else:
                ledger.doubtful_moves += 1
        elif problem.code in _GONE:
            ledger.lost(subject, self._number)
        elif kind is Kind.RESUME or (kind is Kind.HOLD and problem.in_doubt):
            self.on_hold.append(subject)
        else:
            self.held.append(subject)

    def revoked(self, identifier: str) -> None:
        """A node took something back; harmless when the client does not have it."""
        if self._ledger.revoked(identifier, self._number):
            for pile in (self.held, self.on_hold):
                if identifier in pile:
                    pile.remove(identifier)

"""
Finding the owner of an interaction: a read-only question, asked once.

Theory of operation
-------------------
A request whose owner is unknown waits while all linked nodes of its tenant
are asked; others that name the same id queue behind it, so their order stays.
Where a generated id names a node that is linked, that node is asked first
(HINT); only its "no" brings the question to all others (ALL). The verdict is
the by-id decision table: it is data (`VERDICTS`), and is taken once nobody
else can answer, for a second "yes" must not be missed.

What a restart loses, and who restores it: questions in flight; the clients
fail their requests as in doubt when their connections break.
"""

from __future__ import annotations

from enum import Enum
from typing import Protocol

from ixproxy.core.clients import Client
from ixproxy.core.fan_outs import FanOuts
from ixproxy.core.links import Link
from ixproxy.core.locating_turns import Turns
from ixproxy.core.pending import Pending
from ixproxy.core.state import Asked, ProxyState, error_code
from ixproxy.errors import Code
from ixproxy.messages import RequestLocate
from ixproxy.values import NodeName, id_origin
from ixproxy.wire.names import Kind
from ixproxy.wire.prefix import Frame


class Said(Enum):
    """What a node said, or did not, about an id."""

    YES = "yes"
    NO = "no"
    TWICE = "twice"
    """It is a proxy, and more than one of the nodes behind it said yes."""
    UNSURE = "unsure"
    """It is down, switching over, silent past the deadline, or refused."""


class Verdict(Enum):
    """What follows from what all nodes said."""

    FOUND = 0
    UNKNOWN = Code.UNKNOWN_INTERACTION
    NOT_ACCESSIBLE = Code.NOT_ACCESSIBLE
    MORE_THAN_ONE = Code.MORE_THAN_ONE


_SAID = {0: Said.YES, Code.UNKNOWN_INTERACTION: Said.NO, Code.MORE_THAN_ONE: Said.TWICE}

VERDICTS: dict[tuple[int, bool], Verdict] = {
    (0, False): Verdict.UNKNOWN,
    (0, True): Verdict.NOT_ACCESSIBLE,
    (1, False): Verdict.FOUND,
    (1, True): Verdict.FOUND,
    (2, False): Verdict.MORE_THAN_ONE,
    (2, True): Verdict.MORE_THAN_ONE,
}
"""(how many said yes, two standing for more; whether any is unsure) to verdict."""


def verdict(said: dict[NodeName, Said]) -> Verdict:
    """The decision table, from every node of the tenant."""
    answers = list(said.values())
    yes = answers.count(Said.YES) + 2 * answers.count(Said.TWICE)
    return VERDICTS[min(2, yes), Said.UNSURE in answers]


class Seeker(Protocol):
    """Something that waits for an owner; `due` is when its time is up."""

    @property
    def due(self) -> float: ...

    @property
    def client(self) -> Client: ...

    @property
    def reserved(self) -> bool:
        """Whether it gives something back, and is never refused as busy."""

    def owner_found(self, node: NodeName) -> None:
        """`node` holds the interaction, and was just confirmed."""

    def owner_missing(self, code: int) -> None:
        """Nobody can be named; `code` says why."""


class AskedSeeker:
    """
    A seeker for the sake of a request.

    :ivar asked: whose time and client count.
    """

    __slots__ = ("asked",)

    def __init__(self, asked: Asked) -> None:
        self.asked = asked

    @property
    def due(self) -> float:
        """When the request's time is up."""
        return self.asked.due

    @property
    def client(self) -> Client:
        """Who asks."""
        return self.asked.client

    @property
    def reserved(self) -> bool:
        """It may be refused as busy."""
        return False


Id = tuple[int, bytes]


class Locating:
    """One id being located, and who waits for the outcome."""

    def __init__(self, locator: Locator, identifier: Id, seeker: Seeker) -> None:
        self._locator = locator
        self._state = locator.state
        self._id = identifier
        self._due = 0.0
        self.client = seeker.client
        self._said: dict[NodeName, Said] = {}
        self._awaited: set[NodeName] = set()
        self._hinting = False
        self.seekers = [seeker]

    def start(self) -> None:
        """Ask the node that the id names, or everybody; unless it became known meanwhile."""
        tenant, identifier = self._id
        owner = self._state.owners.of(identifier)
        if owner is not None:
            self._finish(owner, Verdict.FOUND)
            return
        if all(seeker.client.gone for seeker in self.seekers):
            self._finish(None, Verdict.NOT_ACCESSIBLE)
            return
        self._state.counters["located"] += 1
        # Half of the time, so that the owner can still be asked what it was all for.
        now = self._state.now
        self._due = now + (self.seekers[0].due - now) / 2
        origin = id_origin(identifier.decode())
        hinted = [
            link
            for link in self._state.links_of(tenant)
            if origin is not None and link.facts.dbid == origin
        ]
        half = self._state.now + (self._due - self._state.now) / 2
        self._hinting = self._ask(hinted, half)
        if not self._hinting:
            self._ask_all()

    def _ask_all(self) -> None:
        self._hinting = False
        links = self._state.links_of(self._id[0])
        self._ask([link for link in links if link.name not in self._said], self._due)
        self._decide()

    def _ask(self, links: list[Link], due: float) -> bool:
        tenant, identifier = self._id
        asked = False
        for link in links:
            if self._state.no_way_to(link, None):
                self._said[link.name] = Said.UNSURE
                continue
            asked = True
            self._awaited.add(link.name)
            self._state.ask(
                link,
                RequestLocate(tenant_id=tenant, interaction_id=identifier.decode()),
                self,
                why="locate",
                due=due,
            )
        return asked

    def answered(self, link: Link, pending: Pending, frame: Frame, body: bytes) -> None:
        """A node answered."""
        code = error_code(frame) if frame.kind == Kind.ERROR else 0
        self._heard(link.name, _SAID.get(code, Said.UNSURE))

    def lost(self, link: Link, pending: Pending) -> None:
        """A node will not answer."""
        self._heard(link.name, Said.UNSURE)

    def _heard(self, node: NodeName, said: Said) -> None:
        self._awaited.discard(node)
        self._said[node] = said
        if self._awaited:
            return
        if not self._hinting:
            self._decide()
        elif said is Said.YES:
            self._finish(node, Verdict.FOUND)
        else:
            self._ask_all()

    def _decide(self) -> None:
        if self._awaited:
            return
        for node, said in self._said.items():
            if said is Said.YES and node not in self._state.links:
                # It has left the cluster since: nobody can be asked for it any more.
                self._said[node] = Said.UNSURE
        found = [node for node, said in self._said.items() if said is Said.YES]
        self._finish(found[0] if found else None, verdict(self._said))

    def _finish(self, node: NodeName | None, outcome: Verdict) -> None:
        del self._locator.in_flight[self._id]
        if outcome is Verdict.FOUND and node is not None:
            self._state.owners.confirm(self._id[1], node)
            for seeker in self.seekers:
                seeker.owner_found(node)
        else:
            for seeker in self.seekers:
                seeker.owner_missing(outcome.value)
        self._locator.turns.ended(self.client)


class Submitted:
    """An id whose submits through this proxy are pending: later requests wait."""

    def __init__(self) -> None:
        self.pending = 0
        self.seekers: list[Seeker] = []


class Locator:
    """All ids being located or submitted; one question for each at a time."""

    def __init__(self, state: ProxyState) -> None:
        self.state = state
        self.in_flight: dict[Id, Locating | Submitted] = {}
        self.turns = Turns()

    def busy(self, tenant: int, identifier: bytes) -> bool:
        """Whether requests for the id must queue now."""
        return (tenant, identifier) in self.in_flight

    def seek(self, tenant: int, identifier: bytes, seeker: Seeker) -> None:
        """Tell `seeker` the owner; at once if it is known and nothing is in flight."""
        key = tenant, identifier
        current = self.in_flight.get(key)
        if current is not None:
            if (
                len(current.seekers) >= self.state.settings.max_waiting_per_id
                and not seeker.reserved
            ):
                self.state.counters["busy"] += 1
                seeker.owner_missing(Code.BUSY)
            else:
                current.seekers.append(seeker)
            return
        owner = self.state.owners.of(identifier)
        if owner is not None:
            seeker.owner_found(owner)
            return
        if not self.state.links_of(tenant):
            seeker.owner_missing(Code.NO_SERVERS)
            return
        if self._full(seeker.client) and not seeker.reserved:
            self.state.counters["busy"] += 1
            seeker.owner_missing(Code.BUSY)
            return
        locating = self.in_flight[key] = Locating(self, key, seeker)
        self.turns.begin(locating)

    def _full(self, client: Client) -> bool:
        """Whether too many ids are being located, for all or for one client."""
        most = self.state.settings.max_locating
        waiting = len(self.turns.waiting.get(client, ()))
        return len(self.in_flight) >= most or waiting >= FanOuts.share(most)

    def submit_began(self, tenant: int, identifier: bytes) -> Submitted | None:
        """
        A submit that names its id was sent.

        :return: what to say `submit_ended` with; None: the id is being located.
        """
        current = self.in_flight.setdefault((tenant, identifier), Submitted())
        if not isinstance(current, Submitted):
            return None
        current.pending += 1
        return current

    def submit_ended(self, tenant: int, identifier: bytes, submitted: Submitted) -> None:
        """That submit was answered, whatever the answer: go on after the last."""
        submitted.pending -= 1
        if not submitted.pending:
            del self.in_flight[tenant, identifier]
            for seeker in submitted.seekers:
                self.seek(tenant, identifier, seeker)

    def expire(self) -> None:
        """Some time passed: whose time is up waits no more; nothing was sent."""
        now = self.state.now
        for key, current in list(self.in_flight.items()):
            late = [seeker for seeker in current.seekers if seeker.due <= now]
            if late:
                current.seekers[:] = [seeker for seeker in current.seekers if seeker.due > now]
                match current:
                    case Locating(seekers=[]) if self.turns.drop(current):
                        del self.in_flight[key]
                for seeker in late:
                    seeker.owner_missing(Code.EXPIRED)

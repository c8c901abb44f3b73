"""
Playing a script: its clients do what it says, and everything that they hear is kept.

Rounds are begun at the same times wherever a script is played, so that timers
run out in the same round everywhere. What a reporting client hears is held
against the rules of streams as well (`ixproxy.testing.watching`).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from itertools import pairwise
from math import ceil
from typing import Any, Protocol

import msgspec
from twisted.internet.defer import Deferred, DeferredList
from twisted.internet.task import deferLater
from twisted.python.failure import Failure

from ixproxy.client import Answer
from ixproxy.errors import RequestRefused
from ixproxy.messages import (
    EventAck,
    EventInvite,
    EventPulledInteractions,
    RequestPull,
    RequestSubmit,
)
from ixproxy.messages.message import Message, Request
from ixproxy.testing.normal_form import NormalForm
from ixproxy.testing.snapshot_playing import PlayedSnapshots
from ixproxy.testing.steps import (
    LABEL,
    TENANT,
    THE_TICKET,
    Action,
    Ask,
    Lose,
    PullAll,
    ReadAll,
    Renew,
    Script,
    ScriptClient,
    Upon,
    Vanish,
    Wait,
)
from ixproxy.testing.watching import StreamWatch

ROUND = 7.0
"""
Seconds that a round takes, or a multiple: it begins at the same time whatever
the servers' answers took, so that timers run out in the same round everywhere.
"""

REST = 3.1
"""Seconds in which everything that is on its way arrives."""

BETWEEN_LOSSES = 0.05
"""Seconds between two programs that die together: everybody notices it in the same order."""

MOST_PULLS = 1000


class PlayedClient(Protocol):
    """A client of a script, as far as it is used: see `ixproxy.client.Client`."""

    def ask(self, message: Request) -> Deferred[Answer]:
        """Ask something."""

    def on_event(self, callback: Any) -> None:
        """Hear events."""

    def close(self) -> Deferred[None]:
        """Say goodbye."""


class Servers(Protocol):
    """Where a script is played: one server, or a cluster."""

    @property
    def clock(self) -> Any:
        """The clock of all."""

    def seconds(self) -> float:
        """The time now."""

    def script_client(self, number: int, client: ScriptClient) -> Any:
        """Connect a client of the script."""

    def finish(self, awaited: Deferred[Any]) -> Any:
        """Run until it has a result."""

    def run(self, seconds: float) -> None:
        """Let time pass."""

    def lose_client(self, client: Any) -> None:
        """Break the connection of a client."""

    def kill_client(self, client: Any) -> None:
        """End the program of a client."""


@dataclass(slots=True)
class Record:
    """
    What a script came to.

    :ivar answers: for each step its answer, or what it was refused with.
    :ivar events: for each client what it was told, in order.
    :ivar problems: what was wrong with reporting streams.
    :ivar labels: ids of interactions to what the script calls them.
    """

    answers: list[Any] = field(default_factory=list)
    events: list[list[dict[str, Any]]] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)
    labels: dict[str, str] = field(default_factory=dict)


def play(script: Script, servers: Servers) -> Record:
    """Run a script from its first round to the last event."""
    player = _Player(script, servers)
    begun = servers.seconds()
    for actions in script.rounds:
        player.round(actions)
        lasted = servers.seconds() - begun
        servers.run(ceil(lasted / ROUND) * ROUND - lasted)
    return player.record()


class _Player:
    def __init__(self, script: Script, servers: Servers) -> None:
        self._servers = servers
        self._ids: dict[str, str] = {}
        self._labels: dict[str, str] = {}
        self._answers: list[Any] = []
        self._events: list[list[Message]] = []
        self._script = script
        self._clients: dict[int, Any] = {}
        self._watches: dict[int, StreamWatch] = {}
        self._problems: list[str] = []
        self._invitations = _Invitations()
        self._snapshots = PlayedSnapshots()
        for number in range(len(script.clients)):
            self._events.append([])
            self._meet(number)

    def _meet(self, number: int) -> None:
        """Connect a client, for the first time or in the place of one that left."""
        described = self._script.clients[number]
        client = self._servers.script_client(number, described)
        client.on_event(self._events[number].append)
        client.on_event(lambda event: self._invitations.heard(number, event))
        if described.reports:
            self._part(number)
            watch = self._watches[number] = StreamWatch(f"client {number}")
            client.on_event(watch.event_received)
        self._clients[number] = client

    def _part(self, number: int) -> None:
        """What was wrong with what a client heard, when it hears no more."""
        watch = self._watches.pop(number, None)
        if watch is not None:
            self._problems += watch.problems

    def round(self, actions: tuple[Action, ...]) -> None:
        """Send everything of a round, then wait for all of it."""
        self._invitations.forget()
        waiting = [Deferred.fromCoroutine(self._act(action)) for action in actions]
        for succeeded, answer in self._servers.finish(DeferredList(waiting, consumeErrors=True)):
            if not succeeded:
                assert isinstance(answer, Failure)
                answer.raiseException()
            self._answers.append(answer)

    def record(self) -> Record:
        """Everything, in its normal form: answers name agent sessions first."""
        normal = NormalForm(self._labels)
        answers = [_normal_answer(normal, answer) for answer in self._answers]
        events = [[normal.of(event) for event in heard] for heard in self._events]
        whole = [watch for watch in self._watches.values() if watch.whole]
        for one, other in pairwise(whole):
            self._problems += one.differs_from(other)
        for number in tuple(self._watches):
            self._part(number)
        return Record(answers, events, self._problems, self._labels)

    async def _act(self, action: Action) -> Any:
        match action:
            case Ask(client, request, labels):
                answer = await self._ask(client, self._with_ids(request))
                if client in self._watches and isinstance(answer, Answer):
                    self._watches[client].acknowledged(request)
                if isinstance(request, RequestSubmit) and isinstance(answer, Answer):
                    self._submitted(labels, answer)
                self._invitations.settled([self._id(label) for label in labels])
                return answer
            case Upon():
                return await self._answer_invitation(action)
            case PullAll():
                return await self._pull_all(action)
            case ReadAll():
                return await self._snapshots.read_all(action, self._ask)
            case Lose(client):
                # What happens while it is away it is not told of, here or there.
                self._servers.run(REST)
                self._servers.lose_client(self._clients[client])
                self._servers.run(REST)
                return None
            case Renew(client):
                self._servers.finish(self._clients[client].close())
                self._servers.run(REST)
                self._meet(client)
                return None
            case Vanish(clients, seconds):
                for client in clients:
                    self._servers.kill_client(self._clients[client])
                    self._servers.run(BETWEEN_LOSSES)
                self._servers.run(seconds)
                for client in clients:
                    self._meet(client)
                return None
            case Wait(seconds):
                self._servers.run(seconds)
                return None

    def _submitted(self, labels: tuple[str, ...], answer: Answer) -> None:
        [label] = labels
        assert isinstance(answer.message, EventAck)
        identifier = answer.message.interaction_id
        if self._ids.setdefault(label, identifier) != identifier:
            label += f" again, at {len(self._labels)}"
        self._labels.setdefault(identifier, f"<{label}>")

    async def _ask(self, client: int, request: Request) -> Any:
        answer: Any
        try:
            answer = await self._clients[client].ask(self._snapshots.with_id(request))
        except RequestRefused as refusal:
            answer = refusal.code, refusal.description, refusal.in_doubt
        return self._snapshots.answered(request, answer)

    async def _answer_invitation(self, action: Upon) -> list[Any]:
        invite = await self._invitations.of(action.client, self._id(action.label))
        if invite is None:
            return []
        if action.after:
            await deferLater(self._servers.clock, action.after)
        answers = []
        for ask in action.asks:
            request = self._with_ids(ask.request)
            if getattr(request, "ticket_id", 0) == THE_TICKET:
                request = msgspec.structs.replace(request, ticket_id=invite.ticket_id)
            answers.append(await self._ask(ask.client, request))
        return answers

    async def _pull_all(self, action: PullAll) -> Any:
        extension = {"pull-for-strategy": 1} if action.for_strategy else {}
        request = RequestPull(
            tenant_id=TENANT,
            view_id=action.view,
            number_of_interactions=action.at_once,
            extension=extension,
        )
        union: dict[str, Any] = {}
        for _ in range(MOST_PULLS):
            answer = await self._ask(action.client, request)
            if not isinstance(answer, Answer):
                return answer
            pulled = answer.message
            assert isinstance(pulled, EventPulledInteractions)
            if not pulled.interactions:
                return union
            assert pulled.interactions.keys() == pulled.take_numbers.keys()
            union.update(pulled.interactions)
        raise AssertionError(f"{action.view} is never empty")

    def _with_ids(self, request: Request) -> Request:
        """A request with ids in the place of labels."""
        identifier = getattr(request, "interaction_id", "")
        if identifier.startswith(LABEL):
            return msgspec.structs.replace(request, interaction_id=self._id(identifier))
        if isinstance(request, RequestPull):
            parameters = {self._id(key): value for key, value in request.pull_parameters.items()}
            return msgspec.structs.replace(request, pull_parameters=parameters)
        return request

    def _id(self, named: str) -> str:
        label = named.removeprefix(LABEL)
        return self._ids.get(label, f"never-{label}")


class _Invitations:
    """
    The invitations of one round: who waits for them, and what came.

    A request that invites and is answered before an invitation came has brought
    none: whoever waits is told None.
    """

    def __init__(self) -> None:
        self._heard: dict[tuple[int, str], EventInvite] = {}
        self._settled: set[str] = set()
        self._waiting: dict[tuple[int, str], Deferred[EventInvite | None]] = {}

    def forget(self) -> None:
        """Another round begins."""
        self._heard.clear()
        self._settled.clear()

    def heard(self, client: int, event: Message) -> None:
        """A client is told something."""
        if isinstance(event, EventInvite):
            key = client, event.interaction_id
            self._heard[key] = event
            if key in self._waiting:
                self._waiting.pop(key).callback(event)

    def settled(self, identifiers: list[str]) -> None:
        """What was asked about these interactions is answered."""
        self._settled.update(identifiers)
        for key in [key for key in self._waiting if key[1] in identifiers]:
            self._waiting.pop(key).callback(None)

    async def of(self, client: int, identifier: str) -> EventInvite | None:
        """The invitation of a client to an interaction; None: there will be none."""
        key = client, identifier
        if key in self._heard or identifier in self._settled:
            return self._heard.get(key)
        self._waiting[key] = Deferred()
        return await self._waiting[key]


def _normal_answer(normal: NormalForm, answer: Any) -> Any:
    if isinstance(answer, Answer):
        return normal.of(answer.message), answer.partial
    if isinstance(answer, tuple):
        code, description, in_doubt = answer
        return code, normal.text(description), in_doubt
    if isinstance(answer, list):
        return [_normal_answer(normal, each) for each in answer]
    return normal.map(answer) if isinstance(answer, Mapping) else answer

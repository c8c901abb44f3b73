"""
The oracle: a script through proxies over many nodes gives what one server gives.

`play` runs a script and keeps what every client was answered and told;
`differences` compares two such records. Required are the same answers, the
same events for each client (in any order over all), the same order of them
for each interaction and, of other events, for each agent, and that no event
of a later round comes before one of an earlier round on the same subject.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from math import ceil
from typing import Any, Protocol

import msgspec
from twisted.internet.defer import Deferred, DeferredList
from twisted.python.failure import Failure

from ixproxy.client import Answer, Client
from ixproxy.core.settings import ProxySettings
from ixproxy.errors import RequestRefused
from ixproxy.messages import EventAck, EventPulledInteractions, RequestPull, RequestSubmit
from ixproxy.messages.message import Message, Request
from ixproxy.node.model import NodeSettings
from ixproxy.testing.cluster import Cluster
from ixproxy.testing.normal_form import NormalForm
from ixproxy.testing.scripts import (
    LABEL,
    TENANT,
    Action,
    Ask,
    Lose,
    PullAll,
    Renew,
    Script,
    ScriptClient,
    Wait,
)

ROUND = 7.0
"""
Seconds that a round takes, or a multiple: it begins at the same time whatever
the servers' answers took, so that timers run out in the same round everywhere.
"""

REST = 3.1
"""Seconds in which everything that is on its way arrives."""

HOLD = 0.1
"""
Seconds for which an empty pull for a strategy is held, once for each server:
so little that pulling until empty never takes a whole round.
"""

MOST_PULLS = 1000


class Servers(Protocol):
    """Where a script is played: one server, or a cluster."""

    def seconds(self) -> float:
        """The time now."""

    def script_client(self, number: int, client: ScriptClient) -> Client:
        """Connect a client of the script."""

    def finish(self, awaited: Deferred[Any]) -> Any:
        """Run until it has a result."""

    def run(self, seconds: float) -> None:
        """Let time pass."""

    def lose_client(self, client: Client) -> None:
        """Break the connection of a client."""


@dataclass(slots=True)
class Record:
    """
    What a script came to.

    :ivar answers: for each step its answer, or what it was refused with.
    :ivar events: for each client what it was told, in order.
    """

    answers: list[Any] = field(default_factory=list)
    events: list[list[dict[str, Any]]] = field(default_factory=list)


def one_server(seed: int, **arguments: Any) -> Cluster:
    """A node alone, as `play` wants it."""
    return many_servers(seed, nodes=1, proxies=0, **arguments)


def many_servers(seed: int, **arguments: Any) -> Cluster:
    """A cluster, as `play` wants it."""
    settings = {
        "node_settings": NodeSettings(pull_hold_timeout=HOLD),
        "proxy_settings": ProxySettings(pull_hold_timeout=HOLD),
    }
    return Cluster(seed, **{**settings, **arguments})


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
        self._clients: dict[int, Client] = {}
        for number in range(len(script.clients)):
            self._events.append([])
            self._meet(number)

    def _meet(self, number: int) -> None:
        """Connect a client, for the first time or in the place of one that left."""
        client = self._servers.script_client(number, self._script.clients[number])
        client.on_event(self._events[number].append)
        self._clients[number] = client

    def round(self, actions: tuple[Action, ...]) -> None:
        """Send everything of a round, then wait for all of it."""
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
        return Record(answers, events)

    async def _act(self, action: Action) -> Any:
        match action:
            case Ask(client, request, labels):
                answer = await self._ask(client, self._with_ids(request))
                if isinstance(request, RequestSubmit) and isinstance(answer, Answer):
                    [label] = labels
                    assert isinstance(answer.message, EventAck)
                    identifier = answer.message.interaction_id
                    if self._ids.setdefault(label, identifier) != identifier:
                        label += f" again, at {len(self._labels)}"
                    self._labels.setdefault(identifier, f"<{label}>")
                return answer
            case PullAll():
                return await self._pull_all(action)
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
            case Wait(seconds):
                self._servers.run(seconds)
                return None

    async def _ask(self, client: int, request: Request) -> Any:
        try:
            return await self._clients[client].ask(request)
        except RequestRefused as refusal:
            return refusal.code, refusal.description, refusal.in_doubt

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


def _normal_answer(normal: NormalForm, answer: Any) -> Any:
    if isinstance(answer, Answer):
        return normal.of(answer.message), answer.partial
    if isinstance(answer, tuple):
        code, description, in_doubt = answer
        return code, normal.text(description), in_doubt
    return normal._map(answer) if isinstance(answer, dict) else answer


def differences(expected: Record, actual: Record) -> Iterator[str]:
    """Where `actual` is not what `expected` says it must be; nothing: they agree."""
    for step, (one, other) in enumerate(zip(expected.answers, actual.answers, strict=True)):
        if one != other:
            yield f"step {step}: {_difference(one, other)}"
    for client, (told, heard) in enumerate(zip(expected.events, actual.events, strict=True)):
        wanted, got = Counter(map(repr, told)), Counter(map(repr, heard))
        for event in wanted - got:
            yield f"client {client} was not told {event}"
        for event in got - wanted:
            yield f"client {client} was told {event}, which it should not"
        if wanted != got:
            continue
        for subject in sorted(set(map(_subject, told))):
            if _about(told, subject) != _about(heard, subject):
                yield f"client {client} was told of {subject} in another order"


def disorder(script: Script, record: Record) -> Iterator[str]:
    """Events of a later round that came before one of an earlier round on the same subject."""
    rounds: dict[int, int] = {}
    for number, actions in enumerate(script.rounds):
        for action in actions:
            if isinstance(action, Ask) and action.request.reason is not None:
                rounds[action.request.reason.reason] = number
    for client, heard in enumerate(record.events):
        latest: dict[str, int] = {}
        for event in heard:
            step = (event.get("Reason") or {}).get("Reason")
            if step not in rounds:
                continue
            subject = _subject(event)
            if rounds[step] < latest.get(subject, 0):
                yield f"client {client}: {event} came after one of round {latest[subject]}"
            latest[subject] = max(latest.get(subject, 0), rounds[step])


def _difference(one: Any, other: Any, at: str = "answer") -> str:
    """Where two answers differ first."""
    if isinstance(one, dict) and isinstance(other, dict):
        for key in [*one, *other]:
            if key not in one or key not in other or one[key] != other[key]:
                return _difference(one.get(key), other.get(key), f"{at}.{key}")
    if isinstance(one, tuple) and isinstance(other, tuple) and len(one) == len(other):
        for number, (left, right) in enumerate(zip(one, other, strict=True)):
            if left != right:
                return _difference(left, right, f"{at}[{number}]")
    return f"{at}: expected {one!r}, got {other!r}"


def _subject(event: dict[str, Any]) -> str:
    """What an event is about; the interactions of one agent may be on many servers."""
    for kind in ("InteractionId", "AgentId"):
        if event.get(kind):
            return f"{kind} {event[kind]}"
    return ""


def _about(events: list[dict[str, Any]], subject: str) -> list[str]:
    return [repr(event) for event in events if _subject(event) == subject]

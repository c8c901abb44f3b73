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
from typing import Any, Protocol

import msgspec
from twisted.internet.defer import Deferred, DeferredList
from twisted.python.failure import Failure

from ixproxy.client import Answer, Client
from ixproxy.errors import RequestRefused
from ixproxy.messages import EventAck, EventPulledInteractions, RequestPull, RequestSubmit
from ixproxy.messages.message import Message, Request
from ixproxy.testing.normal_form import NormalForm
from ixproxy.testing.scripts import (
    LABEL,
    TENANT,
    Action,
    Ask,
    Lose,
    PullAll,
    Script,
    ScriptClient,
    Wait,
)

REST = 3.0
"""Seconds after the last round in which events may still come."""

MOST_PULLS = 1000


class Servers(Protocol):
    """Where a script is played: one server, or a cluster."""

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


def play(script: Script, servers: Servers) -> Record:
    """Run a script from its first round to the last event."""
    player = _Player(script, servers)
    for actions in script.rounds:
        player.round(actions)
    servers.run(REST)
    return player.record()


class _Player:
    def __init__(self, script: Script, servers: Servers) -> None:
        self._servers = servers
        self._ids: dict[str, str] = {}
        self._labels: dict[str, str] = {}
        self._answers: list[Any] = []
        self._events: list[list[Message]] = []
        self._clients: list[Client] = []
        for number, each in enumerate(script.clients):
            client = servers.script_client(number, each)
            heard: list[Message] = []
            client.on_event(heard.append)
            self._clients.append(client)
            self._events.append(heard)

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
            case Ask(client, request, label):
                answer = await self._ask(client, self._with_ids(request))
                if isinstance(request, RequestSubmit) and isinstance(answer, Answer):
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
            case Wait(seconds):
                self._servers.run(seconds)
                return None

    async def _ask(self, client: int, request: Request) -> Any:
        try:
            return await self._clients[client].ask(request)
        except RequestRefused as refusal:
            return refusal.code, refusal.description, refusal.in_doubt

    async def _pull_all(self, action: PullAll) -> Any:
        extension = {"pull-for-strategy": 1, "pull-hold-timeout": 0} if action.for_strategy else {}
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
            yield f"step {step}: expected {one}, got {other}"
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


def _subject(event: dict[str, Any]) -> str:
    """What an event is about; the interactions of one agent may be on many servers."""
    for kind in ("InteractionId", "AgentId"):
        if event.get(kind):
            return f"{kind} {event[kind]}"
    return ""


def _about(events: list[dict[str, Any]], subject: str) -> list[str]:
    return [repr(event) for event in events if _subject(event) == subject]

"""
Where two records of one script differ, though they must not.

Required are the same answers, the same events for each client, the same order
of them for each interaction, and the same for each agent: its own events in
the same order, and between two of them the same events of interactions, whose
order among one another is open, for they may be on different servers.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from typing import Any

from ixproxy.testing.playing import Record
from ixproxy.testing.steps import Action, Ask, Script, Upon

Told = dict[str, Any]

_ANYWHERE = (
    "EventAgentConnectionClosed",
    "EventAgentAvailable",
    "EventAgentNotAvailable",
    "EventForcedAgentStateChange",
)
"""
The first is of an agent who stays: each node says so when it has returned what that connection
held there. The next two are about no session, and the last is what desktops are told.
"""

_OF_STATES = ("EventActivityReport", "EventPlaceAgentState", "EventForcedAgentStateChange")
"""Their reason may be that of a state, from long ago: who joins a session is told of it."""


def differences(expected: Record, actual: Record) -> Iterator[str]:
    """Where `actual` is not what `expected` says it must be; nothing: they agree."""
    for step, (one, other) in enumerate(zip(expected.answers, actual.answers, strict=True)):
        if one != other:
            yield f"step {step}: {_difference(one, other)}"
    for client, (told, heard) in enumerate(zip(expected.events, actual.events, strict=True)):
        yield from stream_differences(f"client {client}", told, heard)


def stream_differences(who: str, told: list[Told], heard: list[Told]) -> Iterator[str]:
    """
    Where one sequence of events is not what another says it must be.

    :param who: was told of them.
    :param told: what is expected.
    """
    wanted, got = Counter(map(_text, told)), Counter(map(_text, heard))
    if wanted != got:
        yield from _unlike(who, wanted - got, got - wanted, [*told, *heard])
        return
    for subject in sorted(set(map(_subject, told))):
        if _about(told, subject) != _about(heard, subject):
            yield f"{who} was told of {subject} in another order"
    for agent in sorted({name for event in told for name in _agents(event)}):
        if _life(told, agent) != _life(heard, agent):
            yield f"{who} was told of agent {agent} in another order"


def disorder(script: Script, record: Record) -> Iterator[str]:
    """Events of a later round that came before one of an earlier round on the same subject."""
    rounds: dict[int, int] = {}
    for number, actions in enumerate(script.rounds):
        for ask in _asks(actions):
            if ask.request.reason is not None:
                # What is asked again by its receipt brings nothing about the second time.
                rounds.setdefault(ask.request.reason.reason, number)
    for client, heard in enumerate(record.events):
        latest: dict[str, int] = {}
        for event in heard:
            step = (event.get("Reason") or {}).get("Reason")
            if step not in rounds or event[""] in _OF_STATES:
                continue
            for subject in {_subject(event), *(f"agent {name}" for name in _agents(event))}:
                if rounds[step] < latest.get(subject, 0):
                    yield f"client {client}: {event} came after one of round {latest[subject]}"
                latest[subject] = max(latest.get(subject, 0), rounds[step])


def _asks(actions: tuple[Action, ...]) -> Iterator[Ask]:
    for action in actions:
        if isinstance(action, Ask):
            yield action
        elif isinstance(action, Upon):
            yield from action.asks


def _difference(one: Any, other: Any, at: str = "answer") -> str:
    """Where two answers differ first."""
    if isinstance(one, dict) and isinstance(other, dict):
        for key in [*one, *other]:
            if key not in one or key not in other or one[key] != other[key]:
                return _difference(one.get(key), other.get(key), f"{at}.{key}")
    if isinstance(one, tuple | list) and isinstance(other, tuple | list) and len(one) == len(other):
        for number, (left, right) in enumerate(zip(one, other, strict=True)):
            if left != right:
                return _difference(left, right, f"{at}[{number}]")
    return f"{at}: expected {one!r}, got {other!r}"


def _unlike(
    who: str, missing: Counter[str], extra: Counter[str], events: list[Told]
) -> Iterator[str]:
    """Events that only one of two records has; two that are much alike are told as one."""
    shown = {_text(event): event for event in events}
    left = list(extra.elements())
    for text in missing.elements():
        event = shown[text]
        like = next((each for each in left if _kind(shown[each]) == _kind(event)), None)
        if like is None:
            yield f"{who} was not told {event}"
        else:
            left.remove(like)
            name, subject = event[""], _subject(event)
            yield f"{who}, {name} of {subject}: {_difference(event, shown[like], name)}"
    for text in left:
        yield f"{who} was told {shown[text]}, which it should not"


def _kind(event: Told) -> tuple[Any, ...]:
    return event[""], event.get("InteractionId"), event.get("AgentId")


def _text(event: Any) -> str:
    """The same text for the same event, in whatever order its attributes came."""
    if isinstance(event, dict):
        return str(sorted((key, _text(value)) for key, value in event.items()))
    return repr(event)


def _subject(event: Told) -> str:
    """What an event is about first; the interactions of one agent may be on many servers."""
    for kind in ("InteractionId", "AgentId"):
        if event.get(kind):
            return f"{kind} {event[kind]}"
    return ""


def _about(events: list[Told], subject: str) -> list[str]:
    return [_text(event) for event in events if _subject(event) == subject]


def _agents(event: Told) -> set[str]:
    """The agents that an event is about."""
    names = {event.get("AgentId"), *event.get("Agents", ())}
    return {name for name in names if name}


def _why(event: Told) -> tuple[Any, ...]:
    """What it comes of: a step of the script, or the end of some time; empty: it does not say."""
    reason = event.get("Reason") or {}
    return tuple(reason[key] for key in sorted(reason))


def _life(events: list[Told], agent: str) -> list[list[str]]:
    """What was told of an agent; runs of events of interactions without their order."""
    mine = [event for event in events if agent in _agents(event)]
    causes = {_why(event) for event in mine if not event.get("InteractionId")} - {()}
    life: list[list[str]] = [[]]
    for event in mine:
        if event.get("InteractionId") and _why(event) in causes:
            # It comes of what changed the agent: on another node perhaps, a moment later.
            continue
        if event.get("InteractionId") or event[""] in _ANYWHERE:
            life[-1].append(_text(event))
        else:
            life += [[_text(event)], []]
    return [sorted(run) for run in life]

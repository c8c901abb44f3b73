"""Small scripts, each about one thing in which many servers once differed from one."""

from __future__ import annotations

from typing import Any

import pytest

from ixproxy import messages as m
from ixproxy.messages.message import Reason, Request
from ixproxy.testing.agent_scripts import CLIENTS
from ixproxy.testing.oracle import compared, one_server, play
from ixproxy.testing.steps import LABEL, TENANT, Action, Ask, PullAll, Script, Vanish, Wait

Rounds = tuple[tuple[Action, ...], ...]
START = (Ask(6, m.RequestStartPlaceAgentStateReportingAll()),)
LATER = (Ask(7, m.RequestStartPlaceAgentStateReportingAll()),)
CHAT_ONLY = m.RequestStartPlaceAgentStateReportingAll(filter={"MediaTypes": {"chat": ""}})
OTHER = {1: "anna", 2: "bert", 3: "carl", 4: "anna"}


def ask(client: int, kind: type[Request], step: int = 0, **more: Any) -> tuple[Action, ...]:
    """One client asks something about its agent."""
    named: dict[str, Any] = {"tenant_id": TENANT, "agent_id": OTHER[client], **more}
    if step:
        named["reason"] = Reason(reason_system_name="step", reason=step)
    return (Ask(client, kind(**named)),)


def login(client: int, step: int = 0, **media: int) -> tuple[Action, ...]:
    return ask(client, m.RequestAgentLogin, step, media_list=media)


def submit(client: int, label: str) -> tuple[Action, ...]:
    queue = m.RequestSubmit(tenant_id=TENANT, media_type="email", queue="In")
    return (Ask(client, queue, (label,)),)


def about(client: int, kind: type[Request], label: str, **more: Any) -> tuple[Action, ...]:
    request = kind(tenant_id=TENANT, interaction_id=LABEL + label, **more)  # type: ignore[call-arg]
    return (Ask(client, request, (label,)),)


def work(client: int) -> Rounds:
    """Enough work that some of it is on every node."""
    return tuple(submit(client, f"L{number}") for number in range(6))


SCRIPTS: dict[str, tuple[Rounds, dict[str, Any]]] = {
    "who joins is told what it did not say": (
        (
            START,
            login(1, chat=1, task=0),
            ask(1, m.RequestDoNotDisturbOn),
            ask(1, m.RequestChangeAgentStateReason, 7),
            ask(1, m.RequestNotReadyForMedia, 8, media_type_name="chat"),
            login(4, email=1),
        ),
        {},
    ),
    "media that a login brings along are changed in one order": (
        (START, login(1, task=1), login(4, 9, email=1, chat=0, task=0)),
        {},
    ),
    "the reason of a login is not that of a state": (
        (START, login(1, task=1), login(1, 5, task=0), LATER),
        {},
    ),
    "a newer session ends an older one and what it has in hand": (
        (START, login(1), *work(1), login(4, 5), ask(4, m.RequestAgentLogout), LATER),
        {"allow_multiple_agent_connections": "force-logout"},
    ),
    "who does not answer becomes not ready by the server": (
        (
            START,
            login(2, email=1),
            *work(0),
            (PullAll(5, "In/All", 2, for_strategy=True),),
            about(5, m.RequestDeliver, "L1", agent_id="bert"),
            about(5, m.RequestDeliver, "L4", agent_id="bert"),
            LATER,
        ),
        {"not_ready_on_invitation_timeout": True},
    ),
    "who works through another server needs no session": (
        (
            START,
            ask(3, m.RequestAgentAvailable, 3),
            login(3),
            LATER,
            ask(3, m.RequestAgentNotAvailable, 4),
            ask(3, m.RequestAgentAvailable, 5),
        ),
        {},
    ),
    "an unknown interaction is so whatever else is wrong": (
        (
            login(3),
            *work(3),
            about(3, m.RequestStopProcessing, "L2"),
            about(3, m.RequestConference, "L2", agent_id="bert", visibility_mode="Loud"),
            about(3, m.RequestIntrude, "L2", visibility_mode="Loud"),
            about(3, m.RequestConference, "L3", agent_id="bert", visibility_mode="Loud"),
        ),
        {},
    ),
    "each party sees an interaction as its own": (
        (
            START,
            login(1),
            login(2),
            *work(1),
            about(2, m.RequestIntrude, "L1"),
            about(2, m.RequestIntrude, "L2", visibility_mode="Coach"),
            LATER,
            about(1, m.RequestStopProcessing, "L1"),
        ),
        {},
    ),
    "who is still to be reported as out is among the states": (
        (START, login(1, chat=1), (Vanish((1,), 22.0),), LATER, (Wait(20.0),)),
        {"agent_session_restore_timeout": 20, "delayed_logout_timeout": 40},
    ),
    "those who are lost together are counted together": (
        (START, login(1), login(2), login(3), *work(2), (Vanish((1, 2, 3), 101.0),)),
        {"agent_session_restore_timeout": 60, "delayed_logout_panic_threshold": 2},
    ),
    "a filtered stream shows some media only": (
        (
            login(1, chat=1, email=0),
            *work(1),
            (Ask(6, CHAT_ONLY),),
            ask(1, m.RequestNotReadyForMedia, media_type_name="chat"),
        ),
        {},
    ),
}


@pytest.mark.parametrize("name", SCRIPTS, ids=str)
def test_many_servers_do_as_one(name: str) -> None:
    rounds, options = SCRIPTS[name]
    script = Script(1, CLIENTS, rounds, tuple({"delivering_timeout": 2.5, **options}.items()))
    players = ["one-proxy", "two-proxies", "composer", "chained"]
    assert list(compared(script, players)) == []


def test_the_scripts_bring_about_what_they_are_about() -> None:
    def told(name: str, client: int) -> list[str]:
        rounds, options = SCRIPTS[name]
        chosen = tuple({"delivering_timeout": 2.5, **options}.items())
        one = one_server(1, chosen)
        record = play(Script(1, CLIENTS, rounds, chosen), one)
        one.close()
        return [event[""] for event in record.events[client]]

    joins = told("who joins is told what it did not say", 4)
    assert joins.count("EventForcedAgentStateChange") == 4
    assert "EventMassAgentLogout" in told("those who are lost together are counted together", 6)
    silent = told("who does not answer becomes not ready by the server", 6)
    assert "EventNotReadyForMedia" in silent
    late = told("who is still to be reported as out is among the states", 7)
    assert "EventPlaceAgentState" in late
    older = told("a newer session ends an older one and what it has in hand", 1)
    assert older.count("EventRevoked") == 6

"""`ixctl agent-state`."""

from __future__ import annotations

from pathlib import Path

import pytest
from twisted.internet.defer import CancelledError

from ixproxy import messages as m
from ixproxy.wire.codec import encode
from tests.cli.worlds import CommandWorld


def test_a_login_says_media_and_place_and_keeps_its_session(
    world: CommandWorld, tmp_path: Path
) -> None:
    world.reply(m.RequestAgentLogin, m.EventAck(agent_session=(5, 101)))
    ran = world.ixctl(
        "agent-state", "login", "kim", "email", "chat=0", "--place", "p1", "--reason", "early",
        "--session", str(tmp_path / "kim"), "--json",
    )  # fmt: skip
    assert ran.records == [{"agent": "kim", "done": "login", "agent_session": [5, 101]}]
    assert world.asked == [
        m.RequestAgentLogin(
            tenant_id=1,
            agent_id="kim",
            place_id="p1",
            media_list={"email": 1, "chat": 0},
            reason=m.Reason(reason_description="early"),
        )
    ]
    assert world.goodbyes == 0


@pytest.mark.parametrize(
    ("argv", "request_type"),
    [
        (("logout",), m.RequestAgentLogout),
        (("busy",), m.RequestDoNotDisturbOn),
        (("not-busy",), m.RequestDoNotDisturbOff),
    ],
)
def test_states_of_the_agent(
    world: CommandWorld, argv: tuple[str, ...], request_type: type[m.Message]
) -> None:
    world.reply(request_type, m.EventAck())
    assert world.ixctl("agent-state", *argv, "kim").code == 0
    (request,) = world.asked
    assert type(request) is request_type


@pytest.mark.parametrize(
    ("action", "request_type"),
    [
        ("add", m.RequestAddMedia),
        ("remove", m.RequestRemoveMedia),
        ("ready", m.RequestCancelNotReadyForMedia),
        ("not-ready", m.RequestNotReadyForMedia),
    ],
)
def test_states_of_media_one_request_each(
    world: CommandWorld, action: str, request_type: type[m.Message]
) -> None:
    world.reply(request_type, m.EventAck())
    assert world.ixctl("agent-state", action, "kim", "email", "chat").code == 0
    assert [type(each) for each in world.asked] == [request_type, request_type]
    assert [getattr(each, "media_type_name", "") for each in world.asked] == ["email", "chat"]


@pytest.mark.parametrize(
    "argv",
    [
        ("login", "kim"),
        ("logout", "kim", "email"),
        ("ready", "kim"),
        ("login", "kim", "email=2", "--stay"),
    ],
)
def test_what_makes_no_sense_is_refused(world: CommandWorld, argv: tuple[str, ...]) -> None:
    assert world.ixctl("agent-state", *argv).code == 2
    assert world.server.registered == []


def test_who_stays_sees_events_until_interrupted(world: CommandWorld) -> None:
    world.reply(m.RequestAgentLogin, m.EventAck())
    running, stdout, _ = world.start(
        "agent-state", "login", "kim", "--stay", "--connect", "tcp:s:1", "--json"
    )
    invite = m.EventInvite(tenant_id=1, agent_id="kim", interaction_id="id-1", ticket_id=4)
    world.server.last.write(encode(invite))
    world.rest()
    running.addErrback(lambda failure: failure.trap(CancelledError))
    running.cancel()
    world.rest()
    assert '"event":"EventInvite"' in stdout.getvalue()
    assert world.goodbyes == 1

"""`ixctl agent`: a session from its login to its end."""

from __future__ import annotations

import pytest

from ixproxy import messages as m
from ixproxy.cli.outcomes import Exit
from ixproxy.errors import Code
from tests.cli.desks import INVITE, AgentWorld


def test_it_logs_in_does_what_the_lines_say_and_logs_out_at_the_end(desk: AgentWorld) -> None:
    desk.start("--media", "email=ready,chat=notready")
    assert desk.records == [{"command": "login", "done": True, "agent_session": [5, 101]}]
    desk.type("ready chat", "# lunch is over", "", "dnd on busy with mail")
    assert desk.records == [
        {"command": "ready", "done": True, "about": "chat"},
        {"command": "dnd", "done": True},
    ]
    assert desk.end() == Exit.OK
    login, ready, dnd, logout = desk.world.asked
    assert isinstance(login, m.RequestAgentLogin)
    assert (login.agent_id, login.place_id) == ("kim", "p1")
    assert login.media_list == {"email": 1, "chat": 0}
    assert isinstance(ready, m.RequestCancelNotReadyForMedia)
    assert isinstance(dnd, m.RequestDoNotDisturbOn)
    assert dnd.reason == m.Reason(reason_description="busy with mail")
    assert isinstance(logout, m.RequestAgentLogout)
    assert desk.world.goodbyes == 1


def test_an_invitation_is_shown_and_accepted_by_its_ticket_or_as_the_only_one(
    desk: AgentWorld,
) -> None:
    desk.start()
    other = m.EventInvite(tenant_id=1, interaction_id="id-2", ticket_id=6)
    desk.tell(INVITE, other)
    assert [each.get("ticket_id") for each in desk.records] == [None, 4, 6]
    desk.type("accept", "accept 6", "accept", "list", "stop . done")
    unclear, *_ = records = desk.records
    assert unclear["error"] == "usage"
    assert "name the ticket: 4, 6" in unclear["description"]
    assert [each.get("in_hand") for each in records][-3:-1] == ["id-2", "id-1"]
    accepted = [each for each in desk.world.asked if isinstance(each, m.RequestAccept)]
    assert [(each.interaction_id, each.ticket_id) for each in accepted] == [
        ("id-2", 6),
        ("id-1", 4),
    ]
    assert desk.world.asked[-1] == m.RequestStopProcessing(
        tenant_id=1, interaction_id="id-1", reason=m.Reason(reason_description="done")
    )


def test_unknown_commands_and_refusals_are_said_and_the_session_goes_on(desk: AgentWorld) -> None:
    desk.world.reply(
        m.RequestTransfer,
        m.EventError(error_code=Code.DO_NOT_DISTURB, error_description="not lee"),
    )
    desk.start()
    desk.type("juggle", "transfer id-1", "ready", "transfer id-1 lee", "accept", "status")
    _, *records = desk.records
    assert [each.get("error") for each in records] == [
        "usage",
        "usage",
        "usage",
        Code.DO_NOT_DISTURB,
        "usage",
        None,
    ]
    assert records[0]["description"] == "no such command: 'juggle'; `help` lists them"
    assert records[1]["description"] == "transfer needs AGENT: transfer ID AGENT"
    assert records[-1]["logged_in"] is True
    desk.type("quit")
    assert desk.code == Exit.REFUSED
    assert desk.world.goodbyes == 1


def test_a_lost_server_is_said_and_so_is_the_next_one(desk: AgentWorld) -> None:
    desk.start("--media", "email")
    desk.tell(INVITE)
    assert len(desk.records) == 2
    assert desk.world.network.lose("c") == 1
    desk.world.clock.run_until(lambda: len(desk.world.server.registered) > 1, 60.0)
    desk.world.rest()
    assert desk.records == [
        {"connection": "lost"},
        {"connection": "there", "server": "proxy1"},
    ]
    desk.type("list", "status")
    (status,) = desk.records
    assert (status["logged_in"], status["invitations"]) == (True, 0)
    assert desk.end() == Exit.OK


def test_one_command_is_done_before_the_next_line_is_read(desk: AgentWorld) -> None:
    del desk.world.server.replies[m.RequestTransfer]
    desk.start()
    desk.type("transfer id-1 lee", "stop id-2")
    assert not desk.reading
    assert isinstance(desk.world.asked[-1], m.RequestTransfer)
    desk.world.server.last.answer(m.EventAck())
    desk.world.rest()
    assert isinstance(desk.world.asked[-1], m.RequestStopProcessing)
    assert desk.reading


def test_a_script_waits_for_an_invitation(desk: AgentWorld) -> None:
    desk.start()
    desk.type("wait Invite 10", "accept")
    assert isinstance(desk.world.asked[-1], m.RequestAgentLogin)
    desk.tell(INVITE)
    assert isinstance(desk.world.asked[-1], m.RequestAccept)
    desk.type("wait EventRevoked 10")
    desk.world.clock.run_until(lambda: desk.reading, 60.0)
    assert "no EventRevoked came within 10 seconds" in desk.records[-1]["description"]


@pytest.mark.parametrize(
    "argv", [("--media", "email=perhaps"), ("--media", "=ready"), ("--tenant", "Nowhere")]
)
def test_arguments_that_make_no_sense_are_refused(desk: AgentWorld, argv: tuple[str, ...]) -> None:
    desk.start(*argv)
    assert desk.code == Exit.USAGE


def test_a_refused_login_ends_it(desk: AgentWorld) -> None:
    desk.world.reply(m.RequestAgentLogin, m.EventError(error_code=Code.NO_LICENCE))
    desk.start()
    assert desk.code == Exit.REFUSED
    (refused,) = desk.records
    assert refused["error"] == Code.NO_LICENCE


def test_an_interrupt_says_goodbye(desk: AgentWorld) -> None:
    desk.start()
    desk.interrupt()
    assert desk.world.goodbyes == 1


def test_persons_read_lines(desk: AgentWorld) -> None:
    desk.start("--media", "email", json=False)
    desk.tell(INVITE)
    desk.type("list", "status", "help transfer", "list 5")
    text = desk.text
    assert "login: done" in text
    assert "EventInvite" in text
    assert "invitation  id-1  ticket 4  Conference" in text
    assert "kim: logged in; connected to proxy1; email ready; do-not-disturb off" in text
    assert "transfer ID AGENT" in text
    assert "list: too much after list: list" in text

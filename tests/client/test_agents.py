from __future__ import annotations

from ixproxy import messages as m
from ixproxy.client.agents import LoggedIn

WHO = {"tenant_id": 1, "agent_id": "anna"}
STAMP, NEWER = (5, 101), (6, 102)
LOGIN = m.RequestAgentLogin(**WHO, place_id="p1", media_list={"email": 1, "chat": 0})  # type: ignore[arg-type]
ACK = m.EventAck(agent_session=STAMP)


def logged_in() -> LoggedIn:
    agents = LoggedIn()
    agents.answered(LOGIN, ACK)
    return agents


def media_of(agents: LoggedIn) -> dict[str, int]:
    [login] = agents.logins()
    return login.media_list


def forced(operation: str, **more: object) -> m.EventForcedAgentStateChange:
    return m.EventForcedAgentStateChange(
        **WHO,  # type: ignore[arg-type]
        agent_session=STAMP,
        agent_state_change_operation=operation,
        **more,  # type: ignore[arg-type]
    )


def test_an_agent_is_logged_in_again_by_the_name_of_its_session() -> None:
    agents = logged_in()
    agents.answered(m.RequestHold(tenant_id=1, interaction_id="A"), m.EventAck())
    [login] = agents.logins()
    assert login == m.RequestAgentLogin(
        **WHO,  # type: ignore[arg-type]
        place_id="p1",
        agent_session=STAMP,
        media_list={"email": 1, "chat": 0},
    )


def test_its_media_are_those_that_it_has_by_now() -> None:
    agents = logged_in()
    media = {**WHO, "media_type_name": "task"}
    agents.answered(m.RequestAddMedia(**media), ACK)  # type: ignore[arg-type]
    assert media_of(agents) == {"email": 1, "chat": 0, "task": 0}
    agents.answered(m.RequestCancelNotReadyForMedia(**media), ACK)  # type: ignore[arg-type]
    assert media_of(agents)["task"] == 1
    agents.answered(m.RequestAddMedia(**media), ACK)  # type: ignore[arg-type]
    assert media_of(agents)["task"] == 1
    agents.answered(m.RequestNotReadyForMedia(**media), ACK)  # type: ignore[arg-type]
    assert media_of(agents)["task"] == 0
    agents.answered(m.RequestChangeMediaStateReason(**media), ACK)  # type: ignore[arg-type]
    agents.answered(m.RequestRemoveMedia(**media), ACK)  # type: ignore[arg-type]
    assert media_of(agents) == {"email": 1, "chat": 0}


def test_a_login_to_the_same_session_adds_its_media_and_one_to_a_new_session_begins_anew() -> None:
    agents = logged_in()
    more = m.RequestAgentLogin(**WHO, media_list={"chat": 11, "task": 0})  # type: ignore[arg-type]
    agents.answered(more, ACK)
    assert media_of(agents) == {"email": 1, "chat": 1, "task": 0}
    agents.answered(more, m.EventAck(agent_session=NEWER))
    assert media_of(agents) == {"chat": 1, "task": 0}
    assert agents.logins()[0].agent_session == NEWER


def test_whoever_logs_out_is_not_logged_in_again() -> None:
    agents = logged_in()
    agents.answered(m.RequestAgentLogout(**WHO), m.EventAck())  # type: ignore[arg-type]
    agents.answered(m.RequestAgentLogout(**WHO), m.EventAck())  # type: ignore[arg-type]
    assert agents.logins() == []


def test_what_the_server_changes_is_followed() -> None:
    agents = logged_in()
    change = forced("ReadyForMedia", media_type_name="chat", media_list={"email": 0, "chat": 1})
    agents.event_received(change)
    assert media_of(agents) == {"email": 0, "chat": 1}
    agents.event_received(m.EventTopic())
    agents.event_received(m.EventForcedAgentStateChange(tenant_id=1, agent_id="bert"))
    assert len(agents.logins()) == 1
    agents.event_received(forced("Logout"))
    assert agents.logins() == []


def test_a_logout_of_an_older_session_is_not_that_of_the_newer() -> None:
    agents = LoggedIn()
    agents.answered(LOGIN, m.EventAck(agent_session=NEWER))
    agents.event_received(forced("Logout"))
    assert len(agents.logins()) == 1


def test_an_agent_that_cannot_be_logged_in_again_is_logged_out_and_that_is_told_once() -> None:
    agents = logged_in()
    [login] = agents.logins()
    told = agents.refused(login)
    assert told == forced("Logout", place_id="p1", media_list={"email": 1, "chat": 0})
    assert agents.logins() == []
    assert agents.refused(login) is None
    agents.answered(LOGIN, ACK)
    assert agents.refused(login) is None
    assert len(agents.logins()) == 1

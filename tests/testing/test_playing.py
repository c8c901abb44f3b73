from __future__ import annotations

from dataclasses import replace

from ixproxy import messages as m
from ixproxy.testing.agent_scripts import CLIENTS, agent_script
from ixproxy.testing.oracle import many_servers, one_server
from ixproxy.testing.playing import Record, play
from ixproxy.testing.scripts import random_script
from ixproxy.testing.steps import LABEL, THE_TICKET, Action, Ask, PullAll, Script, Upon, Vanish


def test_a_script_without_rounds_is_played_too() -> None:
    script = replace(random_script(1), rounds=())
    cluster = many_servers(1)
    assert play(script, cluster) == Record([], [[] for _ in script.clients])
    cluster.close()


def test_labels_stand_for_ids_that_are_known_and_for_none() -> None:
    submit = m.RequestSubmit(tenant_id=1, media_type="email", queue="In")
    stop = m.RequestStopProcessing(tenant_id=1, interaction_id="@L0")
    never = m.RequestStopProcessing(tenant_id=1, interaction_id="@L9")
    script = replace(
        random_script(1),
        rounds=(
            (Ask(0, submit, ("L0",)),),
            (Ask(0, stop, ("L0",)), Ask(1, never, ("L9",))),
        ),
    )
    cluster = one_server(1)
    answers = play(script, cluster).answers
    cluster.close()
    assert answers[0][0]["InteractionId"] == "<L0>"
    assert answers[1][0]["InteractionId"] == "<L0>"
    assert answers[2][0] == 43


TENANT = {"tenant_id": 1}
SUBMIT = Ask(0, m.RequestSubmit(**TENANT, media_type="email", queue="In"), ("L0",))  # type: ignore[arg-type]
LOGIN = Ask(1, m.RequestAgentLogin(**TENANT, agent_id="anna"))  # type: ignore[arg-type]
PULL = PullAll(5, "In/All", for_strategy=True)
NAMED = {**TENANT, "interaction_id": LABEL + "L0"}
DELIVER = Ask(5, m.RequestDeliver(**NAMED, agent_id="anna"), ("L0",))  # type: ignore[arg-type]
ACCEPT = Ask(1, m.RequestAccept(**NAMED, ticket_id=THE_TICKET), ("L0",))  # type: ignore[arg-type]


def played(*rounds: tuple[Action, ...], **options: object) -> Record:
    script = Script(1, CLIENTS, rounds, tuple(options.items()))
    cluster = one_server(1, script.options)
    record = play(script, cluster)
    cluster.close()
    return record


def test_what_is_asked_upon_an_invitation_knows_its_ticket() -> None:
    upon = Upon(1, "L0", (ACCEPT, ACCEPT), after=0.5)
    record = played((SUBMIT,), (LOGIN,), (PULL,), (DELIVER, upon))
    delivered, [accepted, again] = record.answers[-2:]
    assert delivered[0][""] == "EventAck"
    assert accepted[0]["TakeNumber"] is True
    assert again[0] == 3059
    [invite] = [event for event in record.events[1] if event[""] == "EventInvite"]
    assert invite["TicketId"] == "ticket 1"


def test_nothing_is_asked_upon_an_invitation_that_never_comes() -> None:
    record = played((SUBMIT,), (PULL,), (DELIVER, Upon(1, "L0", (ACCEPT,))))
    refused, upon = record.answers[-2:]
    assert refused[0] == 3055
    assert upon == []


def test_who_vanishes_is_followed_by_another_of_the_name() -> None:
    start = Ask(6, m.RequestStartPlaceAgentStateReportingAll())
    rounds = ((start,), (LOGIN,), (Vanish((1,), 30.0),), (LOGIN,))
    record = played(*rounds, agent_session_restore_timeout=5, delayed_logout_timeout=0)
    told = [event[""] for event in record.events[6] if event[""].startswith("EventAgent")]
    assert told == ["EventAgentLogin", "EventAgentLogout", "EventAgentLogin"]
    assert record.problems == []


def test_streams_of_one_script_are_compared_with_each_other() -> None:
    script = agent_script(1)
    cluster = one_server(1, script.options)
    assert play(script, cluster).problems == []
    cluster.close()

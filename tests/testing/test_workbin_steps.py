from __future__ import annotations

from itertools import count
from random import Random

from ixproxy import messages as m
from ixproxy.messages.message import Reason, Workbin
from ixproxy.testing.oracle import one_server
from ixproxy.testing.playing import play
from ixproxy.testing.scripts import random_script
from ixproxy.testing.workbin_steps import ORDERS, WRONG, WorkbinSteps, custom_event
from ixproxy.wire.codec import encode

DRAFTS = Workbin(workbin_type_id="Drafts", workbin_agent_id="anna")


def steps(seed: int = 1, clients: int = 4) -> WorkbinSteps:
    numbers = count(1)
    return WorkbinSteps(
        Random(seed), range(clients), (DRAFTS,), lambda: Reason(reason=next(numbers))
    )


def test_no_client_asks_twice_in_a_round_about_what_it_listens_to() -> None:
    writer = steps()
    for _ in range(100):
        clients = [ask.client for ask in writer.listening()]
        assert len(set(clients)) == len(clients) >= 1


def test_everything_is_asked_for_now_and_then_and_can_be_sent() -> None:
    writer = steps()
    asked = [ask.request for _ in range(400) for ask in writer.listening()]
    asked += [writer.reading().request for _ in range(100)]
    for request in asked:
        assert encode(request)
    begun = [each for each in asked if isinstance(each, m.RequestWorkbinNotifications)]
    wishes = {(each.notify_property_changes, bool(each.extension)) for each in begun}
    assert wishes == {(0, False), (0, True), (1, False), (1, True)}
    assert {type(each) for each in asked} == {
        m.RequestWorkbinNotifications,
        m.RequestWorkbinCancelNotifications,
        m.RequestWorkbinStatistic,
        m.RequestGetWorkbinContent,
    }
    contents = [each for each in asked if isinstance(each, m.RequestGetWorkbinContent)]
    assert {each.order for each in contents} == set(ORDERS)
    assert {each.workbin for each in begun} == {DRAFTS, *WRONG}


def test_an_event_of_ones_own_is_about_an_interaction_or_about_nothing() -> None:
    random, reason = Random(3), Reason(reason=1)
    about = custom_event(random, 2, reason, "@L7")
    assert (about.client, about.labels) == (2, ("L7",))
    assert about.request.interaction_id == "@L7"  # type: ignore[attr-defined]
    assert custom_event(random, 2, reason).labels == ()
    kinds = {type(custom_event(random, 2, reason).request) for _ in range(50)}
    assert kinds == {m.RequestDistributeEvent, m.RequestDistributeReportingEvent}


def test_scripts_bring_about_everything_that_can_happen_in_a_workbin() -> None:
    told: set[str] = set()
    for seed in range(20):
        cluster = one_server(seed)
        record = play(random_script(seed), cluster)
        cluster.close()
        told |= {
            event["WorkbinContentOperation"]
            for heard in record.events
            for event in heard
            if event[""] == "EventWorkbinContentChanged"
        }
    assert told == {"PlacedIn", "TakenOut", "PropertiesChanged", "ProcessingStopped"}

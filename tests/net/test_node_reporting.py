from __future__ import annotations

from typing import Any

from ixproxy.messages import (
    EventAck,
    EventActivityReport,
    EventPlaceAgentState,
    RequestAgentLogin,
    RequestNotReadyForMedia,
    RequestStartPlaceAgentStateReportingAll,
    RequestSubmit,
)
from tests.net.node_rig import NodeRig, RawPeer

SUBMIT = RequestSubmit(tenant_id=1, media_type="email", queue="In")
START_ALL = RequestStartPlaceAgentStateReportingAll()
LOGIN = RequestAgentLogin(tenant_id=1, agent_id="ann", media_list={"email": 1})


def told(peer: RawPeer, client: int = 0) -> list[tuple[str, int]]:
    """What a subscriber was told: names (or activities) and numbers, load facts left out."""
    return [
        (
            event.activity if isinstance(event, EventActivityReport) else type(event).__name__[5:],
            event.reporting_event_sequence_number,
        )
        for event in peer.events(client)
        if type(event).__name__ != "EventNodeLoad"
    ]


def test_states_come_between_brackets_and_then_what_happens_counted_from_one(
    rig: NodeRig,
) -> None:
    desk = rig.client("AgentApplication")
    desk.ask(LOGIN)
    engine = rig.client("ReportingEngine")
    assert isinstance(engine.ask(START_ALL), EventAck)
    assert told(engine) == [("Begin", 0), ("PlaceAgentState", 0), ("End", 0)]
    begin, state, _ = engine.events()
    assert begin.number_of_agents == 1
    assert isinstance(state, EventPlaceAgentState)
    assert (state.agent_id, state.media_list, state.interactions) == ("ann", {"email": 1}, {})
    media = rig.client("MediaServer")
    media.ask(SUBMIT)
    change: Any = RequestNotReadyForMedia(tenant_id=1, agent_id="ann", media_type_name="email")
    desk.ask(change)
    assert told(engine)[3:] == [("InteractionSubmitted", 1), ("NotReadyForMedia", 2)]


def test_a_proxy_that_joins_a_stream_goes_on_with_its_numbers(rig: NodeRig) -> None:
    engine = rig.client("ReportingEngine")
    engine.ask(START_ALL)
    media = rig.client("MediaServer")
    media.ask(SUBMIT)
    proxy = rig.proxy()
    proxy.ask(START_ALL)
    media.ask(SUBMIT)
    assert told(proxy) == [("Begin", 1), ("End", 0), ("InteractionSubmitted", 2)]
    assert told(engine)[2:] == [("InteractionSubmitted", 1), ("InteractionSubmitted", 2)]

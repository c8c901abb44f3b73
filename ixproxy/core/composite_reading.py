"""What events and initial states say of agents, and of what they have in hand."""

from __future__ import annotations

from typing import Any

from ixproxy import messages as m
from ixproxy.core.composite_sources import Held, Session, origin_of
from ixproxy.core.composite_states import state_of
from ixproxy.messages.message import KeyValues, Party
from ixproxy.values import Stamp

_WHO_HAS_IT = ("AgentId", "PlaceId", "StrategyId")
"""Properties that parties are known by already."""


def session_of(event: m.EventAgentLogin | m.EventPlaceAgentState) -> Session:
    """The agent session that a login or a state speaks of."""
    assert event.agent_session is not None
    at = event.logged_in_at if isinstance(event, m.EventPlaceAgentState) else event.event_time
    return Session(
        Stamp(*event.agent_session), event.place_id, state_of(event), origin_of(event), at
    )


def holding_of(state: m.EventPlaceAgentState) -> dict[str, Held]:
    """What an agent is a party of, by an initial state."""
    stamp = Stamp(*state.agent_session) if state.agent_session else None
    return {
        identifier: Held(
            state.parties.get(identifier)
            or Party(agent_id=state.agent_id, place_id=state.place_id),
            stamp,
            state.interactions.get(identifier, {}),
        )
        for identifier in state.interactions.keys() | state.parties.keys()
    }


def shown_to(properties: KeyValues, party: Party) -> KeyValues:
    """The properties of an interaction with this party as the one who has it."""
    rest = {key: value for key, value in properties.items() if key not in _WHO_HAS_IT}
    if len(rest) == len(properties):
        return properties
    return {**rest, "AgentId": party.agent_id, "PlaceId": party.place_id}


def difference_of(old: KeyValues, new: KeyValues) -> dict[str, KeyValues]:
    """The properties and user data that differ, as an EventPropertiesChanged has them."""
    before, after = _flat(old), _flat(new)
    return {
        "added_properties": {k: after[k] for k in after.keys() - before.keys()},
        "changed_properties": {
            k: after[k] for k in after.keys() & before.keys() if after[k] != before[k]
        },
        "deleted_properties": {k: before[k] for k in before.keys() - after.keys()},
    }


def _flat(properties: KeyValues) -> dict[str, Any]:
    user_data = properties.get("UserData")
    rest = {k: v for k, v in properties.items() if k != "UserData" and k not in _WHO_HAS_IT}
    return {**rest, **user_data} if isinstance(user_data, dict) else rest

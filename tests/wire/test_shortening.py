"""Events without what makes them long."""

from __future__ import annotations

from ixproxy.messages import EventAgentLogin, EventAttachedDataChanged, EventPropertiesChanged
from ixproxy.wire.shortening import shortened


def test_a_shortened_event_says_so_and_keeps_what_it_is_about() -> None:
    changed = EventPropertiesChanged(
        event_number=7,
        interaction_id="a",
        interaction={"Queue": "In", "UserData": {"k": 1}},
        changed_properties={"k": 1},
        extension={"e": 2},
    )
    assert shortened(changed) == EventPropertiesChanged(
        event_number=7,
        interaction_id="a",
        interaction={"Queue": "In"},
        extension={"e": 2, "Shortened": 1},
    )
    attached = EventAttachedDataChanged(added_properties={"k": 1}, deleted_properties={"l": ""})
    assert shortened(attached) == EventAttachedDataChanged(extension={"Shortened": 1})
    login = EventAgentLogin(agent_id="ann", media_list={"email": 1})
    assert shortened(login) == EventAgentLogin(
        agent_id="ann", media_list={"email": 1}, extension={"Shortened": 1}
    )

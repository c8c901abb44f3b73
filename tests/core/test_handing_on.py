"""A node's event, on its way to its client."""

from __future__ import annotations

from ixproxy.messages import EventPropertiesChanged, RequestRegisterClient
from ixproxy.wire.codec import encode
from tests.core.rig import EAST, TENANT, Rig, only


def told(size: int) -> Rig:
    rig = Rig()
    peer = rig.peer()
    registration = RequestRegisterClient(
        client_name="desk", client_type="AgentApplication", max_frame=128 << 10
    )
    rig.ask(peer, registration)
    for node in rig.to_node:
        rig.accept(node)
    rig.got(peer)
    event = EventPropertiesChanged(
        tenant_id=TENANT, interaction_id="a", changed_properties={"k": "x" * size}
    )
    rig.from_node(EAST, encode(event, client=1))
    return rig


def test_an_event_that_fits_is_handed_on_as_it_is() -> None:
    event = only(told(10).got(1))
    assert event.changed_properties == {"k": "x" * 10}


def test_one_that_does_not_fit_still_says_what_it_is_about() -> None:
    event = only(told(200_000).got(1))
    assert event.interaction_id == "a"
    assert event.changed_properties != {"k": "x" * 200_000}

"""`ixctl stop`."""

from __future__ import annotations

from ixproxy.errors import Code
from ixproxy.messages import EventAck, EventError, Reason, RequestStopProcessing
from ixproxy.messages.message import Message
from tests.cli.worlds import CommandWorld


def test_all_ids_are_tried_and_the_first_refusal_is_the_exit_code(world: CommandWorld) -> None:
    def reply(request: RequestStopProcessing) -> Message:
        if request.interaction_id == "id-2":
            return EventError(error_code=Code.UNKNOWN_INTERACTION, error_description="unknown")
        return EventAck()

    world.reply(RequestStopProcessing, reply)
    ran = world.ixctl("stop", "id-1", "id-2", "id-3", "--reason", "spam", "--json")
    assert ran.code == 1
    assert ran.records == [
        {"interaction_id": "id-1", "stopped": True},
        {"interaction_id": "id-2", "error": 43, "description": "unknown", "in_doubt": False},
        {"interaction_id": "id-3", "stopped": True},
    ]
    (first, *_) = world.asked
    assert first == RequestStopProcessing(
        tenant_id=1, interaction_id="id-1", reason=Reason(reason_description="spam")
    )

"""Events that do not fit the frames of their receiver: what they are about, without the rest."""

from __future__ import annotations

from typing import Any

from msgspec.structs import replace

from ixproxy.messages import EventAttachedDataChanged, EventPropertiesChanged
from ixproxy.messages.message import Event
from ixproxy.messages.reporting import InteractionEvent

SHORTENED = "Shortened"
"""The key of an extension: 1 where something was left out of an event."""


def shortened(event: Event) -> Event:
    """
    The same event for a receiver whose frames it does not fit: without the
    interaction's user data, and without the properties that changed. It says
    so in its extension, for the receiver can ask for them.
    """
    less: dict[str, Any] = {"extension": {**event.extension, SHORTENED: 1}}
    if isinstance(event, InteractionEvent):
        properties = {key: event.interaction[key] for key in event.interaction if key != "UserData"}
        less["interaction"] = properties
    if isinstance(event, EventPropertiesChanged | EventAttachedDataChanged):
        less["added_properties"] = less["changed_properties"] = less["deleted_properties"] = {}
    return replace(event, **less)

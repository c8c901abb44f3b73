"""Events as they are printed: as objects for scripts, on one line for persons."""

from __future__ import annotations

import msgspec

from ixproxy.cli.output import moment
from ixproxy.messages.message import Event, Message


def event_record(event: Message) -> dict[str, object]:
    """An event as `--json` prints it: its name, and the attributes that it has."""
    attributes = {
        name: getattr(event, name)
        for name in event.__struct_fields__
        if getattr(event, name) not in (None, "", 0, {}, [])
    }
    return {"event": type(event).__name__, **msgspec.to_builtins(attributes)}


def event_line(event: Message) -> str:
    """An event on one line for a person."""
    record = event_record(event)
    time = moment(event.event_time) if isinstance(event, Event) else ""
    shown = " ".join(
        f"{key}={value}"
        for key, value in record.items()
        if key not in ("event", "event_time", "event_number", "dbid", "interaction")
    )
    return f"{time} {record['event']} {shown}".strip()

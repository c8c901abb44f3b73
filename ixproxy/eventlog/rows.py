"""
Events as rows: which table an event goes to, and what stands in its columns.

Theory of operation: every entry of an event log is one row of one table, or a row for
each kind of event of a gap. The values stand in the order of the schema file's columns,
custom fields last. What an event does not have is NULL, and so is what has no meaning
there: an empty text, the number 0 of what is counted from 1.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

from ixproxy import messages as m
from ixproxy.eventlog.custom_fields import CustomField, converted
from ixproxy.eventlog.json_text import json_text
from ixproxy.eventlog.schemas import (
    AGENT,
    CUSTOM,
    ESP,
    EVENT_TABLES,
    INTERACTION,
    tables,
)
from ixproxy.eventlog.settings import TableSettings
from ixproxy.messages.agents import AgentEvent, MediaEvent
from ixproxy.messages.message import Event, Reason
from ixproxy.messages.reporting import InteractionEvent, PartyEvent, ServiceEvent
from ixproxy.node.log_work import Dropped, Entry

Values = tuple[Any, ...]

NOT_LOGGED: dict[type[Event], str] = {
    m.EventMassAgentLogout: "each agent's logout is an event of its own",
    m.EventPlaceAgentState: "the states with which a stream begins are nothing that happens",
    m.EventActivityReport: "it is about a stream",
    m.EventCurrentAgentStatus: "it is computed by a client, and relayed to an agent",
    m.EventForcedAgentStateChange: "it tells an agent's clients what other events report",
    m.EventTopic: "it is between clients",
    m.EventNodeLoad: "it is between servers",
}
"""Events that no table is for, with the reason."""

_SEEN_ONLY_BY_CLIENTS = (
    m.EventInvite, m.EventAccepted, m.EventWorkbinContentChanged, m.EventRouteRequest,
    m.EventRouteUsed, m.EventAbandoned, m.EventAttachedDataChanged, m.EventPrivateInfo,
)  # fmt: skip
for _each in _SEEN_ONLY_BY_CLIENTS:
    NOT_LOGGED[_each] = "it tells clients what other events report"

PROPERTIES = frozenset(
    {
        "InteractionType", "InteractionSubtype", "InteractionState", "ParentId", "ExternalId",
        "SubmittedBy", "ReceivedAt", "SubmittedAt", "MovedToQueueAt",
    }
)  # fmt: skip
"""Of interactions: those that have columns, where no custom field is made of the user data."""

_NONE2, _NONE3, _NONE5, _NONE6 = (None,) * 2, (None,) * 3, (None,) * 5, (None,) * 6
_FAULT = ("FaultCode", "FaultString")
_NAMED = ("Service", "Method")


class Rows(NamedTuple):
    """
    What is to be stored at once.

    `events`: the rows of each table. `ignored`: entries that no table is for.
    `unconverted`: custom fields that are NULL for their values are no such thing.
    `epoch`, `number` and `time`: of the last entry.
    """

    events: dict[str, list[Values]]
    dropped: list[Values]
    ignored: int
    unconverted: int
    epoch: int
    number: int
    time: float


class RowMaker:
    """Makes rows as the settings of a log have them."""

    def __init__(self, settings: TableSettings) -> None:
        self._fields = settings.fields
        self._userdata = settings.log_userdata
        self._custom_events = settings.custom_events
        self._nothing: Values = (None,) * len(settings.fields)
        self._unconverted = 0
        self._makers: dict[type[Event], Callable[[Entry, Any], tuple[str, Values]] | None] = {}

    def rows(self, entries: Sequence[Entry]) -> Rows:
        """The rows of some entries, of which there is one at least."""
        events: dict[str, list[Values]] = {table: [] for table in EVENT_TABLES}
        dropped: list[Values] = []
        ignored = self._unconverted = 0
        makers = self._makers
        for entry in entries:
            what = entry.what
            if isinstance(what, Dropped):
                dropped += _dropped(entry, what)
                continue
            kind = type(what)
            try:
                maker = makers[kind]
            except KeyError:
                maker = makers[kind] = self._maker(kind)
            if maker is None:
                ignored += 1
                continue
            table, values = maker(entry, what)
            events[table].append(values)
        last = entries[-1]
        if isinstance(last.what, Dropped):
            number, time = last.what.last, last.what.last_time
        else:
            number, time = last.number, last.what.event_time
        return Rows(events, dropped, ignored, self._unconverted, last.epoch, number, time)

    def _maker(self, kind: type[Any]) -> Callable[[Entry, Any], tuple[str, Values]] | None:
        table = table_of(kind)
        if table == CUSTOM:
            return self._custom
        if table == ESP:
            return lambda entry, event: (ESP, self._esp(entry, event))
        if table == INTERACTION:
            shape = _Shape(kind)
            return lambda entry, event: (INTERACTION, self._interaction(entry, event, shape))
        if table == AGENT:
            is_login, of_media = issubclass(kind, m.EventAgentLogin), issubclass(kind, MediaEvent)
            return lambda entry, event: (AGENT, _agent(entry, event, is_login, of_media))
        return None

    def _custom(self, entry: Entry, event: m.EventCustomReporting) -> tuple[str, Values]:
        said = json_text(event.event)
        table = self._custom_events.get(event.custom_event_id, CUSTOM)
        if table == INTERACTION:
            return table, self._interaction(entry, event, _PLAIN, (event.custom_event_id, said))
        if table == AGENT:
            return table, _agent_said(entry, event, said)
        return table, (
            entry.dbid, entry.epoch, entry.number, event.event_time, type(event).__name__,
            event.tenant_id, event.media_type or None, event.interaction_id or None,
            event.custom_event_id, said, *_actor(event), *_reason(event.reason),
            *self._custom_fields(event),
        )  # fmt: skip

    def _interaction(
        self, entry: Entry, event: Any, shape: _Shape, said: Values = _NONE2
    ) -> Values:
        get = event.interaction.get
        workbin = event.workbin if shape.workbin else None
        party = event.party if shape.party else None
        session = event.agent_session if shape.of_party else None
        changed = None
        if shape.changes and self._userdata:
            changed = json_text(
                {
                    "added": event.added_properties,
                    "changed": event.changed_properties,
                    "deleted": event.deleted_properties,
                }
            )
        return (
            entry.dbid, entry.epoch, entry.number, event.event_time, shape.name,
            event.tenant_id, event.media_type or None, event.interaction_id or None,
            get("InteractionType") or None, get("InteractionSubtype") or None,
            get("InteractionState"), get("ParentId") or None, get("ExternalId") or None,
            get("SubmittedBy") or None, get("ReceivedAt"), get("SubmittedAt"),
            get("MovedToQueueAt"),
            (event.queue or None) if shape.queue else None,
            (event.old_queue or None) if shape.old_queue else None,
            *(_NONE5 if workbin is None else (
                workbin.workbin_type_id or None, workbin.workbin_agent_id or None,
                workbin.workbin_group_id or None, workbin.workbin_place_id or None,
                workbin.workbin_place_group_id or None,
            )),
            *_actor(event),
            *((_NONE6 if not shape.of_party or not event.agent_id
               else (None, event.agent_id, None, None, None, None))
              if party is None else (
                party.party_type, party.agent_id or None, party.place_id or None,
                party.strategy_id or None, party.name or None, party.visibility_mode or None,
            )),
            *(session or _NONE2),
            (event.operation or None) if shape.of_party else None,
            *_reason(event.reason), changed, *said,
            *(self._custom_fields(event) if self._fields else ()),
        )  # fmt: skip

    def _esp(self, entry: Entry, event: ServiceEvent) -> Values:
        envelope = event.esp_request_envelope
        rest = {key: each for key, each in envelope.items() if key not in _NAMED + _FAULT}
        return (
            entry.dbid, entry.epoch, entry.number, event.event_time, type(event).__name__,
            event.tenant_id, event.media_type or None, event.interaction_id or None,
            event.esp_server or None, event.esp_request_id or None,
            event.esp_client_refid or None, event.esp_server_refid or None,
            *[_word(envelope.get(key)) for key in _NAMED], json_text(rest) if rest else None,
            *[_word(envelope.get(key)) for key in _FAULT],
            json_text(event.user_data) if event.user_data and self._userdata else None,
            *_actor(event), *_reason(event.reason),
        )  # fmt: skip

    def _custom_fields(self, event: InteractionEvent) -> Values:
        if not self._userdata or not self._fields:
            return self._nothing
        user_data = event.interaction.get("UserData")
        if not isinstance(user_data, dict) or not user_data:
            return self._nothing
        return tuple([self._custom_field(field, user_data) for field in self._fields])

    def _custom_field(self, field: CustomField, user_data: dict[str, Any]) -> Any:
        value = user_data.get(field.key)
        if value is None:
            return None
        found = converted(field.type, value)
        if found is None:
            self._unconverted += 1
        return found


class _Shape:
    """What events of one kind have, looked up once."""

    def __init__(self, kind: type[Event]) -> None:
        has = set(kind.__struct_fields__)
        self.name = kind.__name__
        self.queue = "queue" in has
        self.old_queue = "old_queue" in has
        self.workbin = "workbin" in has
        self.party = "party" in has
        self.changes = "added_properties" in has
        self.of_party = issubclass(kind, PartyEvent)


_PLAIN = _Shape(m.EventCustomReporting)


def table_of(kind: type[Event]) -> str:
    """Where events of one kind go, if no setting says otherwise; "": to no table."""
    if kind in NOT_LOGGED:
        return ""
    if issubclass(kind, m.EventCustomReporting):
        return CUSTOM
    if issubclass(kind, ServiceEvent):
        return ESP
    if issubclass(kind, InteractionEvent):
        return INTERACTION
    return AGENT if issubclass(kind, AgentEvent) else ""


def column_names(table: str, fields: Sequence[CustomField]) -> tuple[str, ...]:
    """The columns of a table in the order of the values."""
    own = [field.column for field in fields] if table in (INTERACTION, CUSTOM) else []
    return (*[column.name for column in tables()[table].columns], *own)


def _agent(entry: Entry, event: Any, is_login: bool, of_media: bool) -> Values:
    state: Values = (None,) * 6
    if is_login:
        reasons = {name: _shown(each) for name, each in event.media_reasons.items()}
        state = (
            json_text(event.media_list), event.donot_disturb,
            json_text(reasons) if reasons else None, *_reason(event.state_reason),
        )  # fmt: skip
    return (
        entry.dbid, entry.epoch, entry.number, event.event_time, type(event).__name__,
        event.tenant_id, event.agent_id or None, event.place_id or None,
        *(event.agent_session or _NONE2), (event.media_type_name or None) if of_media else None,
        *state, *_actor(event), *_reason(event.reason), None, None,
    )  # fmt: skip


def _agent_said(entry: Entry, event: m.EventCustomReporting, said: str) -> Values:
    """Of the agent that the event names, or else of the one who said it."""
    named = event.event.get("AgentId")
    if isinstance(named, str) and named:
        place = event.event.get("PlaceId")
        agent: Values = (named, place if isinstance(place, str) and place else None)
    else:
        agent = _actor(event)[:2]
    return (
        entry.dbid, entry.epoch, entry.number, event.event_time, type(event).__name__,
        event.tenant_id, *agent, None, None, event.media_type or None, *_NONE6,
        *_actor(event), *_reason(event.reason), event.custom_event_id, said,
    )  # fmt: skip


def _dropped(entry: Entry, gap: Dropped) -> list[Values]:
    first = (entry.dbid, entry.epoch, gap.first, gap.last, gap.first_time, gap.last_time)
    return [(*first, event, number) for event, number in sorted(gap.events.items())]


def _actor(event: Event) -> Values:
    actor = event.actor
    if actor is None:
        return _NONE5
    return (
        actor.agent_id or None, actor.place_id or None, actor.router_id or None,
        actor.strategy_id or None, actor.media_server or None,
    )  # fmt: skip


def _reason(reason: Reason | None) -> Values:
    if reason is None:
        return _NONE3
    name, description = reason.reason_system_name, reason.reason_description
    return (name or None, description or None, reason.reason)


def _shown(reason: Reason) -> dict[str, object]:
    name, description = reason.reason_system_name, reason.reason_description
    return {"system_name": name, "description": description, "reason": reason.reason}


def _word(value: Any) -> str | None:
    """A text as it is, and what should be one as it would be written."""
    if value is None or value == "":
        return None
    return value if isinstance(value, str) else json_text(value)

"""
What an operation of a document says, split into what the requests of the node know.

A document names properties as the field does, all side by side and mostly as
text: what is an attribute of a request, what is a system property that is
known by its name among user data, and what is plain user data, is decided
here. "" of a system property means that it is not there.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

from ixproxy.errors import Code, RemoteProtocolError, RequestRefused
from ixproxy.messages import RequestSubmit, Workbin
from ixproxy.messages.message import MAX_NAME, KeyValues
from ixproxy.node.intake_shown import NAMES
from ixproxy.node.intake_work import Operation
from ixproxy.node.literals import parse_timestamp, read_number
from ixproxy.wire.keyvalues import check_key_values

LAST_TIME = 253402300799.0
"""The end of the year 9999, in seconds since the epoch."""

_FLAGS = {"0": False, "1": True, "false": False, "true": True}


def name_of(key: str, value: object) -> str:
    """
    What something is called.

    :raise RequestRefused: it is no text, too long, or cannot be stored.
    """
    if isinstance(value, int) and not isinstance(value, bool):
        value = str(value)
    if not isinstance(value, str):
        raise _bad(key, value, "a text")
    if is_storable(value):
        return value
    length = len(value.encode("utf-8", "replace"))
    text = f"{key} takes {length} bytes in UTF-8, {MAX_NAME} are allowed"
    if length <= MAX_NAME:
        text = f"{key} has characters that cannot be stored"
    raise RequestRefused(Code.BAD_ATTRIBUTE, text)


def is_storable(name: str) -> bool:
    """Whether something can be called so in every store, and in the prefix of a frame."""
    try:
        return len(name.encode()) <= MAX_NAME and "\0" not in name
    except UnicodeEncodeError:
        return False


def _flag(key: str, value: object) -> bool:
    found = _FLAGS.get(str(value).strip().lower()) if isinstance(value, int | str) else None
    if found is None:
        raise _bad(key, value, "0, 1, false or true")
    return found


def _whole(key: str, value: object) -> int:
    number = read_number(value.strip()) if isinstance(value, str) else value
    if isinstance(number, float) and number.is_integer():
        number = int(number)
    if isinstance(number, bool) or not isinstance(number, int) or not -(2**63) <= number < 2**63:
        raise _bad(key, value, "a whole number of 64 bits")
    return number


def _time(key: str, value: object) -> float:
    moment = parse_timestamp(value.strip()) if isinstance(value, str) else value
    if isinstance(moment, bool) or not isinstance(moment, int | float):
        raise _bad(key, value, 'a time such as "2026-11-22 09:30:00" in UTC')
    if not 0 <= moment <= LAST_TIME:
        raise _bad(key, value, "a time from 1970 to 9999")
    return float(moment)


def _list(key: str, value: object) -> KeyValues:
    if not isinstance(value, dict):
        raise _bad(key, value, "a list of keys and values")
    return _checked(key, value)


def _checked(key: str, value: KeyValues) -> KeyValues:
    # Nearly all are texts, of which nothing is to be said.
    others = {name: each for name, each in value.items() if type(each) is not str}
    try:
        check_key_values(others, key)
    except RemoteProtocolError as problem:
        raise RequestRefused(Code.BAD_ATTRIBUTE, problem.description) from problem
    return value


def _bad(key: str, value: object, expected: str) -> RequestRefused:
    shown = repr(value)
    shown = shown if len(shown) <= 100 else f"{shown[:100]}…"
    return RequestRefused(Code.BAD_ATTRIBUTE, f"{key} is {shown}, expected {expected}")


Read = Callable[[str, object], Any]

_ATTRIBUTES: dict[str, tuple[str, Read]] = {
    "InteractionId": ("interaction_id", name_of),
    "TenantId": ("tenant_id", _whole),
    "MediaType": ("media_type", name_of),
    "InteractionMediatype": ("media_type", name_of),
    "InteractionType": ("interaction_type", name_of),
    "InteractionSubtype": ("interaction_subtype", name_of),
    "InteractionSubType": ("interaction_subtype", name_of),
    "Queue": ("queue", name_of),
    "InteractionQueue": ("queue", name_of),
    "ParentId": ("parent_interaction_id", name_of),
    "ParentID": ("parent_interaction_id", name_of),
    "ParentInteractionId": ("parent_interaction_id", name_of),
    "IsOnline": ("is_online", _flag),
    "ReceivedAt": ("received_at", _time),
    "InQueues": ("in_queues", _list),
    "OutQueues": ("out_queues", _list),
}
"""Names of properties to attributes of a submit."""

_WORKBIN: dict[str, str] = {
    "Workbin": "workbin_type_id",
    "WorkbinTypeId": "workbin_type_id",
    "WorkbinAgentId": "workbin_agent_id",
    "WorkbinAgentGroupId": "workbin_group_id",
    "WorkbinGroupId": "workbin_group_id",
    "WorkbinPlaceId": "workbin_place_id",
    "WorkbinPlaceGroupId": "workbin_place_group_id",
}
"""Names of properties to attributes of the workbin of a submit."""

_QUEUES = ("Queue", "InteractionQueue")
_PLACES = (*_QUEUES, *_WORKBIN)

_PROPERTIES: dict[str, tuple[str, Read]] = {
    "ExternalId": ("ExternalId", name_of),
    "Priority": ("Priority", _whole),
    "ServiceObjective": ("ServiceObjective", _whole),
}
"""Names of properties that requests have among user data, and how these are called there."""

_CHANGEABLE = {
    **_PROPERTIES,
    **dict.fromkeys(("ParentId", "ParentID", "ParentInteractionId"), ("ParentId", name_of)),
}
"""The same, of a change."""

_NOT_CHANGEABLE = (
    (set(_ATTRIBUTES) | set(_WORKBIN) | NAMES | {"Hold"}) - set(_CHANGEABLE) - set(_QUEUES)
)


_SYSTEM = frozenset({*_ATTRIBUTES, *_WORKBIN, *_PROPERTIES, *NAMES, "Hold"})
"""All names of system properties."""

_SPLIT = _SYSTEM | {"UserData"}


def _there(properties: Mapping[str, object]) -> dict[str, object]:
    """Without what a source left empty: system properties that are "" or None."""
    return {
        key: value
        for key, value in properties.items()
        if key not in _SYSTEM or not (value is None or value == "")
    }


class Submit(NamedTuple):
    """
    A submit.

    :ivar hold: it comes on hold.
    :ivar external_id: that it is to have; "": none.
    """

    request: RequestSubmit
    hold: bool
    external_id: str


def submit_of(operation: Operation, defaults: Mapping[str, object], tenant_id: int) -> Submit:
    """
    :param defaults: what it has that it does not say otherwise; a queue only
        where it says neither a queue nor a workbin.
    :param tenant_id: what it is for if it does not say that; 0: it must.
    :raise RequestRefused: names the property and what is wrong with it.
    """
    given = _there(operation.properties)
    placed = any(name in given for name in _PLACES)
    for key, value in defaults.items():
        if key not in given and not (placed and key in _PLACES):
            given[key] = value
    attributes: dict[str, Any] = {}
    workbin: dict[str, str] = {}
    user_data: KeyValues = {}
    hold = operation.hold
    for key, value in given.items():
        if key not in _SPLIT:
            user_data[key] = value
        elif key in _ATTRIBUTES:
            attribute, read = _ATTRIBUTES[key]
            attributes[attribute] = read(key, value)
        elif key in _WORKBIN:
            workbin[_WORKBIN[key]] = name_of(key, value)
        elif key in _PROPERTIES:
            known, read = _PROPERTIES[key]
            user_data[known] = read(key, value)
        elif key == "Hold":
            hold = hold or _flag(key, value)
        elif key == "UserData" and isinstance(value, dict):
            user_data.update(value)
        else:
            user_data[key] = value
    user_data.update(operation.user_data)
    if operation.interaction_id:
        attributes["interaction_id"] = name_of("InteractionId", operation.interaction_id)
    if operation.external_id:
        user_data["ExternalId"] = name_of("ExternalId", operation.external_id)
    attributes.setdefault("tenant_id", tenant_id)
    if not attributes["tenant_id"]:
        raise RequestRefused(Code.MISSING_VALUE, "TenantId is missing")
    request = RequestSubmit(
        user_data=_checked("UserData", user_data),
        workbin=Workbin(**workbin) if workbin else None,
        **attributes,
    )
    return Submit(request, hold, str(user_data.get("ExternalId") or ""))


class Change(NamedTuple):
    """
    An update.

    :ivar queue: to which it is to be moved; "": to none.
    """

    changed: KeyValues
    deleted: KeyValues
    queue: str


def change_of(operation: Operation, shown: Mapping[str, object], *, lenient: bool) -> Change:
    """
    :param shown: all that the interaction has, as it is shown. A property that
        cannot be changed may be named with the value that it has: many sources
        send all that they know.
    :param lenient: with another value it is left out, too.
    :raise RequestRefused: names the property and what is wrong with it.
    """
    changed: KeyValues = {}
    queue = ""
    for key, value in _there(operation.properties).items():
        if key in _QUEUES:
            queue = name_of(key, value)
        elif key in _CHANGEABLE:
            known, read = _CHANGEABLE[key]
            changed[known] = read(key, value)
        elif key in _NOT_CHANGEABLE:
            same = key in shown and str(shown[key]) == str(value)
            if not (same or lenient):
                raise RequestRefused(Code.READ_ONLY_PROPERTY, f"{key} cannot be changed")
        elif key == "UserData" and isinstance(value, dict):
            changed.update(value)
        else:
            changed[key] = value
    changed.update(operation.user_data)
    if operation.interaction_id and operation.external_id:
        # The id says which one it is; then this is a property like others.
        changed["ExternalId"] = name_of("ExternalId", operation.external_id)
    deleted: KeyValues = {}
    for key in operation.deleted:
        if key in _NOT_CHANGEABLE or key in _QUEUES:
            if not lenient:
                raise RequestRefused(Code.READ_ONLY_PROPERTY, f"{key} cannot be deleted")
        else:
            deleted[_CHANGEABLE.get(key, (key,))[0]] = ""
    return Change(
        _checked("Properties", changed), deleted, "" if queue == shown.get("Queue") else queue
    )


def external_ids_of(operation: Operation) -> set[str]:
    """The external ids that a submit may come to have, wherever it names them."""
    inner = operation.properties.get("UserData")
    places = [operation.properties, operation.user_data, inner if isinstance(inner, dict) else {}]
    named = {str(place.get("ExternalId") or "") for place in places}
    return {each for each in (operation.external_id, *named) if each}


def ids_of(operation: Operation) -> tuple[str, str]:
    """
    Interaction id and external id by which an operation says whom it is about.

    They are attributes of it, or else stand among its properties.
    """
    if operation.interaction_id or operation.external_id:
        return operation.interaction_id, operation.external_id
    named = operation.properties
    return str(named.get("InteractionId") or ""), str(named.get("ExternalId") or "")

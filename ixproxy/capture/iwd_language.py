"""
What the iWD-compatible web service asks and answers.

A task is an interaction: its task id is the interaction id, its capture id the
external id. What completes, cancels or restarts a task is an update that moves
it to a queue.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from lxml import etree

from ixproxy.capture.iwd_names import (
    CAPTURE_POINT_KEY,
    NAMESPACE,
    TASK_FIELDS,
    TASK_NAMESPACE,
    TASKS,
    Argument,
    Kind,
    Move,
    Task,
    Use,
)
from ixproxy.capture.iwd_wsdl import FAULT, SPACES, iwd_wsdl
from ixproxy.capture.soap_key_values import is_nil, text_of, whole_of, xml_text
from ixproxy.capture.soap_names import INSTANCE
from ixproxy.capture.soap_reading import flag_of
from ixproxy.capture.soap_writing import (
    SERVER_ERROR,
    begin_fault,
    description_of,
    envelope,
    field_time,
    to_bytes,
)
from ixproxy.capture.web_settings import TaskQueues
from ixproxy.capture.xml_parsing import Element
from ixproxy.errors import Code, RequestRefused
from ixproxy.messages.message import KeyValues
from ixproxy.node.intake_work import Operation, Problem, Result, Taken, Verb
from ixproxy.node.literals import parse_timestamp

NOBODY = "Missing taskId or captureId"


class IwdLanguage:
    """
    The iWD-compatible WSDL.

    :param name: of the capture point.
    :param queues: where tasks are moved to.
    """

    def __init__(self, name: str, queues: TaskQueues) -> None:
        self._name = name
        self._queues = {
            Move.COMPLETE: queues.completed,
            Move.CANCEL: queues.cancelled,
            Move.RESTART: queues.restarted,
        }

    def wsdl(self, address: str) -> bytes:
        """The document."""
        return iwd_wsdl(address)

    def read(self, element: Element) -> tuple[Operation, str, Callable[[Taken, float], bytes]]:
        """An operation and its writer; there is no place for a receipt in an envelope."""
        name = _name(element)
        task = TASKS.get(name)
        if task is None:
            text = f"{name!r} is no operation of this service; there are: {', '.join(TASKS)}"
            raise RequestRefused(Code.UNSUPPORTED_OPERATION, text)
        fields = _arguments(element, name, task)
        named = fields.get("interaction_id") or fields.get("external_id")
        if task.verb is Verb.SUBMIT:
            fields["user_data"] = {CAPTURE_POINT_KEY: self._name}
        elif task.verb is not Verb.PING and not named:
            raise RequestRefused(Code.MISSING_VALUE, NOBODY)
        if task.move is not None:
            fields["properties"] = {"Queue": self._queues[task.move]}
        operation = Operation(verb=task.verb, **fields)
        return operation, "", lambda taken, now: self._response(f"{name}Response", task, taken, now)

    def fault(self, problem: Problem, faultcode: str) -> bytes:
        """An envelope with a WebserviceFault."""
        root, body = envelope({**SPACES, "iwd": NAMESPACE, "xsi": INSTANCE})
        detail = begin_fault(body, faultcode, SERVER_ERROR)
        fault = etree.SubElement(detail, "fault")
        fault.set(f"{{{INSTANCE}}}type", f"ns2:{FAULT}")
        etree.SubElement(fault, "code").text = str(problem.code)
        etree.SubElement(fault, "message").text = xml_text(description_of(problem))
        etree.SubElement(fault, "severity").text = "ERROR"
        return to_bytes(root)

    def _response(self, name: str, task: Task, taken: Taken, now: float) -> bytes:
        result = taken.results[0] if taken.results else None
        root, body = envelope({**SPACES, "iwd": NAMESPACE, "xsi": INSTANCE})
        response = etree.SubElement(body, f"{{{NAMESPACE}}}{name}")
        match task.verb:
            case Verb.SUBMIT if result is not None:
                _out(response).text = result.interaction_id
            case Verb.PING:
                _out(response).text = field_time(now)
            case Verb.GETINFO if result is not None:
                self._task(_out(response), result)
        return to_bytes(root)

    def _task(self, out: etree._Element, result: Result) -> None:
        left = dict(result.properties)
        _add(out, TASK_NAMESPACE, "status").text = self._status(left)
        for field, (key, kind) in TASK_FIELDS.items():
            value = left.pop(key, None)
            if value is None or value == "" or isinstance(value, dict | bytes):
                continue
            text = str(value)
            if kind is Kind.TIME:
                # A client could not read what is no time.
                at = parse_timestamp(text)
                if at is None:
                    continue
                text = field_time(at).replace(" ", "T") + "Z"
            elif kind is Kind.WHOLE and not isinstance(value, int):
                continue
            _add(out, TASK_NAMESPACE, field).text = xml_text(text)
        rest = _add(out, TASK_NAMESPACE, "data")
        for key, value in left.items():
            if isinstance(value, str | int | float):
                entry = _add(rest, NAMESPACE, "entry")
                _add(entry, NAMESPACE, "key").text = xml_text(key)
                _add(entry, NAMESPACE, "value").text = xml_text(str(value))

    def _status(self, properties: KeyValues) -> str:
        """One word for where a task is."""
        by_queue = {
            self._queues[Move.COMPLETE]: "Completed",
            self._queues[Move.CANCEL]: "Canceled",
        }
        queue = properties.get("Queue")
        if isinstance(queue, str) and queue in by_queue:
            return by_queue[queue]
        if str(properties.get("IsHeld", 0)) == "1":
            return "Held"
        return "Assigned" if properties.get("AssignedTo") else "Queued"


def _arguments(element: Element, name: str, task: Task) -> dict[str, Any]:
    """The fields of an Operation that the arguments say."""
    known = {argument.name.lower(): argument for argument in task.arguments}
    found: dict[str, Any] = {"properties": {}}
    seen: set[str] = set()
    for child in element:
        argument = known.get(_name(child).lower())
        if argument is None:
            expected = ", ".join(each.name for each in task.arguments)
            text = f"{name} has no {_name(child)!r}; it has: {expected}"
            raise RequestRefused(Code.BAD_ATTRIBUTE, text)
        if argument.name in seen:
            raise RequestRefused(Code.DUPLICATE_KEY, f"{argument.name} is given twice")
        seen.add(argument.name)
        if not is_nil(child) and argument.use is not Use.IGNORED:
            _use(found, argument, child)
    return found


def _use(found: dict[str, Any], argument: Argument, child: Element) -> None:
    if argument.use is Use.MAPPED:
        for key, value in _map(child, argument.name):
            _set(found["properties"], argument.key + key, value)
        return
    if not text_of(child, argument.name).strip():
        return
    value = _value(child, argument)
    match argument.use:
        case Use.TASK_ID:
            found["interaction_id"] = value
        case Use.CAPTURE_ID:
            found["external_id"] = value
        case Use.REASON:
            found["reason"] = (value, "")
        case Use.HOLD:
            found["hold"] = value
        case _:
            _set(found["properties"], argument.key, value)


def _set(properties: KeyValues, key: str, value: Any) -> None:
    if key in properties:
        raise RequestRefused(Code.DUPLICATE_KEY, f"{key} is given twice")
    properties[key] = value


def _value(child: Element, argument: Argument) -> Any:
    match argument.kind:
        case Kind.WHOLE:
            return whole_of(child, argument.name)
        case Kind.FLAG:
            return flag_of(child, argument.name)
        case Kind.TIME:
            return _time(text_of(child, argument.name).strip(), argument.name)
    return text_of(child, argument.name)


def _time(text: str, where: str) -> str:
    """
    An xsd:dateTime as the field writes times, in UTC.

    :raise RequestRefused: it is none.
    """
    # A fraction of more than a microsecond is what some clients send.
    head, _, rest = text.partition(".")
    digits = rest[: len(rest) - len(rest.lstrip("0123456789"))]
    at = parse_timestamp(f"{head}.{digits[:6]}{rest[len(digits) :]}" if digits else text)
    if at is None:
        said = f"{where}: expected a time such as 2026-11-22T09:30:00Z, not {text[:40]!r}"
        raise RequestRefused(Code.BAD_ATTRIBUTE, said)
    return field_time(at)


def _map(child: Element, where: str) -> list[tuple[str, str]]:
    """The entries of a map, however they are called; those without a value are left out."""
    found = []
    for entry in child:
        parts = {_name(each): each for each in entry}
        key = parts.get("key")
        if key is None or not text_of(key, where):
            raise RequestRefused(Code.BAD_ATTRIBUTE, f"{where}: an entry has no key")
        value = parts.get("value")
        if value is not None and not is_nil(value):
            found.append((text_of(key, where), text_of(value, f"{where}/{key.text}")))
    return found


def _name(element: Element) -> str:
    """An element's name; callers differ in the namespaces of arguments."""
    return element.name


def _out(response: etree._Element) -> etree._Element:
    return _add(response, NAMESPACE, "out")


def _add(parent: etree._Element, namespace: str, name: str) -> etree._Element:
    return etree.SubElement(parent, f"{{{namespace}}}{name}")

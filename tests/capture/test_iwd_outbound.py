"""What is told in the form of iWD: the stylesheet iwd/outbound.xsl."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import pytest

from ixproxy.capture.asking import Keys
from ixproxy.capture.xml_forms import XmlForms, read_forms
from ixproxy.capture.xml_parsing import Element, parse
from ixproxy.node.intake_work import Notification, Problem, Said


def iwd_forms(**outbound: str) -> XmlForms:
    given = {"iwd-compatibility-mode": True, "outbound-transformer-parameters": outbound}
    keys = Keys(given)
    made = read_forms(keys)
    keys.finish()
    return made


@pytest.fixture
def iwd() -> Iterator[XmlForms]:
    made = iwd_forms(specificQueueNotifications="true", CompleteQueues="Done,Archive")
    yield made
    made.close()


@pytest.mark.parametrize(
    ("said", "place", "element"),
    [
        (Said.INFO, "", "TaskInfo"),
        (Said.CHANGED, "", "TaskInfo"),
        (Said.PLACED_IN_QUEUE, "Inbound", "TaskDistributedQueue"),
        (Said.PLACED_IN_QUEUE, "Archive", "TaskCompleted"),
        (Said.PLACED_IN_QUEUE, "iWD_Canceled", "TaskCanceled"),
        (Said.PLACED_IN_QUEUE, "iWD_New", "TaskRestarted"),
        (Said.PLACED_IN_QUEUE, "iWD_Rejected", "TaskRejected"),
        (Said.PLACED_IN_QUEUE, "iWD_ErrorHeld", "TaskErrorHeld"),
        (Said.PLACED_IN_WORKBIN, "Done", "TaskDistributedQueue"),
    ],
)
def test_what_is_told_becomes_a_message_of_iwd(
    iwd: XmlForms, said: Said, place: str, element: str
) -> None:
    told = Notification(
        said=said,
        number=7,
        dbid=1,
        at=0.0,
        interaction_id="0001",
        external_id="SR-1",
        place=place,
        properties={"Priority": 7, "IWD_category": "Claims", "IWD_ext_vendorId": "V1", "Own": "x"},
    )
    text = iwd.write(told).decode()
    assert re.search(r"<GTLMessage>\s*<(\w+)", text)[1] == element  # type: ignore[index]
    for part in (
        "<interactionID>0001</interactionID>",
        "<captureId>SR-1</captureId>",
        "<priority>7</priority>",
        "<category>Claims</category>",
        "<vendorId>V1</vendorId>",
        "<Own>x</Own>",
    ):
        assert part in text


def task(forms: XmlForms, said: Said = Said.INFO, **fields: Any) -> dict[str, Any]:
    """The attributes of a task that is told of; `Ext`, `Data` and `extra` have their own."""
    told = Notification(said=said, number=7, dbid=1, at=0.0, **fields)
    (message,) = parse(forms.write(told))
    names = [child.name for child in message]
    assert len(set(names)) == len(names)
    return {child.name: inside(child) for child in message}


def inside(element: Element) -> Any:
    if element.name not in ("Ext", "Data", "extra"):
        return element.text
    return {each.attributes.get("name", each.name): each.text for each in element}


TOLD: dict[str, Any] = {
    "interaction_id": "0001",
    "external_id": "SR-1",
    "actor": ("media-server", "claims"),
    "properties": {
        "InteractionId": "0001",
        "ExternalId": "SR-1",
        "TenantId": 101,
        "MediaType": "workitem",
        "IsHeld": 0,
        "Queue": "Claims.In",
        "SubmittedBy": "claims",
        "ReceivedAt": "2026-11-22 09:30:00",
        "AssignedTo": "ann",
        "AssignedAt": "2026-11-22 09:31:00",
        "Priority": 7,
        "InQueues": {"Done": ""},
        "IWD_category": "Claims",
        "IWD_processId": "P-1",
        "IWD_solutionId": "S-1",
        "IWD_mood": "good",
        "IWD_tenantId": "T-1",
        "IWD_7": "seven",
        "IWD_ext_vendorId": "V-7",
        "IWD_ext_vendor name": "Acme",
        "IWD_ext_7": "7",
        "CustomerSegment": "Gold",
        "Customer name": "Ada Lovelace",
        "Attempts": 3,
        "Note": "",
        "Order": {"Lines": 2},
    },
}


def test_a_task_of_iwd_has_all_that_the_interaction_has(iwd: XmlForms) -> None:
    assert task(iwd, **TOLD) == {
        "interactionID": "0001",
        "captureId": "SR-1",
        "status": "Assigned",
        "queue": "Claims.In",
        "tenantID": "101",
        "mediaType": "workitem",
        "createdDateTime": "2026-11-22 09:30:00",
        "assignedToUser": "ann",
        "assignedDateTime": "2026-11-22 09:31:00",
        "priority": "7",
        "category": "Claims",
        "processID": "P-1",
        "solutionID": "S-1",
        "mood": "good",
        "Ext": {"vendorId": "V-7", "vendor name": "Acme", "7": "7"},
        "Data": {
            "IsHeld": "0",
            "SubmittedBy": "claims",
            "IWD_tenantId": "T-1",
            "IWD_7": "seven",
            "CustomerSegment": "Gold",
            "Customer name": "Ada Lovelace",
            "Attempts": "3",
            "Note": "",
        },
    }


def test_nobody_is_said_to_have_a_task_that_nobody_has(iwd: XmlForms) -> None:
    fields = {**TOLD, "properties": {"Queue": "Claims.In"}}
    told = task(iwd, Said.SUBMITTED, **fields)
    assert "assignedToUser" not in told
    assert told["status"] == "Queued"


@pytest.mark.parametrize(
    ("properties", "status"),
    [
        ({"Queue": "Archive", "IsHeld": 1}, "Completed"),
        ({"Queue": "iWD_Canceled"}, "Canceled"),
        ({"Queue": "iWD_Rejected"}, "Rejected"),
        ({"Queue": "iWD_ErrorHeld"}, "ErrorHeld"),
        ({"Queue": "iWD_New"}, "Queued"),
        ({"Queue": "In", "IsHeld": 1, "AssignedTo": "ann"}, "Held"),
        ({"Queue": "In", "IsHeld": 0, "AssignedTo": "ann"}, "Assigned"),
    ],
)
def test_the_status_of_a_task_is_where_it_is(
    iwd: XmlForms, properties: dict[str, Any], status: str
) -> None:
    assert task(iwd, Said.CHANGED, interaction_id="1", properties=properties)["status"] == status


def test_lists_of_queues_may_have_spaces_after_the_commas() -> None:
    made = iwd_forms(CompleteQueues="Done, Archive")
    for queue in ("Done", "Archive"):
        told = task(made, Said.INFO, interaction_id="1", properties={"Queue": queue})
        assert told["status"] == "Completed"
    made.close()


@pytest.mark.parametrize(
    ("given", "queue"),
    [({}, "Drafts"), ({"includeWorkbinQueueName": "true"}, "__Drafts")],
)
def test_a_task_in_a_workbin_is_said_to_be_there_or_in_the_queue_of_that(
    given: dict[str, str], queue: str
) -> None:
    made = iwd_forms(**given)
    told = task(
        made,
        Said.PLACED_IN_WORKBIN,
        interaction_id="1",
        place="Drafts",
        properties={"Queue": "__Drafts", "Workbin": "Drafts"},
    )
    assert told["queue"] == queue
    assert told["Data"] == {"Workbin": "Drafts"}
    made.close()


def test_the_time_that_the_web_service_keeps_is_shown_before_that_of_the_field(
    iwd: XmlForms,
) -> None:
    properties = {"ReceivedAt": "2026-11-22 09:30:00", "IWD_createdDateTime": "2026-11-21 08:00:00"}
    told = task(iwd, interaction_id="1", properties=properties)
    assert told["createdDateTime"] == "2026-11-21 08:00:00"
    assert told["Data"] == {"ReceivedAt": "2026-11-22 09:30:00"}


def test_data_of_a_task_can_be_given_back_as_it_was_told(iwd: XmlForms) -> None:
    own = {"CustomerSegment": "Gold", "Customer name": "Ada", "IWD_ext_vendor name": "Acme"}
    told = iwd.write(
        Notification(said=Said.INFO, number=7, dbid=1, at=0.0, interaction_id="1", properties=own)
    )
    again = re.sub(rb"(</?)TaskInfo[^>]*", rb"\1UpdateTask", told)
    (operation,) = iwd.read(again).operations
    assert operation.properties == own


def test_a_refused_request_becomes_an_error_of_iwd(iwd: XmlForms) -> None:
    told = Notification(
        said=Said.ERROR, number=7, dbid=1, at=0.0, problem=Problem(43, "Unknown task")
    )
    assert b'<TaskError code="43" description="Unknown task"' in iwd.write(told)


def test_an_error_of_iwd_names_what_was_asked_for_or_what_cannot_be_read(iwd: XmlForms) -> None:
    problem = Problem(43, "Unknown task")
    assert task(iwd, Said.ERROR, external_id="SR-1", problem=problem, extra={"Verb": "hold"}) == {
        "captureId": "SR-1",
        "extra": {"Verb": "hold"},
    }
    assert task(iwd, Said.ERROR, problem=problem, extra={"Document": "claims-17.xml"}) == {
        "extra": {"Document": "claims-17.xml"}
    }


def test_why_a_task_is_held_is_told(iwd: XmlForms) -> None:
    assert task(iwd, Said.HELD, reason=("waits", "for a call")) == {"reason": "waits"}

from __future__ import annotations

import pytest

from ixproxy.capture.iwd_language import IwdLanguage
from ixproxy.capture.soap_envelope import read_envelope
from ixproxy.capture.web_settings import TaskQueues
from ixproxy.capture.xml_parsing import Element
from ixproxy.errors import Code, RequestRefused
from ixproxy.node.intake_work import Operation, Problem, Result, Taken, Verb
from tests.capture.web_stage import envelope, shown

LANGUAGE = IwdLanguage("web-in", TaskQueues("Done", "Gone", "Again"))


def read(name: str, inner: str = "") -> Operation:
    return LANGUAGE.read(element(name, inner))[0]


def element(name: str, inner: str = "") -> Element:
    text = f'<iwd:{name} xmlns:iwd="http://webservice.capture.gtl.evo">{inner}</iwd:{name}>'
    return read_envelope(envelope(text))


def answered(name: str, inner: str, *results: Result) -> str:
    _, _, write = LANGUAGE.read(element(name, inner))
    return shown(write(Taken(results=results), 0.0))


def refusal(name: str, inner: str) -> RequestRefused:
    with pytest.raises(RequestRefused) as refused:
        read(name, inner)
    return refused.value


def test_a_new_task_is_a_submit_with_the_capture_id_as_external_id() -> None:
    made = read(
        "createTask",
        "<iwd:captureId>C1</iwd:captureId><iwd:actor>me</iwd:actor><iwd:reason>why</iwd:reason>"
        "<iwd:mediaType>ignored</iwd:mediaType><iwd:hold>true</iwd:hold>"
        "<iwd:category>Claims</iwd:category><iwd:priority>7</iwd:priority>"
        "<iwd:dueDateTime>2026-11-22T10:30:00.1234567+01:00</iwd:dueDateTime>"
        "<iwd:expirationDateTime/><iwd:ext><iwd:entry><iwd:key>a</iwd:key><iwd:value>b</iwd:value>"
        "</iwd:entry></iwd:ext><iwd:data><iwd:entry><iwd:key>MediaType</iwd:key>"
        "<iwd:value>email</iwd:value></iwd:entry><iwd:entry><iwd:key>no</iwd:key></iwd:entry>"
        "</iwd:data>",
    )
    assert made == Operation(
        verb=Verb.SUBMIT,
        external_id="C1",
        properties={
            "IWD_category": "Claims",
            "Priority": 7,
            "IWD_dueDateTime": "2026-11-22 09:30:00",
            "IWD_ext_a": "b",
            "MediaType": "email",
        },
        user_data={"IWD_capturePointId": "web-in"},
        hold=True,
    )


@pytest.mark.parametrize(
    ("name", "queue"), [("complete", "Done"), ("cancel", "Gone"), ("restart", "Again")]
)
def test_what_ends_a_task_or_begins_it_anew_moves_it(name: str, queue: str) -> None:
    inner = "<taskId>X1</taskId><reason>r</reason>"
    assert read(f"{name}TaskByTaskId", inner) == Operation(
        verb=Verb.UPDATE, interaction_id="X1", properties={"Queue": queue}
    )


def test_a_reason_is_kept_where_a_task_is_held_or_resumed() -> None:
    inner = "<captureId>C1</captureId><reason>Lunch</reason>"
    for name, verb in (("hold", Verb.HOLD), ("resume", Verb.RESUME)):
        assert read(f"{name}TaskByCaptureId", inner) == Operation(
            verb=verb, external_id="C1", reason=("Lunch", "")
        )


def test_an_update_sets_what_it_names() -> None:
    assert read("updateTaskByTaskId", "<taskId>X1</taskId><channel>web</channel>") == Operation(
        verb=Verb.UPDATE, interaction_id="X1", properties={"IWD_channel": "web"}
    )


@pytest.mark.parametrize("name", ["getTaskByTaskId", "cancelTaskByCaptureId"])
def test_a_task_must_be_named(name: str) -> None:
    assert refusal(name, "").code == Code.MISSING_VALUE


@pytest.mark.parametrize(
    ("name", "inner", "says"),
    [
        ("killTask", "", "'killTask'"),
        ("createTask", "<color/>", "'color'"),
        ("createTask", "<priority>high</priority>", "priority"),
        ("createTask", "<dueDateTime>soon</dueDateTime>", "dueDateTime"),
        ("createTask", "<dueDateTime>2026-13-01T00:00:00Z</dueDateTime>", "dueDateTime"),
        ("createTask", "<captureId>a</captureId><captureId>b</captureId>", "captureId"),
        ("createTask", "<data><entry><value>1</value></entry></data>", "no key"),
        ("createTask", "<captureId><a/></captureId>", "captureId"),
        (
            "createTask",
            "<priority>1</priority><data><e><key>Priority</key><value>2</value></e></data>",
            "Priority",
        ),
    ],
)
def test_what_is_wrong_is_told_by_name(name: str, inner: str, says: str) -> None:
    assert says in refusal(name, inner).description


def test_a_new_task_is_answered_with_its_id_alone() -> None:
    result = Result(verb=Verb.SUBMIT, interaction_id="X1")
    assert (
        answered("createTask", "", result)
        == "<createTaskResponse><out>X1</out></createTaskResponse>"
    )
    assert answered("createTask", "") == "<createTaskResponse/>"
    assert answered("ping", "") == "<pingResponse><out>1970-01-01 00:00:00</out></pingResponse>"


def described(**properties: object) -> str:
    result = Result(verb=Verb.GETINFO, interaction_id="X1", properties=properties)
    return answered("getTaskByTaskId", "<taskId>X1</taskId>", result)


def test_a_task_is_described_by_its_attributes_and_what_is_left_is_in_data() -> None:
    assert described(
        InteractionId="X1",
        Priority=5,
        IWD_dueDateTime="2026-11-22 09:30:00",
        IWD_createdDateTime="long ago",
        a="b",
        c={"d": 1},
    ) == (
        "<getTaskByTaskIdResponse><out><status>Queued</status><interactionId>X1</interactionId>"
        "<priority>5</priority><dueDateTime>2026-11-22T09:30:00Z</dueDateTime>"
        "<data><entry><key>a</key><value>b</value></entry></data></out></getTaskByTaskIdResponse>"
    )


@pytest.mark.parametrize(
    ("properties", "status"),
    [
        ({"Queue": "Done"}, "Completed"),
        ({"Queue": "Gone"}, "Canceled"),
        ({"Queue": "In", "IsHeld": 1}, "Held"),
        ({"AssignedTo": "mary"}, "Assigned"),
        ({}, "Queued"),
    ],
)
def test_one_word_says_where_a_task_is(properties: dict[str, object], status: str) -> None:
    assert f"<status>{status}</status>" in described(**properties)


def test_a_fault_has_the_fields_form() -> None:
    raw = LANGUAGE.fault(Problem(code=43, description="no X1"), "Client")
    assert b'<fault xsi:type="ns2:WebserviceFault">' in raw
    assert (
        shown(raw)
        .replace(' type="ns2:WebserviceFault"', "")
        .endswith(
            "<code>43</code><message>Unknown interaction identifier specified</message>"
            "<severity>ERROR</severity></fault></detail></Fault>"
        )
    )
    assert b"<faultstring>Interaction Server protocol error</faultstring>" in raw

"""A capture point's table says in which form its documents are."""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from ixproxy.capture import xml_forms
from ixproxy.capture.asking import Keys
from ixproxy.capture.refusing import DocumentRefused
from ixproxy.capture.xml_forms import XmlForms, read_forms
from ixproxy.errors import ConfigError
from ixproxy.node.intake_work import Notification, Operation, Problem, Said, Verb

IWD = Path(xml_forms.__file__).with_name("iwd")


def forms(**settings: object) -> XmlForms:
    keys = Keys({key.replace("_", "-"): value for key, value in settings.items()})
    made = read_forms(keys)
    keys.finish()
    return made


def mistakes(**settings: object) -> list[str]:
    with pytest.raises(ConfigError) as wrong:
        forms(**settings)
    return [f"{problem.key}: {problem.text}" for problem in wrong.value.problems]


@pytest.fixture
def iwd() -> Iterator[XmlForms]:
    made = forms(
        iwd_compatibility_mode=True,
        inbound_transformer_parameters={"CompleteQueues": "Done, Archive"},
        outbound_transformer_parameters={
            "specificQueueNotifications": "true",
            "CompleteQueues": "Done,Archive",
        },
    )
    yield made
    made.close()


def test_without_stylesheets_documents_are_native() -> None:
    native = forms()
    document = native.read(b'<interaction operation="ping"/>', receipt="r", correlation={"a": "b"})
    assert document.operations == (Operation(verb=Verb.PING),)
    assert (document.receipt, document.correlation) == ("r", {"a": "b"})
    told = native.write(Notification(said=Said.PONG, number=0, dbid=1, at=0.0))
    assert b'<interaction operation="pong"/>' in told
    native.close()


def test_a_document_may_have_as_many_bytes_as_the_table_says() -> None:
    with pytest.raises(DocumentRefused, match="31 bytes, 30 are allowed"):
        forms(max_document_size=30).read(b'<interaction operation="ping"/>')


def test_what_is_wrong_with_the_table_is_named() -> None:
    assert mistakes(max_document_size=0) == [
        "max-document-size: expected a whole number from 1 to 67108864, not 0"
    ]
    assert mistakes(inbound_transformation=7) == ["inbound-transformation: expected a text, not 7"]
    assert mistakes(inbound_transformer_parameters={"a": "b"}) == [
        "inbound-transformer-parameters: there is no inbound-transformation"
    ]
    assert mistakes(outbound_transformation="x.xsl", outbound_transformer_parameters={"a": 1}) == [
        "outbound-transformer-parameters: expected a table of texts"
    ]
    (text,) = mistakes(outbound_transformation="/not/there.xsl")
    assert (
        text == "outbound-transformation: /not/there.xsl cannot be read: No such file or directory"
    )


def test_the_mode_of_iwd_and_a_stylesheet_of_ones_own_do_not_go_together() -> None:
    assert mistakes(iwd_compatibility_mode="yes") == [
        "iwd-compatibility-mode: expected true or false, not 'yes'"
    ]
    assert mistakes(iwd_compatibility_mode=True, outbound_transformation="x.xsl") == [
        "outbound-transformation: iwd-compatibility-mode has a stylesheet of its own"
    ]
    forms(iwd_compatibility_mode=False, outbound_transformation=str(IWD / "outbound.xsl")).close()


def test_a_stylesheet_needs_a_library_that_may_be_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delitem(sys.modules, "ixproxy.capture.transforming", raising=False)
    monkeypatch.setitem(sys.modules, "lxml", None)
    assert mistakes(inbound_transformation="x.xsl") == [
        "inbound-transformation: it needs lxml: install ixproxy[capture]"
    ]


TASKS = """\
<GTLMessages>
  <CreateTask>
    <captureId>SR-1</captureId><mediaType>workitem</mediaType><PRIORITY>7</PRIORITY>
    <category>Claims</category><createdDateTime>2026-11-22T09:30:00Z</createdDateTime>
    <ext><vendorId>V1</vendorId></ext><Data><Customer>Ada</Customer></Data><unknown>x</unknown>
  </CreateTask>
  <getTaskInfo captureID="SR-1"/>
  <UpdateTask captureId="SR-1"><businessValue>3</businessValue></UpdateTask>
  <CompleteTask interactionID="0001"/>
  <CancelTask captureId="SR-1"/>
  <RestartTask captureId="SR-1"/>
  <HoldTask captureId="SR-1" reason="waits"/>
  <ResumeTask captureId="SR-1"/>
</GTLMessages>
"""


def test_requests_of_iwd_become_native_ones(iwd: XmlForms) -> None:
    assert iwd.read(TASKS.encode()).operations == (
        Operation(
            verb=Verb.SUBMIT,
            external_id="SR-1",
            properties={
                "MediaType": "workitem",
                "Priority": 7,
                "IWD_category": "Claims",
                "ReceivedAt": "2026-11-22 09:30:00",
                "IWD_ext_vendorId": "V1",
                "Customer": "Ada",
            },
        ),
        Operation(verb=Verb.GETINFO, external_id="SR-1"),
        Operation(verb=Verb.UPDATE, external_id="SR-1", properties={"IWD_businessValue": "3"}),
        Operation(verb=Verb.UPDATE, interaction_id="0001", properties={"Queue": "Done"}),
        Operation(verb=Verb.UPDATE, external_id="SR-1", properties={"Queue": "iWD_Canceled"}),
        Operation(verb=Verb.UPDATE, external_id="SR-1", properties={"Queue": "iWD_New"}),
        Operation(verb=Verb.HOLD, external_id="SR-1", reason=("waits", "")),
        Operation(verb=Verb.RESUME, external_id="SR-1"),
    )


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("<messages/>", "expected GTLMessages or GTLMessage as the root, not messages"),
        ("<GTLMessage><DropTask/></GTLMessage>", "unknown request DropTask"),
        ("<GTLMessage/>", "after inbound-transformation: line 2: 'messages' holds no interaction"),
    ],
)
def test_what_is_no_request_of_iwd_is_refused(iwd: XmlForms, text: str, reason: str) -> None:
    with pytest.raises(DocumentRefused, match=reason):
        iwd.read(text.encode())


def test_a_task_that_nobody_can_name_is_a_problem_of_its_own(iwd: XmlForms) -> None:
    wrong, right = iwd.read(
        b"<GTLMessages><HoldTask/><HoldTask captureId='a'/></GTLMessages>"
    ).operations
    assert wrong.problem is not None
    assert right.problem is None


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
    ):
        assert part in text
    assert "Own" not in text


def test_a_refused_request_becomes_an_error_of_iwd(iwd: XmlForms) -> None:
    told = Notification(
        said=Said.ERROR, number=7, dbid=1, at=0.0, problem=Problem(43, "Unknown task")
    )
    assert b'<TaskError code="43" description="Unknown task">' in iwd.write(told)


@pytest.mark.parametrize(("said", "element"), [(Said.ERROR, "TaskError"), (Said.INFO, "TaskInfo")])
def test_a_reply_of_iwd_says_which_message_of_which_document_it_answers(
    iwd: XmlForms, said: Said, element: str
) -> None:
    extra = {"Document": "a & b.xml", "Operation": 2}
    told = Notification(said=said, number=7, dbid=1, at=0.0, extra=extra)
    start = re.search(f"<{element} [^>]*>", iwd.write(told).decode())
    assert start
    assert 'document="a &amp; b.xml" operation="2"' in start[0]


def test_what_a_stylesheet_leaves_out_is_not_told() -> None:
    made = forms(
        outbound_transformation=str(IWD / "outbound.xsl"),
        outbound_transformer_parameters={"wanted": "stopped info"},
    )
    assert made.write(Notification(said=Said.HELD, number=7, dbid=1, at=0.0)) == b""
    assert made.write(Notification(said=Said.INFO, number=7, dbid=1, at=0.0))
    made.close()

"""Documents become operations."""

from __future__ import annotations

import pytest

from ixproxy.capture.refusing import DocumentRefused
from ixproxy.capture.xml_parsing import XmlLimits
from ixproxy.capture.xml_reading import read_document
from ixproxy.errors import Code
from ixproxy.node.intake_work import Operation, Verb
from tests.capture.schemas import faults


def read(text: str, limits: XmlLimits | None = None) -> tuple[Operation, ...]:
    return read_document(text.encode(), limits=limits or XmlLimits()).operations


def only(text: str) -> Operation:
    (operation,) = read(text)
    return operation


def refusal(text: str, limits: XmlLimits | None = None) -> DocumentRefused:
    with pytest.raises(DocumentRefused) as refused:
        read(text, limits)
    return refused.value


SUBMIT = """\
<?xml version="1.0" encoding="UTF-8"?>
<interaction operation="submit" ExternalId="SR-1001">
  <properties>
    <TenantId>101</TenantId><Queue>Claims.In</Queue><MediaType>workitem</MediaType>
    <ReceivedAt>2026-11-22 09:30:00</ReceivedAt><Priority>10</Priority>
    <CustomerSegment>Gold</CustomerSegment><Order><Lines type="int">3</Lines></Order>
  </properties>
</interaction>
"""

BATCH = """\
<batch made-by="me">
  <interaction operation="update" ExternalId="SR-1001">
    <properties><Priority>20</Priority><Queue>Claims.Urgent</Queue></properties>
    <deleted><Note/><p name="Old note"/></deleted>
  </interaction>
  <interaction operation="hold" InteractionId="0001ABC">
    <reason systemname="waits" description="for a call"/>
  </interaction>
  <interaction operation="resume" InteractionId="0001ABC"/>
  <interaction operation="getinfo" ExternalId="SR-1001"/>
  <interaction operation="stop" ExternalId="SR-0999"></interaction>
  <interaction operation="ping"/>
</batch>
"""


def test_an_interaction_as_the_root_is_one_operation() -> None:
    assert only(SUBMIT) == Operation(
        verb=Verb.SUBMIT,
        external_id="SR-1001",
        properties={
            "TenantId": 101,
            "Queue": "Claims.In",
            "MediaType": "workitem",
            "ReceivedAt": "2026-11-22 09:30:00",
            "Priority": 10,
            "CustomerSegment": "Gold",
            "Order": {"Lines": 3},
        },
    )


def test_any_other_root_wraps_many() -> None:
    assert read(BATCH) == (
        Operation(
            verb=Verb.UPDATE,
            external_id="SR-1001",
            properties={"Priority": 20, "Queue": "Claims.Urgent"},
            deleted=("Note", "Old note"),
        ),
        Operation(verb=Verb.HOLD, interaction_id="0001ABC", reason=("waits", "for a call")),
        Operation(verb=Verb.RESUME, interaction_id="0001ABC"),
        Operation(verb=Verb.GETINFO, external_id="SR-1001"),
        Operation(verb=Verb.STOP, external_id="SR-0999"),
        Operation(verb=Verb.PING),
    )


def test_a_document_carries_what_its_source_says_of_it() -> None:
    document = read_document(SUBMIT.encode(), receipt="r1", correlation={"message": "7"})
    assert (document.receipt, document.correlation) == ("r1", {"message": "7"})
    assert document.replies


def test_a_submit_may_name_itself_among_its_properties_and_come_on_hold() -> None:
    operation = only(
        '<interaction operation="submit" ExternalId="E"><properties><ExternalId>E</ExternalId>'
        "<InteractionId>I</InteractionId><Hold>1</Hold><Queue>Q</Queue></properties></interaction>"
    )
    assert operation == Operation(
        verb=Verb.SUBMIT,
        interaction_id="I",
        external_id="E",
        hold=True,
        properties={"Queue": "Q"},
    )


def test_an_update_may_give_another_external_id_to_what_it_names() -> None:
    operation = only(
        '<interaction operation="update" InteractionId="I" ExternalId="E">'
        "<properties><ExternalId>F</ExternalId></properties></interaction>"
    )
    assert (operation.interaction_id, operation.external_id) == ("I", "E")
    assert operation.properties == {"ExternalId": "F"}


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("<batch/>", "line 1: 'batch' holds no interaction"),
        ("<batch>\n<order/></batch>", "line 2: expected an interaction, not 'order'"),
        ("<batch>x<interaction operation='ping'/></batch>", "'batch' has text besides"),
        ("<batch><batch><interaction operation='ping'/></batch></batch>", "not 'batch'"),
        ("<interaction/>", "an interaction has no operation; expected one of submit, update"),
        ("<interaction operation='cancel'/>", "has the operation 'cancel'; expected one of"),
        ("<interaction operation='Submit'/>", "has the operation 'Submit'"),
        ("<interaction Operation='submit'/>", "has no operation"),
        ("<Interaction operation='submit'/>", "'Interaction' holds no interaction"),
        ("<interaction xmlns='urn:x' operation='ping'/>", "'interaction' of namespace 'urn:x'"),
        ("<b><interaction operation='ping'/><interaction/></b>", "has no operation"),
    ],
)
def test_what_is_wrong_with_a_document_refuses_all_of_it(text: str, reason: str) -> None:
    assert reason in str(refusal(text))


def test_no_document_has_too_many_operations() -> None:
    text = "<b>" + "<interaction operation='ping'/>" * 4 + "</b>"
    assert len(read(text, XmlLimits(operations=4))) == 4
    refused = refusal(text, XmlLimits(operations=3))
    assert "it has 4 operations, 3 are allowed" in str(refused)
    assert refused.code == Code.TOO_LARGE


UPDATE = '<interaction operation="update" ExternalId="E">'


@pytest.mark.parametrize(
    ("text", "reason", "code"),
    [
        (
            '<interaction operation="stop"/>',
            "line 1: stop has neither InteractionId nor ExternalId",
            Code.MISSING_VALUE,
        ),
        (
            '<interaction operation="hold" InteractionId="" ExternalId=""/>',
            "hold has neither InteractionId nor ExternalId",
            Code.MISSING_VALUE,
        ),
        (
            f"{UPDATE}\n<properties><Priority>high</Priority></properties></interaction>",
            "line 2: 'Priority' is 'high', expected a whole number",
            Code.BAD_ATTRIBUTE,
        ),
        (
            f"{UPDATE}<properties/><properties/></interaction>",
            "'properties' stands twice",
            Code.DUPLICATE_KEY,
        ),
        (
            f"{UPDATE}<properties><a/></properties><deleted><a/></deleted></interaction>",
            "'a' is both changed and deleted",
            Code.DUPLICATE_KEY,
        ),
        (
            f"{UPDATE}<deleted><a/><b name='a'/></deleted></interaction>",
            "'a' is named twice",
            Code.DUPLICATE_KEY,
        ),
        (
            f"{UPDATE}<deleted><a>x</a></deleted></interaction>",
            "'a' is to be deleted and has something inside",
            Code.BAD_ATTRIBUTE,
        ),
        (
            f"{UPDATE}<reason/></interaction>",
            "update has 'reason'; expected deleted or properties",
            Code.BAD_ATTRIBUTE,
        ),
        (
            f"{UPDATE}<x:properties xmlns:x='urn:x'/></interaction>",
            "update has 'properties' of namespace 'urn:x'",
            Code.BAD_ATTRIBUTE,
        ),
        (
            f"{UPDATE}text</interaction>",
            "an interaction has text besides its elements",
            Code.BAD_ATTRIBUTE,
        ),
        (
            f"{UPDATE}<properties>text</properties></interaction>",
            "'properties' has text besides its elements",
            Code.BAD_ATTRIBUTE,
        ),
        (
            f"{UPDATE}<properties a='b'/></interaction>",
            "'properties' has attributes; expected none",
            Code.BAD_ATTRIBUTE,
        ),
        (
            '<interaction operation="getinfo" ExternalId="E"><properties/></interaction>',
            "getinfo has 'properties'; expected nothing inside",
            Code.BAD_ATTRIBUTE,
        ),
        (
            '<interaction operation="stop" ExternalId="E"><reason why="x"/></interaction>',
            "a reason has an attribute 'why'; expected systemname or description",
            Code.BAD_ATTRIBUTE,
        ),
        (
            '<interaction operation="stop" ExternalId="E"><reason>x</reason></interaction>',
            "a reason has something inside",
            Code.BAD_ATTRIBUTE,
        ),
        (
            '<interaction operation="stop" ExternalId="E"><reason systemname="'
            + "x" * 256
            + '"/></interaction>',
            "systemname has 256 characters, 255 are allowed",
            Code.BAD_ATTRIBUTE,
        ),
        (
            '<interaction operation="stop" ExternalId="' + "E" * 256 + '"/>',
            "ExternalId has 256 characters, 255 are allowed",
            Code.BAD_ATTRIBUTE,
        ),
        (
            '<interaction operation="stop" externalId="E"/>',
            "an attribute 'externalId'; expected operation, InteractionId or ExternalId",
            Code.BAD_ATTRIBUTE,
        ),
        (
            '<interaction operation="submit" ExternalId="E"><properties><ExternalId>F</ExternalId>'
            "</properties></interaction>",
            "ExternalId is said twice, and not alike",
            Code.DUPLICATE_KEY,
        ),
        (
            '<interaction operation="submit"><properties><InteractionId>'
            + "I" * 256
            + "</InteractionId></properties></interaction>",
            "InteractionId has 256 characters",
            Code.BAD_ATTRIBUTE,
        ),
    ],
)
def test_what_is_wrong_with_one_operation_is_its_problem(text: str, reason: str, code: int) -> None:
    good, bad, another = read(
        f'<b><interaction operation="ping"/>{text}<interaction operation="ping"/></b>'
    )
    assert (good, another) == (Operation(verb=Verb.PING),) * 2
    assert bad.problem is not None
    assert reason in bad.problem.description
    assert bad.problem.code == code
    assert bad.properties == {}


def test_an_operation_with_a_problem_keeps_the_name_that_its_reply_needs() -> None:
    operation = only(f"{UPDATE}<wrong/></interaction>")
    assert (operation.verb, operation.external_id) == (Verb.UPDATE, "E")
    assert operation.problem is not None


def test_properties_of_one_operation_are_bounded() -> None:
    inside = "<properties><a/><b/></properties><deleted><c/><d/></deleted></interaction>"
    assert read(UPDATE + inside, XmlLimits(properties=4))[0].problem is None
    (operation,) = read(UPDATE + inside, XmlLimits(properties=3))
    assert operation.problem is not None
    assert operation.problem.code == Code.TOO_LARGE


def test_attributes_of_other_namespaces_are_for_other_programs() -> None:
    assert only(
        '<interaction xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" operation="ping"'
        ' xsi:noNamespaceSchemaLocation="capture-inbound.xsd"/>'
    ) == Operation(verb=Verb.PING)


@pytest.mark.parametrize(
    "text", [SUBMIT, BATCH.replace("batch", "interactions").replace(' made-by="me"', "")]
)
def test_the_schema_allows_the_samples(text: str) -> None:
    assert faults("inbound", text.encode()) == []


@pytest.mark.parametrize(
    "text",
    [
        "<order/>",
        "<interactions/>",
        "<interaction/>",
        "<interaction operation='cancel'/>",
        "<interactions><order/></interactions>",
        "<interaction operation='ping' externalId='E'/>",
        "<interaction operation='update' ExternalId='E'><wrong/></interaction>",
    ],
)
def test_the_schema_refuses_what_is_no_such_document(text: str) -> None:
    assert faults("inbound", text.encode())

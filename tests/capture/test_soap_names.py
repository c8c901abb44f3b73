from __future__ import annotations

from ixproxy.capture.soap_names import OPERATIONS, PROPERTIES, RESPONSES, SUBMIT, Kind
from ixproxy.node.intake_work import Verb


def test_every_verb_is_one_operation() -> None:
    assert sorted(shape.verb.value for shape in OPERATIONS.values()) == sorted(
        verb.value for verb in Verb
    )


def test_every_operation_has_a_response() -> None:
    assert {shape.response for shape in OPERATIONS.values()} == set(RESPONSES)


def test_only_a_ping_declares_no_fault() -> None:
    assert [name for name, shape in OPERATIONS.items() if not shape.faults] == ["Ping"]


def test_the_arguments_of_a_submit_are_those_that_axis_makes_in_their_order() -> None:
    assert " ".join(field.name for field in SUBMIT) == (
        "InteractionId ExternalId MediaType InteractionType InteractionSubtype TenantId Queue"
        " Workbin WorkbinAgentId WorkbinAgentGroupId WorkbinPlaceId WorkbinPlaceGroupId"
        " ParentInteractionId IsOnline ReceivedAt InQueues OutQueues UserData Hold Extension"
    )


def test_flags_cannot_be_nil_and_all_else_can() -> None:
    assert [field.name for field in SUBMIT if not field.nillable] == ["IsOnline", "Hold"]
    assert all(field.nillable == (field.kind is not Kind.FLAG) for field in SUBMIT)


def test_the_field_calls_the_parent_otherwise_in_its_wsdl() -> None:
    assert PROPERTIES["ParentInteractionId"] == "ParentId"
    assert "UserData" not in PROPERTIES

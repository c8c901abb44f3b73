from __future__ import annotations

import pytest

from ixproxy.capture.soap_names import OPERATIONS
from ixproxy.capture.soap_writing import (
    description_of,
    faultstring_of,
    field_time,
    whose_fault,
    write_fault,
    write_response,
)
from ixproxy.errors import Code
from ixproxy.node.intake_work import Problem, Result, Taken, Verb
from tests.capture.web_stage import shown

AT = 1_795_000_000.25


def response(name: str, *results: Result, repeated: bool = False) -> str:
    return shown(write_response(OPERATIONS[name], Taken(results=results, repeated=repeated), AT))


ID_ITEM = "<kvitem><key>InteractionId</key><value><ValueString>X1</ValueString></value></kvitem>"


def test_a_submit_is_answered_with_the_id_in_extension() -> None:
    assert response("Submit", Result(verb=Verb.SUBMIT, interaction_id="X1")) == (
        f"<RequestResponse><Extension>{ID_ITEM}</Extension></RequestResponse>"
    )


def test_what_is_repeated_says_so_and_may_know_no_more() -> None:
    item = "<kvitem><key>Repeated</key><value><ValueInt>1</ValueInt></value></kvitem>"
    expected = f"<RequestResponse><Extension>{item}</Extension></RequestResponse>"
    assert response("Submit", repeated=True) == expected


@pytest.mark.parametrize("name", ["Hold", "Stop", "Resume", "Update"])
def test_what_changes_something_is_answered_with_nothing(name: str) -> None:
    verb = OPERATIONS[name].verb
    assert response(name, Result(verb=verb, interaction_id="X1")) == "<RequestResponse/>"


def test_getinfo_is_answered_with_all_properties() -> None:
    result = Result(verb=Verb.GETINFO, properties={"InteractionId": "X1"})
    assert response("GetInfo", result) == (
        f"<GetInfoResponse><InteractionProperties>{ID_ITEM}</InteractionProperties>"
        "</GetInfoResponse>"
    )


def test_a_ping_is_answered_with_the_time_and_figures() -> None:
    assert response("Ping", Result(verb=Verb.PING, properties={"a": 1})) == (
        f"<PingResponse><EventTime>{field_time(AT)}</EventTime><PingInfo><kvitem><key>a</key>"
        "<value><ValueInt>1</ValueInt></value></kvitem></PingInfo></PingResponse>"
    )


def test_times_are_written_in_utc_as_the_field_has_them() -> None:
    assert field_time(0.9) == "1970-01-01 00:00:00"


def test_a_fault_has_the_fields_form() -> None:
    problem = Problem(code=Code.MISSING_VALUE, description="Missing \0 it")
    assert (
        shown(write_fault(problem, "Client"))
        == (
            "<Fault><faultcode>SOAP-ENV:Client</faultcode>"
            "<faultstring>Required value is missing</faultstring><detail><FaultMessage>"
            "<ErrorCode>2</ErrorCode><ErrorDescription>Missing \ufffd it</ErrorDescription>"
            "</FaultMessage></detail></Fault>"
        )
        .encode("ascii", "xmlcharrefreplace")
        .decode()
    )


def test_an_unknown_id_is_described_in_the_fields_words() -> None:
    code = Code.UNKNOWN_INTERACTION
    assert faultstring_of(code) == "Interaction Server protocol error"
    assert description_of(Problem(code=code, description="no X1")) == (
        "Unknown interaction identifier specified"
    )
    assert description_of(Problem(code=Code.LOCKED, description="by him")) == "by him"
    assert description_of(Problem(code=Code.LOCKED, description="")) == "Interaction is locked"


def test_who_has_to_do_something_is_at_fault() -> None:
    assert whose_fault(Code.LOCKED, 0) == "Client"
    assert whose_fault(Code.BUSY, 1) == "Server"
    assert whose_fault(Code.INTERNAL, 0) == "Server"

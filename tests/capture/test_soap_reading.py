from __future__ import annotations

import pytest

from ixproxy.capture.soap_envelope import read_envelope
from ixproxy.capture.soap_names import OPERATIONS
from ixproxy.capture.soap_reading import read_operation
from ixproxy.errors import Code, RequestRefused
from ixproxy.node.intake_work import Operation, Verb
from tests.capture.web_stage import envelope

NIL_LIST = '<ixn:{0}><ixn:kvitem xsi:nil="true"/></ixn:{0}>'


def read(inner: str) -> Operation:
    return read_operation(read_envelope(envelope(inner)))[0]


def refusal(inner: str) -> RequestRefused:
    with pytest.raises(RequestRefused) as refused:
        read(inner)
    return refused.value


def item(key: str, kind: str, value: object) -> str:
    return (
        f"<ixn:kvitem><ixn:key>{key}</ixn:key><ixn:value><ixn:{kind}>{value}</ixn:{kind}>"
        "</ixn:value></ixn:kvitem>"
    )


def test_a_submit_says_properties_user_data_and_whether_it_is_held() -> None:
    read_as = read(
        "<ixn:Submit><ixn:ExternalId>E1</ixn:ExternalId><ixn:MediaType>email</ixn:MediaType>"
        "<ixn:TenantId>101</ixn:TenantId><ixn:Queue>In</ixn:Queue>"
        "<ixn:ParentInteractionId>P1</ixn:ParentInteractionId><ixn:IsOnline>true</ixn:IsOnline>"
        f"<ixn:InQueues>{item('A', 'ValueString', '')}</ixn:InQueues>"
        f"<ixn:UserData>{item('Priority', 'ValueInt', 5)}</ixn:UserData>"
        "<ixn:Hold>1</ixn:Hold></ixn:Submit>"
    )
    assert read_as == Operation(
        verb=Verb.SUBMIT,
        external_id="E1",
        properties={
            "MediaType": "email",
            "TenantId": 101,
            "Queue": "In",
            "ParentId": "P1",
            "IsOnline": 1,
            "InQueues": {"A": ""},
        },
        user_data={"Priority": 5},
        hold=True,
    )


def test_what_known_clients_send_for_nothing_is_nothing() -> None:
    empty = "".join(
        f"<ixn:{name}/>"
        for name in ("InteractionId", "InteractionType", "Workbin", "ReceivedAt", "TenantId")
    )
    assert read(
        f"<ixn:Submit>{empty}<ixn:ExternalId>New Call</ixn:ExternalId>"
        '<ixn:MediaType xsi:nil="true">x</ixn:MediaType><ixn:IsOnline>false</ixn:IsOnline>'
        f"{NIL_LIST.format('InQueues')}{NIL_LIST.format('UserData')}<ixn:Hold>false</ixn:Hold>"
        "</ixn:Submit>"
    ) == Operation(verb=Verb.SUBMIT, external_id="New Call")


def test_children_without_a_namespace_and_with_types_are_read() -> None:
    assert read(
        '<Stop xmlns=""><InteractionId xsi:type="xsd:string">X1</InteractionId></Stop>'
    ) == Operation(verb=Verb.STOP, interaction_id="X1")


def test_the_other_spelling_of_the_subtype_is_read() -> None:
    read_as = read("<ixn:Submit><ixn:InteractionSubType>New</ixn:InteractionSubType></ixn:Submit>")
    assert read_as.properties == {"InteractionSubtype": "New"}


@pytest.mark.parametrize(
    ("name", "verb"), [("Hold", Verb.HOLD), ("Stop", Verb.STOP), ("Resume", Verb.RESUME)]
)
def test_hold_stop_and_resume_have_a_reason(name: str, verb: Verb) -> None:
    assert read(
        f"<ixn:{name}><ixn:InteractionId>X1</ixn:InteractionId>"
        "<ixn:ReasonSystemName>Lunch</ixn:ReasonSystemName>"
        f"<ixn:ReasonDescription>Soup</ixn:ReasonDescription></ixn:{name}>"
    ) == Operation(verb=verb, interaction_id="X1", reason=("Lunch", "Soup"))


def test_an_update_changes_deletes_and_moves() -> None:
    assert read(
        "<ixn:Update><ixn:ExternalId>E1</ixn:ExternalId>"
        f"<ixn:Changed>{item('Priority', 'ValueInt', 5)}"
        f"{item('a', 'ValueString', 'b')}</ixn:Changed>"
        "<ixn:Deleted><ixn:kvitem><ixn:key>c</ixn:key></ixn:kvitem></ixn:Deleted>"
        "<ixn:Queue>Out</ixn:Queue></ixn:Update>"
    ) == Operation(
        verb=Verb.UPDATE,
        external_id="E1",
        properties={"Priority": 5, "a": "b", "Queue": "Out"},
        deleted=("c",),
    )


def test_getinfo_and_ping_say_no_more_than_whom() -> None:
    assert read("<ixn:GetInfo><ixn:ExternalId>E1</ixn:ExternalId></ixn:GetInfo>") == Operation(
        verb=Verb.GETINFO, external_id="E1"
    )
    assert read("<ixn:Ping/>") == Operation(verb=Verb.PING)


@pytest.mark.parametrize("name", sorted(set(OPERATIONS) - {"Submit", "Ping"}))
def test_all_but_submit_and_ping_must_say_whom(name: str) -> None:
    refused = refusal(f"<ixn:{name}><ixn:InteractionId/></ixn:{name}>")
    assert refused.code == Code.MISSING_VALUE
    assert refused.description == "Missing InteractionId or ExternalId"


def test_extension_may_have_a_receipt() -> None:
    inner = f"<ixn:Extension>{item('IdempotencyKey', 'ValueString', 'r1')}</ixn:Extension>"
    element = read_envelope(envelope(f"<ixn:Submit>{inner}</ixn:Submit>"))
    assert read_operation(element) == (Operation(verb=Verb.SUBMIT), "r1")
    assert refusal(f"<ixn:Submit>{inner.replace('r1', 'x' * 300)}</ixn:Submit>").code


@pytest.mark.parametrize(
    ("inner", "code", "says"),
    [
        ("<ixn:Cancel/>", Code.UNSUPPORTED_OPERATION, "'Cancel'"),
        ('<Submit xmlns="urn:x"/>', Code.UNSUPPORTED_OPERATION, "{urn:x}Submit"),
        ("<ixn:Submit><ixn:Color/></ixn:Submit>", Code.BAD_ATTRIBUTE, "'Color'"),
        ('<ixn:Submit><Queue xmlns="urn:x"/></ixn:Submit>', Code.BAD_ATTRIBUTE, "{urn:x}Queue"),
        ("<ixn:Submit><ixn:Queue/><ixn:Queue/></ixn:Submit>", Code.DUPLICATE_KEY, "Queue"),
        ("<ixn:Submit><ixn:TenantId>x</ixn:TenantId></ixn:Submit>", Code.BAD_ATTRIBUTE, "TenantId"),
        ("<ixn:Submit><ixn:Hold>yes</ixn:Hold></ixn:Submit>", Code.BAD_ATTRIBUTE, "Hold"),
        ("<ixn:Submit><ixn:Queue><b/></ixn:Queue></ixn:Submit>", Code.BAD_ATTRIBUTE, "Queue"),
        ("<ixn:Ping><ixn:Queue/></ixn:Ping>", Code.BAD_ATTRIBUTE, "Ping has no 'Queue'"),
    ],
)
def test_what_is_not_known_is_refused_by_name(inner: str, code: int, says: str) -> None:
    refused = refusal(inner)
    assert refused.code == code
    assert says in refused.description

from __future__ import annotations

import msgspec
import pytest

from ixproxy.capture.json_reading import (
    MOST_OPERATIONS,
    read_batch,
    read_submit,
    read_update,
    read_why,
)
from ixproxy.errors import Code, RequestRefused
from ixproxy.node.intake_work import Operation, Verb
from ixproxy.wire.keyvalues import MAX_DEPTH


def test_a_submit_says_what_the_new_interaction_is_to_be() -> None:
    assert read_submit(
        b'{"interactionId":"X1","externalId":"E1","hold":true,"properties":{"Queue":"In","TenantId":1},'
        b'"userData":{"a":{"b":[],"c":true}}}'.replace(b"[]", b'"d"')
    ) == Operation(
        verb=Verb.SUBMIT,
        interaction_id="X1",
        external_id="E1",
        hold=True,
        properties={"Queue": "In", "TenantId": 1},
        user_data={"a": {"b": "d", "c": 1}},
    )


def test_an_update_says_what_changes_and_what_goes() -> None:
    body = b'{"properties":{"Queue":"Out"},"userData":{"a":1},"deleted":["b"]}'
    assert read_update(body, "X1", "") == Operation(
        verb=Verb.UPDATE,
        interaction_id="X1",
        properties={"Queue": "Out"},
        user_data={"a": 1},
        deleted=("b",),
    )


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        (b"", ("", "")),
        (b" \n", ("", "")),
        (b"{}", ("", "")),
        (b'{"reason":{"systemName":"a","description":"b"}}', ("a", "b")),
    ],
)
def test_a_reason_need_not_be_given(body: bytes, reason: tuple[str, str]) -> None:
    assert read_why(body) == reason


def test_a_batch_has_operations_of_all_kinds() -> None:
    body = (
        b'{"operations":[{"operation":"submit","externalId":"E1"},{"operation":"ping"},'
        b'{"operation":"hold","interactionId":"X1","reason":{"systemName":"a"}},'
        b'{"operation":"update","externalId":"E2","deleted":["c"],"properties":{"d":1}}]}'
    )
    assert read_batch(body) == (
        Operation(verb=Verb.SUBMIT, external_id="E1"),
        Operation(verb=Verb.PING),
        Operation(verb=Verb.HOLD, interaction_id="X1", reason=("a", "")),
        Operation(verb=Verb.UPDATE, external_id="E2", deleted=("c",), properties={"d": 1}),
    )


def nested(depth: int) -> bytes:
    return b'{"properties":' + b'{"a":' * depth + b"1" + b"}" * depth + b"}"


@pytest.mark.parametrize(
    ("body", "code", "says"),
    [
        (b"", Code.BAD_FRAME, "not JSON"),
        (b"{", Code.BAD_FRAME, "not JSON"),
        (b"\xff", Code.BAD_FRAME, "not JSON"),
        (b'{"externalId":"\xff"}', Code.BAD_FRAME, "not JSON"),
        (b'{"externalId":"\\ud800"}', Code.BAD_FRAME, "not JSON"),
        (b"[" * 100_000, Code.BAD_ATTRIBUTE, "Expected `object`"),
        (nested(100_000), Code.BAD_FRAME, "deep"),
        (nested(MAX_DEPTH), Code.BAD_ATTRIBUTE, "deep - at `$.properties.a.a"),
        (b"[]", Code.BAD_ATTRIBUTE, "Expected `object`"),
        (b'{"queue":"In"}', Code.BAD_ATTRIBUTE, "`queue`"),
        (b'{"hold":1}', Code.BAD_ATTRIBUTE, "$.hold"),
        (b'{"properties":{"a":1.5}}', Code.BAD_ATTRIBUTE, "a fraction - at `$.properties.a`"),
        (b'{"userData":{"a":{"b":null}}}', Code.BAD_ATTRIBUTE, "null - at `$.userData.a.b`"),
        (b'{"userData":{"a":[1]}}', Code.BAD_ATTRIBUTE, "an array - at `$.userData.a`"),
        (b'{"userData":{"a":9223372036854775808}}', Code.BAD_ATTRIBUTE, "$.userData.a"),
        (b'{"userData":{"a":1e999}}', Code.BAD_ATTRIBUTE, "$.userData"),
    ],
)
def test_what_is_wrong_is_told_with_its_place(body: bytes, code: int, says: str) -> None:
    with pytest.raises(RequestRefused) as refused:
        read_submit(body)
    assert (refused.value.code, says in refused.value.description) == (code, True), refused.value


@pytest.mark.parametrize(
    ("body", "code", "says"),
    [
        (b"{}", Code.BAD_ATTRIBUTE, "operations"),
        (b'{"operations":[]}', Code.BAD_ATTRIBUTE, "not 0"),
        (b'{"operations":[{"operation":"kill"}]}', Code.BAD_ATTRIBUTE, "'kill'"),
        (b'{"operations":[{"operation":"stop"}]}', Code.MISSING_VALUE, "$.operations[0]"),
        (
            b'{"operations":[{"operation":"ping"},{"operation":"submit","userData":{"a":null}}]}',
            Code.BAD_ATTRIBUTE,
            "$.operations[1].userData.a",
        ),
        (
            msgspec.json.encode({"operations": [{"operation": "ping"}] * (MOST_OPERATIONS + 1)}),
            Code.BAD_ATTRIBUTE,
            f"not {MOST_OPERATIONS + 1}",
        ),
    ],
)
def test_what_is_wrong_with_a_batch_is_told_with_its_place(
    body: bytes, code: int, says: str
) -> None:
    with pytest.raises(RequestRefused) as refused:
        read_batch(body)
    assert (refused.value.code, says in refused.value.description) == (code, True), refused.value

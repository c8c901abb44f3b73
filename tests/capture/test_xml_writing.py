"""Notifications become documents, which say the same and which the schema allows."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ixproxy.capture.field_names import FIELD, time_text
from ixproxy.capture.xml_parsing import Element, parse
from ixproxy.capture.xml_values import key_of, read_properties
from ixproxy.capture.xml_writing import DEEPEST, held, write_notification
from ixproxy.node.intake_work import Notification, Problem, Said
from tests.capture.schemas import faults

CHANGED = Notification(
    said=Said.CHANGED,
    number=4711,
    dbid=101,
    at=1795685400.25,
    interaction_id="0001ABC",
    external_id="SR-1001",
    properties={
        "Note <1>": "a & b\r\n",
        "CustomerSegment": "Gold",
        "Count": 3,
        "Order": {"Lines": 2, "1st": {}},
        "Raw": b"\0\1",
        "Priority": 20,
        "Queue": "Claims.Urgent",
        "ReceivedAt": 1795685400.0,
        "CompletedAt": None,
        "IsOnline": False,
        "InteractionId": "0001ABC",
    },
    changed={"Priority": 20},
    deleted=("Note", "Old note"),
    actor=("agent", "ann"),
)

WRITTEN = """\
<?xml version="1.0" encoding="UTF-8"?>
<interaction operation="changed" InteractionId="0001ABC" ExternalId="SR-1001" EventId="101-4711" \
EventTime="2026-11-26 09:30:00" ActorType="agent" ActorName="ann">
  <properties>
    <InteractionId>0001ABC</InteractionId>
    <IsOnline>0</IsOnline>
    <Queue>Claims.Urgent</Queue>
    <ReceivedAt>2026-11-26 09:30:00</ReceivedAt>
    <Priority>20</Priority>
    <property name="Note &lt;1&gt;">a &amp; b&#13;
</property>
    <CustomerSegment>Gold</CustomerSegment>
    <Count type="int">3</Count>
    <Order type="list">
      <Lines type="int">2</Lines>
      <property name="1st" type="list"/>
    </Order>
    <Raw type="binary">AAE=</Raw>
  </properties>
  <changed>
    <Priority>20</Priority>
  </changed>
  <deleted>
    <Note/>
    <property name="Old note"/>
  </deleted>
</interaction>
"""


def test_a_change_is_written_with_all_that_the_interaction_has() -> None:
    assert write_notification(CHANGED).decode() == WRITTEN
    assert faults("outbound", WRITTEN.encode()) == []


@pytest.mark.parametrize(
    ("told", "written"),
    [
        (
            Notification(
                said=Said.ERROR,
                number=5,
                dbid=101,
                at=0.0,
                reply=True,
                external_id="E",
                problem=Problem(43, 'Unknown "E"\n'),
            ),
            '<interaction operation="error" ExternalId="E" code="43" '
            'description="Unknown &quot;E&quot;&#10;" EventId="101-5"/>',
        ),
        (
            Notification(
                said=Said.HELD,
                number=0,
                dbid=101,
                at=1.0,
                interaction_id="I",
                reason=("waits", "for <a> call"),
            ),
            '<interaction operation="held" InteractionId="I" EventTime="1970-01-01 00:00:01">\n'
            '  <reason systemname="waits" description="for &lt;a&gt; call"/>\n</interaction>',
        ),
        (
            Notification(
                said=Said.PLACED_IN_QUEUE,
                number=7,
                dbid=1,
                at=0.0,
                interaction_id="I",
                place="Done",
                extra={"Seen": 1},
            ),
            '<interaction operation="placed-in-queue" InteractionId="I" EventId="1-7" '
            'Place="Done">\n  <extra>\n    <Seen type="int">1</Seen>\n  </extra>\n</interaction>',
        ),
        (Notification(said=Said.PONG, number=0, dbid=1, at=0.0), '<interaction operation="pong"/>'),
    ],
)
def test_other_notifications_are_as_short_as_what_they_say(
    told: Notification, written: str
) -> None:
    document = write_notification(told)
    assert document.decode() == f'<?xml version="1.0" encoding="UTF-8"?>\n{written}\n'
    assert faults("outbound", document) == []


@pytest.mark.parametrize("said", Said)
def test_the_schema_knows_everything_that_is_told(said: Said) -> None:
    told = Notification(said=said, number=1, dbid=1, at=0.0)
    assert faults("outbound", write_notification(told)) == []


def test_names_that_differ_in_what_xml_cannot_hold_stay_two() -> None:
    told = Notification(
        said=Said.INFO, number=1, dbid=1, at=0.0, properties={"a\0": "1", "a\1": "2", "a\2": "3"}
    )
    (properties,) = parse(write_notification(told))
    assert read_properties(properties, [9]) == {"a\ufffd": "1", "a\ufffd~2": "2", "a\ufffd~3": "3"}


def test_lists_that_are_deeper_than_anybody_reads_are_left_out() -> None:
    value: dict[str, Any] = {}
    for _ in range(500):
        value = {"a": value}
    told = Notification(said=Said.INFO, number=1, dbid=1, at=0.0, properties=value)
    document = write_notification(told)
    assert document.count(b"<a ") == DEEPEST
    assert parse(document)


TEXTS = st.text(st.characters(codec="utf-8")) | st.text("\r\n\t ]<>&\"'\0\x7f\x85\u2028\ufffe")
NAMES = st.text(st.characters(codec="utf-8"), max_size=20) | st.sampled_from(
    ["name", "properties", "xmlns", "xml", "a.b", "a-b", "-a", "1", "é", "Priority", "a b", ""]
)
WHOLE = st.integers(-(2**63), 2**63 - 1)
PLAIN = TEXTS | WHOLE | st.binary(max_size=20)


def lists(values: Any) -> Any:
    return st.dictionaries(NAMES, values, max_size=5)


USER_DATA = st.dictionaries(
    NAMES.filter(lambda name: held(name) not in FIELD),
    st.recursive(PLAIN, lists, max_leaves=8),
    max_size=6,
)
KNOWN = st.fixed_dictionaries(
    {},
    optional={
        "Queue": TEXTS,
        "Priority": WHOLE,
        "IsHeld": st.booleans(),
        "SubmittedAt": st.floats(0, 253402300799),
        "InQueues": lists(TEXTS),
    },
)
NOTIFICATIONS = st.builds(
    Notification,
    said=st.sampled_from(Said),
    number=st.integers(0, 2**63 - 1),
    dbid=st.integers(0, 10**6),
    at=st.floats(0, 1e12),
    interaction_id=TEXTS,
    external_id=TEXTS,
    properties=st.builds(lambda known, user: {**user, **known}, KNOWN, USER_DATA),
    changed=USER_DATA,
    deleted=st.lists(NAMES, unique_by=held).map(tuple),
    reason=st.tuples(TEXTS, TEXTS),
    problem=st.none() | st.builds(Problem, st.integers(1, 4000), TEXTS),
    actor=st.tuples(TEXTS, TEXTS),
    place=TEXTS,
)


def kept(value: Any) -> Any:
    """A value as it comes back: what XML cannot hold is replaced, and all else is the same."""
    if isinstance(value, str):
        return held(value)
    if isinstance(value, dict):
        return {held(key): kept(each) for key, each in value.items()}
    return value


def distinct(value: Any) -> bool:
    if not isinstance(value, dict):
        return True
    return len({held(key) for key in value}) == len(value) and all(map(distinct, value.values()))


@given(NOTIFICATIONS.filter(lambda told: distinct(told.properties) and distinct(told.changed)))
def test_what_is_written_reads_as_what_was_told(told: Notification) -> None:
    document = write_notification(told)
    root = parse(document)
    assert root.attributes.get("InteractionId", "") == held(told.interaction_id)
    parts: dict[str, Element] = {part.name: part for part in root}
    expected = kept(told.properties)
    if "SubmittedAt" in expected:
        expected["SubmittedAt"] = time_text(expected["SubmittedAt"])
    if expected:
        assert read_properties(parts["properties"], [10000]) == expected
    if told.said is Said.CHANGED:
        if told.changed:
            assert read_properties(parts["changed"], [10000]) == kept(told.changed)
        if told.deleted:
            assert tuple(map(key_of, parts["deleted"])) == tuple(map(held, told.deleted))
    if any(told.reason):
        assert parts["reason"].attributes.get("description", "") == held(told.reason[1])


@given(NOTIFICATIONS)
def test_what_is_written_is_what_the_schema_allows(told: Notification) -> None:
    assert faults("outbound", write_notification(told)) == []

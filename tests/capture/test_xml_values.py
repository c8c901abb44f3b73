"""What the elements of properties say."""

from __future__ import annotations

from typing import Any

import pytest

from ixproxy.capture.xml_parsing import parse
from ixproxy.capture.xml_values import Unusable, read_properties
from ixproxy.errors import Code


def read(inside: str, most: int = 100) -> dict[str, Any]:
    return read_properties(parse(f"<properties>{inside}</properties>".encode()), [most])


def problem(inside: str, most: int = 100) -> Unusable:
    with pytest.raises(Unusable) as unusable:
        read(inside, most)
    return unusable.value


@pytest.mark.parametrize(
    ("inside", "properties"),
    [
        ("<Note>as it <![CDATA[<is>]]></Note>", {"Note": "as it <is>"}),
        ("<Note>  as it\n is </Note>", {"Note": "  as it\n is "}),
        ("<Note/>", {"Note": ""}),
        ('<Note type="string">7</Note>', {"Note": "7"}),
        ('<Count type="int"> -7\n</Count>', {"Count": -7}),
        ('<Count type="int">9223372036854775807</Count>', {"Count": 2**63 - 1}),
        ('<Raw type="binary"> AAEC\n/w== </Raw>', {"Raw": b"\0\1\2\xff"}),
        ("<List><A>1</A><B><C/></B></List>", {"List": {"A": "1", "B": {"C": ""}}}),
        ('<List type="list"/>', {"List": {}}),
        ("<List> <A>1</A>\n</List>", {"List": {"A": "1"}}),
        ('<p name="Customer name">Ada</p>', {"Customer name": "Ada"}),
        ('<p name="a">1</p><p name="b">2</p>', {"a": "1", "b": "2"}),
        ("<Priority> 10 </Priority>", {"Priority": 10}),
        ('<Priority type="int">+10</Priority>', {"Priority": 10}),
        ("<TenantId>101</TenantId>", {"TenantId": 101}),
        ("<IsOnline>true</IsOnline><Hold>0</Hold>", {"IsOnline": 1, "Hold": 0}),
        (
            "<ReceivedAt> 2026-11-22T09:30:00+01:00 </ReceivedAt>",
            {"ReceivedAt": "2026-11-22 08:30:00"},
        ),
        ("<Queue> Q1 </Queue>", {"Queue": " Q1 "}),
        ('<InQueues><Q1 type="int">1</Q1></InQueues>', {"InQueues": {"Q1": 1}}),
        ("<InQueues/>", {"InQueues": {}}),
        (
            "<Priority/><IsOnline> </IsOnline><ReceivedAt/><Queue/>",
            {"Priority": "", "IsOnline": "", "ReceivedAt": "", "Queue": ""},
        ),
        # Names inside lists, and in another case, are the source's own.
        (
            "<List><Priority>high</Priority></List><priority>high</priority>",
            {"List": {"Priority": "high"}, "priority": "high"},
        ),
        ('<Note xml:space="preserve"> x</Note>', {"Note": " x"}),
        ("", {}),
    ],
)
def test_values_are_read_by_their_types(inside: str, properties: dict[str, Any]) -> None:
    assert read(inside) == properties


@pytest.mark.parametrize(
    ("inside", "reason"),
    [
        ("\n<Priority>high</Priority>", "line 2: 'Priority' is 'high', expected a whole number"),
        ('<Priority type="int"/>', "'Priority' is '', expected a whole number"),
        ("<Priority>1.0</Priority>", "expected a whole number"),
        ("<Priority>9223372036854775808</Priority>", "expected a whole number of 64 bits"),
        ("<Priority>1_0</Priority>", "expected a whole number"),
        ("<Priority>１</Priority>", "expected a whole number"),
        ('<Count type="int">x</Count>', "'Count' is 'x', expected a whole number"),
        ('<Count type="float">1</Count>', "type 'float'; expected one of string, int, list"),
        ('<Priority type="string">1</Priority>', "'Priority' is a whole number of 64 bits, not of"),
        ("<IsOnline>yes</IsOnline>", "'IsOnline' is 'yes', expected 0 or 1"),
        ("<ReceivedAt>today</ReceivedAt>", "'ReceivedAt' is 'today', expected a time such as"),
        ("<Queue><A/></Queue>", "'Queue' is a text, and has elements inside"),
        ('<Note type="string"><A/></Note>', "'Note' is a text, and has elements inside"),
        ("<InQueues>Q1</InQueues>", "'InQueues' is a list and has text besides"),
        ("<List>text<A/></List>", "'List' is a list and has text besides its elements"),
        ('<Raw type="binary">a</Raw>', "'Raw' is 'a', expected base64"),
        ('<Raw type="binary">\u00e4</Raw>', "expected base64"),
        ('<Note typ="int">1</Note>', "has an attribute 'typ'; expected name or type"),
        ('<x:Note xmlns:x="urn:x"/>', "'Note' of namespace 'urn:x': properties are in no"),
        ("<" + "x" * 256 + "/>", "has 256 characters, 255 are allowed in a name"),
    ],
)
def test_a_value_that_cannot_be_used_is_named(inside: str, reason: str) -> None:
    assert reason in str(problem(inside))
    assert problem(inside).code == Code.BAD_ATTRIBUTE


@pytest.mark.parametrize("inside", ["<a/><a/>", '<a/><b name="a"/>', "<l><a/><a/></l>"])
def test_a_name_stands_once(inside: str) -> None:
    assert "'a' is named twice" in str(problem(inside))
    assert problem(inside).code == Code.DUPLICATE_KEY


def test_properties_are_counted_wherever_they_are() -> None:
    assert len(read("<a/><b/><c/>", 3)) == 3
    for inside in ("<a/><b/><c/><d/>", "<a><b/><c/><d/></a>"):
        assert problem(inside, 3).code == Code.TOO_LARGE

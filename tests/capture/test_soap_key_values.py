from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from lxml import etree

from ixproxy.capture.soap_key_values import (
    read_keys,
    read_list,
    whole_of,
    write_list,
    xml_text,
)
from ixproxy.capture.xml_parsing import Element, XmlLimits, parse
from ixproxy.errors import Code, RequestRefused
from ixproxy.wire.keyvalues import MAX_DEPTH
from tests.capture.web_stage import NAMESPACE

XSI = "http://www.w3.org/2001/XMLSchema-instance"
DEEP = XmlLimits(depth=200)


def listed(inner: str) -> Element:
    return parse(f'<l xmlns="{NAMESPACE}" xmlns:xsi="{XSI}">{inner}</l>'.encode(), DEEP)


def item(key: str, value: str) -> str:
    return f"<kvitem><key>{key}</key><value>{value}</value></kvitem>"


def refusal(inner: str) -> RequestRefused:
    with pytest.raises(RequestRefused) as refused:
        read_list(listed(inner), "UserData")
    return refused.value


def test_texts_numbers_and_lists_are_read() -> None:
    inner = item("a", "<ValueString> x </ValueString>") + item("b", "<ValueInt> -7 </ValueInt>")
    nested = item("c", f"<ValueList>{inner}</ValueList>")
    expected = {"a": " x ", "b": -7}
    assert read_list(listed(inner + nested), "UserData") == {**expected, "c": expected}


@pytest.mark.parametrize(
    "inner",
    [
        "",
        '<kvitem xsi:nil="true"/>',
        "<kvitem/>",
        "<kvitem><key>a</key></kvitem>",
        item("a", ""),
        '<kvitem><key>a</key><value xsi:nil="1"/></kvitem>',
        item("a", '<ValueString xsi:nil="true"/>'),
        item("a", "<ValueInt></ValueInt>"),
    ],
)
def test_what_says_nothing_is_nothing(inner: str) -> None:
    assert read_list(listed(inner), "UserData") == {}


@pytest.mark.parametrize(
    ("value", "meant"),
    [
        ("<ValueInt>0</ValueInt><ValueString>x</ValueString>", "x"),
        ("<ValueInt>5</ValueInt><ValueString></ValueString>", 5),
        ("<ValueInt>5</ValueInt><ValueList/>", 5),
        ("<ValueString></ValueString><ValueList/>", ""),
        ("<ValueList/>", {}),
    ],
)
def test_of_several_values_the_one_counts_that_says_something(value: str, meant: object) -> None:
    assert read_list(listed(item("a", value)), "UserData") == {"a": meant}


def test_names_without_a_namespace_are_read_too() -> None:
    text = f'<l xmlns="{NAMESPACE}"><kvitem xmlns=""><key>a</key><value><ValueString>b'
    ends = "</ValueString></value></kvitem></l>"
    assert read_list(parse((text + ends).encode()), "UserData") == {"a": "b"}


@pytest.mark.parametrize(
    ("inner", "code", "says"),
    [
        ("<item/>", Code.BAD_ATTRIBUTE, "UserData: expected only kvitem"),
        ('<kvitem xmlns="urn:x"/>', Code.BAD_ATTRIBUTE, "{urn:x}kvitem"),
        ("<kvitem><value/></kvitem>", Code.BAD_ATTRIBUTE, "no key"),
        ("<kvitem><key/><value/></kvitem>", Code.BAD_ATTRIBUTE, "no key"),
        ("<kvitem><key><a/></key></kvitem>", Code.BAD_ATTRIBUTE, "UserData: key"),
        ("<kvitem><keys>a</keys></kvitem>", Code.BAD_ATTRIBUTE, "'keys'"),
        (item("a", "<ValueDate/>"), Code.BAD_ATTRIBUTE, "UserData/a: expected ValueInt"),
        (item("a", "<ValueInt>x</ValueInt>"), Code.BAD_ATTRIBUTE, "UserData/a: expected a whole"),
        (item("a", f"<ValueInt>{2**63}</ValueInt>"), Code.BAD_ATTRIBUTE, "64 bits"),
        (item("a", f"<ValueInt>{'9' * 5000}</ValueInt>"), Code.BAD_ATTRIBUTE, "64 bits"),
        (item("a", "<ValueString><b/></ValueString>"), Code.BAD_ATTRIBUTE, "UserData/a"),
        (item("a", "<ValueInt>1</ValueInt>") * 2, Code.DUPLICATE_KEY, "UserData/a"),
    ],
)
def test_what_is_wrong_is_told_with_its_place(inner: str, code: int, says: str) -> None:
    refused = refusal(inner)
    assert refused.code == code
    assert says in refused.description


def test_lists_that_are_too_deep_are_refused() -> None:
    inner = item("a", "<ValueInt>1</ValueInt>")
    for _ in range(MAX_DEPTH - 2):
        inner = item("a", f"<ValueList>{inner}</ValueList>")
    assert read_list(listed(inner), "UserData")
    assert "deep" in refusal(item("a", f"<ValueList>{inner}</ValueList>")).description


def test_keys_are_read_whether_they_have_values_or_not() -> None:
    inner = "<kvitem><key>a</key></kvitem>" + item("b", "<ValueInt>1</ValueInt>") + item("a", "")
    assert read_keys(listed(inner + '<kvitem xsi:nil="true"/>'), "Deleted") == ("a", "b")


def test_a_number_is_read_with_space_around_it() -> None:
    assert whole_of(parse(b"<a>\n +12 </a>"), "TenantId") == 12


def written(values: dict[str, Any]) -> str:
    root = etree.Element(f"{{{NAMESPACE}}}l")
    write_list(root, values)
    return etree.tostring(root).decode()


def test_what_the_field_has_no_element_for_is_a_text_or_left_out() -> None:
    made = written({"a": True, "b": 2**31, "c": 1.5, "d": b"x", "e": None, "f": ["x", 1]})
    read = read_list(parse(made.encode()), "UserData")
    assert read == {"a": 1, "b": str(2**31), "c": "1.5", "f": {"0": "x", "1": 1}}


def test_what_xml_cannot_say_becomes_a_sign_that_stands_for_it() -> None:
    assert xml_text("a\0b\ud800c\ufffe\t\n") == "a\ufffdb\ufffdc\ufffd\t\n"
    assert written({"a\0": "\x1b"})


TEXTS = st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=20)
KEYS = TEXTS.map(xml_text).filter(lambda key: bool(key) and "\r" not in key)
VALUES = st.recursive(
    TEXTS.map(xml_text).filter(lambda text: "\r" not in text) | st.integers(-(2**31), 2**31 - 1),
    lambda inner: st.dictionaries(KEYS, inner, max_size=4),
    max_leaves=12,
)


@given(st.dictionaries(KEYS, VALUES, max_size=6))
def test_what_is_written_is_read_again(values: dict[str, Any]) -> None:
    assert read_list(parse(written(values).encode(), DEEP), "UserData") == values

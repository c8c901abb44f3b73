"""What bytes become a tree, and how all others are refused."""

from __future__ import annotations

import codecs

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ixproxy.capture.refusing import DocumentRefused
from ixproxy.capture.xml_parsing import Element, XmlLimits, parse
from ixproxy.errors import Code

TEXT = "Grüße"
SMALL = XmlLimits(size=2000, depth=4, elements=8, attributes=3, name=20, text=50)


def refusal(content: bytes, limits: XmlLimits = SMALL) -> DocumentRefused:
    with pytest.raises(DocumentRefused) as refused:
        parse(content, limits)
    return refused.value


def document(encoding: str, text: str = TEXT) -> str:
    return f'<?xml version="1.0" encoding="{encoding}"?>\n<a>{text}</a>'


@pytest.mark.parametrize(
    "content",
    [
        f"<a>{TEXT}</a>".encode(),
        document("UTF-8").encode(),
        document("utf-8").encode("utf-8-sig"),
        document("UTF-16").encode("utf-16"),
        document("UTF-16").encode("utf-16-le"),
        document("utf-16").encode("utf-16-be"),
        codecs.BOM_UTF16_BE + document("UTF-16BE").encode("utf-16-be"),
        f"<a>{TEXT}</a>".encode("utf-16"),
        document("ISO-8859-1").encode("iso-8859-1"),
        document("iso-8859-1").encode("iso-8859-1"),
        document("US-ASCII", "Gr&#252;&#xdf;e").encode("ascii"),
        f"<?xml version='1.0' encoding='ISO-8859-1' standalone=\"yes\" ?><a>{TEXT}</a>".encode(
            "iso-8859-1"
        ),
        f'<?xml version="1.0"?><a>{TEXT}</a>'.encode(),
    ],
)
def test_the_four_encodings_are_read(content: bytes) -> None:
    assert parse(content).text == TEXT


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (document("windows-1252").encode("cp1252"), "declared as windows-1252; expected UTF-8"),
        (document("UTF-7").encode("utf-7"), "declared as UTF-7; expected"),
        (document("shift_jis", "").encode(), "declared as shift_jis; expected"),
        (document("EBCDIC-CP-US").encode("cp037"), "not UTF-8"),
        (document("UTF-32").encode("utf-32"), "it is UTF-32; expected"),
        (document("UTF-32").encode("utf-32-be"), "it is UTF-32; expected"),
        (document("UTF-8").encode("iso-8859-1"), "not UTF-8"),
        (document("US-ASCII").encode("iso-8859-1"), "not US-ASCII"),
        (document("UTF-16").encode(), "declared as UTF-16, but its bytes are not"),
        (document("UTF-8").encode("utf-16"), "declared as UTF-8, but its bytes are UTF-16"),
        (document("ISO-8859-1").encode("utf-8-sig"), "ISO-8859-1, but its bytes are UTF-8"),
        (document("UTF-16").encode("utf-16")[:-1], "not UTF-16"),
        (b"<a>\xed\xa0\x80</a>", "byte 3 is not UTF-8"),
        (b"<a>\n\xc0\xae</a>", "line 2: byte 4 is not UTF-8"),
    ],
)
def test_wrong_encodings_are_refused(content: bytes, reason: str) -> None:
    assert reason in str(refusal(content))


BOMB = (
    b'<?xml version="1.0"?>\n<!-- harmless -->\n<!DOCTYPE a [<!ENTITY b "bbbbbbbbbb">'
    b'<!ENTITY c "&b;&b;&b;&b;&b;&b;&b;&b;"><!ENTITY d "&c;&c;&c;&c;&c;&c;&c;&c;">]><a>&d;</a>'
)
EXTERNAL = b'<!DOCTYPE a [<!ENTITY b SYSTEM "file:///etc/passwd">]><a>&b;</a>'


@pytest.mark.parametrize(
    "content",
    [
        BOMB,
        BOMB.decode().encode("utf-16"),
        EXTERNAL,
        b'<!DOCTYPE a SYSTEM "http://127.0.0.1:1/a.dtd"><a/>',
        b'<!DOCTYPE a [<!ENTITY % b SYSTEM "file:///etc/passwd"> %b;]><a/>',
        b'<!DOCTYPE a [<!ATTLIST a b CDATA "c">]><a/>',
        b"<?pi <a> ?> <!-- <a> --> \n<!DOCTYPE a><a/>",
    ],
)
def test_entity_bombs_and_external_entities_never_reach_the_parser(content: bytes) -> None:
    assert "it has a document type, which is not allowed" in str(refusal(content))


def test_a_document_type_that_is_only_text_is_text() -> None:
    assert parse(b"<a><!-- <!DOCTYPE b> --><![CDATA[<!DOCTYPE html>]]></a>").text == (
        "<!DOCTYPE html>"
    )


def test_an_entity_that_nobody_declared_is_refused() -> None:
    assert "line 2: it is not well-formed: undefined entity" in str(refusal(b"<a>\n&b;</a>"))


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"<a>" + b" " * 2000 + b"</a>", "it has 2007 bytes, 2000 are allowed"),
        (b"<a>" * 5 + b"</a>" * 5, "line 1: elements are more than 4 deep"),
        (b"<a>\n" + b"<b/>" * 8 + b"</a>", "line 2: it has more than 8 elements"),
        (b"<a" + b"b" * 20 + b"/>", "a name has 21 characters, 20 are allowed"),
        (b"<a b='1' c='2' d='3' e='4'/>", "more than 3 attributes"),
        (b"<a b='" + b"x" * 21 + b"'/>", "attribute 'b' is longer than 20 characters"),
        (b"<a " + b"x" * 21 + b"=''/>", "is longer than 20 characters"),
        (b"<a>" + b"x" * 51 + b"</a>", "the text of 'a' has more than 50 characters"),
        (b"<a>" + b"x" * 30 + b"<!-- -->" + b"&#10;" * 30 + b"</a>", "more than 50 characters"),
    ],
)
def test_size_depth_number_and_lengths_are_bounded(content: bytes, reason: str) -> None:
    refused = refusal(content)
    assert reason in str(refused)
    assert refused.code == Code.TOO_LARGE


def test_what_is_just_allowed_is_read() -> None:
    assert parse(b"<a><b><c><d/></c></b>" + b"<e/>" * 4 + b"</a>", SMALL)
    assert parse(b"<a>" + b" " * 50 + b"</a>", SMALL)


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b" ",
        b"\0",
        b"<",
        b"plain text",
        b"<a>",
        b"<a></b>",
        b"<a/><b/>",
        b"<a/>text",
        b"<a b='1' b='2'/>",
        b"<a b=1/>",
        b"<x:a/>",
        b"<a>\x01</a>",
        b"<a>&#0;</a>",
        b"<a>&#xD800;</a>",
        b"<a>]]></a>",
        b'<?xml version="1.0" encoding="UTF-8"><a/>',
        b'<? xml version="1.0"?><a/>',
        b'<?xml version="1.0"?><?xml version="1.0"?><a/>',
        b"<?xml version='1.0' encoding='-'?><a/>",
    ],
)
def test_what_is_not_well_formed_is_refused_with_a_line(content: bytes) -> None:
    refused = refusal(content)
    assert "it is not well-formed: " in refused.reason
    assert refused.line >= 1


def test_a_declaration_that_is_mistyped_is_refused_as_such() -> None:
    """Two of the three documents that the field's own manual prints begin like this."""
    content = b'<?xml version="1.0" encoding="UTF-8"/>\n<interaction operation="submit"/>'
    assert "line 1: it is not well-formed" in str(refusal(content))


def test_elements_know_their_names_attributes_and_lines() -> None:
    root = parse(b'<a xmlns:x="urn:x-y">\n<x:b c="1" x:c="2">t<d/>u</x:b></a>')
    (child,) = root
    assert (child.name, child.namespace, child.line) == ("b", "urn:x-y", 2)
    assert child.attributes == {"c": "1", "urn:x-y c": "2"}
    assert child.own == {"c": "1"}
    assert child.text == "tu"
    assert child.shown == "'b' of namespace 'urn:x-y'"
    assert root.shown == "'a'"
    assert not root.has_text()
    assert child.has_text()


def test_lines_are_counted_where_a_declaration_has_more_than_one() -> None:
    content = b'<?xml version="1.0"\n  encoding="UTF-8"\n?>\n<a>\n<b>\n</a>'
    assert refusal(content).line == 6


LETTERS = st.characters(codec="utf-8", exclude_categories=("Cc", "Cs"))


@given(
    st.text(LETTERS),
    st.sampled_from(["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be"]),
)
def test_any_text_is_the_same_in_every_encoding_that_can_hold_it(text: str, codec: str) -> None:
    text = "".join(each for each in text if each not in "<&>\ufffe\uffff")
    name = "UTF-8" if codec.startswith("utf-8") else "UTF-16"
    assert parse(document(name, text).encode(codec)).text == text


@given(st.binary(max_size=200))
def test_no_bytes_at_all_do_more_than_being_refused(content: bytes) -> None:
    outcome: Element | DocumentRefused
    try:
        outcome = parse(content)
    except DocumentRefused as refused:
        outcome = refused
    assert isinstance(outcome, Element) or outcome.reason.isprintable()

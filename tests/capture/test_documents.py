"""What doc/capture-xml.md and doc/capture-file.md show and say is what happens."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest

from ixproxy.capture.asking import Keys
from ixproxy.capture.file_names import UNFINISHED
from ixproxy.capture.file_settings import read_settings
from ixproxy.capture.xml_forms import MOST_DOCUMENT_SIZE, read_forms
from ixproxy.capture.xml_parsing import LIMITS, Element, parse
from ixproxy.capture.xml_reading import read_document
from ixproxy.node.intake_work import Said, Verb
from tests.capture.schemas import faults
from tests.documents import Block, blocks

ROOT = Path(__file__).parent.parent.parent
XML_PAGE = ROOT / "doc" / "capture-xml.md"
FILE_PAGE = ROOT / "doc" / "capture-file.md"
EXAMPLES = [block for block in blocks(XML_PAGE, XML_PAGE.read_text()) if block.language == "xml"]


def operations(block: Block) -> set[str]:
    root = parse(block.text.encode())
    elements: Iterator[Element] = iter([root, *root])
    return {each.attributes.get("operation", "") for each in elements} - {""}


INBOUND = [each for each in EXAMPLES if operations(each) & {verb.value for verb in Verb}]
OUTBOUND = [each for each in EXAMPLES if operations(each) & {said.value for said in Said}]
IWD = [each for each in EXAMPLES if not operations(each)]


def test_every_example_is_of_one_sort() -> None:
    assert (len(INBOUND), len(OUTBOUND), len(IWD)) == (3, 4, 1)
    assert len(EXAMPLES) == 8


@pytest.mark.parametrize("block", INBOUND, ids=lambda block: str(block.line))
def test_documents_that_are_shown_can_be_read_and_fit_the_schema(block: Block) -> None:
    content = block.text.encode()
    assert all(each.problem is None for each in read_document(content).operations)
    assert faults("inbound", content) == []


@pytest.mark.parametrize("block", OUTBOUND, ids=lambda block: str(block.line))
def test_notifications_that_are_shown_fit_the_schema(block: Block) -> None:
    assert faults("outbound", block.text.encode()) == []


@pytest.mark.parametrize("block", IWD, ids=lambda block: str(block.line))
def test_what_is_shown_in_another_form_is_made_native_in_the_mode_of_iwd(block: Block) -> None:
    forms = read_forms(Keys({"iwd-compatibility-mode": True}))
    create, complete = forms.read(block.text.encode()).operations
    forms.close()
    assert create.properties["IWD_ext_vendorId"] == "V-7"
    assert create.properties["CustomerSegment"] == "Gold"
    assert complete.properties == {"Queue": "iWD_Completed"}


def test_the_page_names_every_operation() -> None:
    text = XML_PAGE.read_text()
    for word in (*Verb, *Said):
        assert f"`{word.value}`" in text


def test_the_limits_that_the_page_says_are_those_that_hold() -> None:
    table = dict(re.findall(r"^\| ([^|]+) \| ([^|]+) \|$", XML_PAGE.read_text(), re.MULTILINE))
    said = {
        key: int(number[0]) for key, text in table.items() if (number := re.findall(r"\d+", text))
    }
    assert said == {
        "bytes of a document": LIMITS.size,
        "elements inside each other": LIMITS.depth,
        "elements of a document": LIMITS.elements,
        "attributes of an element": LIMITS.attributes,
        "characters of a name or of an attribute's value": LIMITS.name,
        "characters of a text": LIMITS.text,
        "operations of a document": LIMITS.operations,
        "properties of an operation, those in lists included": LIMITS.properties,
    }
    assert LIMITS.size < MOST_DOCUMENT_SIZE


def test_the_table_of_a_file_capture_point_that_is_shown_can_be_used() -> None:
    (block,) = [each for each in blocks(FILE_PAGE, FILE_PAGE.read_text()) if each.language]
    (table,) = tomllib.loads(block.text)["applications"]["ixn1"]["capture"]
    assert (table.pop("name"), table.pop("use")) == ("claims", "file")
    settings = read_settings(table)
    assert len(settings.directories) == 4


def test_the_page_on_files_names_every_key_and_ending() -> None:
    text = FILE_PAGE.read_text()
    for word in (
        *UNFINISHED, "inbound-path", "error-path", "processed-path", "notification-path",
        "notification-naming", "scan-interval", "max-document-size", "inbound-transformation",
    ):  # fmt: skip
        assert word in text

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from msgspec import inspect

from ixproxy.cli.decode import decode_capture
from ixproxy.cli.exchanges import EXCHANGES
from ixproxy.cli.protocol_page import (
    BAD_BYTES,
    FLAGS,
    KINDS,
    LAYOUT,
    page,
    routing,
    section,
    summary,
    type_name,
)
from ixproxy.core.routing import ROUTES
from ixproxy.errors import ERRORS
from ixproxy.messages import EventAck, Message, RequestSubmit
from ixproxy.messages.message import Event, Name, Text
from ixproxy.wire.names import BY_MESSAGE, BY_NAME, ROWS, Kind, NameRow
from ixproxy.wire.prefix import LAYOUT as PACKED
from ixproxy.wire.prefix import SIZE, Flag

ROOT = Path(__file__).parent.parent.parent
PAGE = page()


def test_the_page_is_what_the_tables_generate() -> None:
    assert (ROOT / "doc" / "protocol.md").read_text() == PAGE, "run `make protocol`"


def test_it_is_printed_as_a_program() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "ixproxy.cli.protocol_page"],
        capture_output=True,
        timeout=60,
        check=True,
        cwd=ROOT,
    )
    assert done.stdout.decode() == PAGE


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.name)
def test_every_message_has_a_section_with_its_number_and_attributes(row: NameRow) -> None:
    assert PAGE.count(f"\n### {row.name}\n") == 1
    text = section(row)
    assert f"Number {row.code}, kind {row.kind.value}." in text
    common = set(Message.__struct_encode_fields__) | {"Reason", "Actor"}
    common |= set(Event.__struct_encode_fields__)
    for name in set(row.message.__struct_encode_fields__) - common:
        assert f"`{name}`" in text or f"`{name}*`" in text, name


def test_every_request_says_its_route_and_who_may_send_it() -> None:
    requests = {row.name for row in ROWS if row.kind is Kind.REQUEST}
    assert set(ROUTES) == requests | {"EventCurrentAgentStatus"}
    for name, route in ROUTES.items():
        assert f"Route: {route.route.value}" in section(BY_NAME[name])
        assert f"[{name}](#{name.lower()})" in PAGE


def test_what_a_proxy_says_in_the_name_of_a_client_is_said_so() -> None:
    confirm = section(BY_NAME["RequestConfirmSession"])
    assert "allowed for: AgentApplication, from a proxy in their name." in confirm


def test_every_code_is_in_the_table_with_its_outcome() -> None:
    for row in ERRORS.values():
        assert f"| {row.code} | {row.text} | {row.outcome.value} |" in PAGE


def test_every_link_within_the_page_leads_to_a_heading() -> None:
    headings = {heading.lower() for heading in re.findall(r"^#+ (\w+)$", PAGE, re.MULTILINE)}
    links = set(re.findall(r"\(#([\w-]+)\)", PAGE))
    assert links - headings == set()


def test_headings_are_not_used_twice() -> None:
    headings = re.findall(r"^#+ (.*)$", PAGE, re.MULTILINE)
    assert len(headings) == len(set(headings))


def test_every_row_of_a_table_has_as_many_columns_as_its_head() -> None:
    for block in re.findall(r"(?:^\|.*\n)+", PAGE, re.MULTILINE):
        assert len({line.count(" | ") for line in block.splitlines()}) == 1, block


def test_the_drawn_layout_is_the_one_that_is_packed() -> None:
    sizes = {"u8": 1, "u16": 2, "u32": 4, "u8 + u16": 3}
    position = 0
    for offset, size, *_ in LAYOUT[:-1]:
        assert offset == position
        position += sizes[str(size)]
    assert position == LAYOUT[-1][0] == SIZE == PACKED.size


def test_all_kinds_and_flags_are_explained() -> None:
    assert set(KINDS) == set(Kind)
    assert set(FLAGS) == set(Flag)
    assert {code for _, code, _ in BAD_BYTES} <= set(ERRORS)


def test_the_exchanges_on_the_page_can_be_decoded_from_it() -> None:
    blocks = re.findall(r"```text\n(.*?)```", PAGE, re.DOTALL)
    assert len(blocks) == len(EXCHANGES)
    for block, exchange in zip(blocks, EXCHANGES, strict=True):
        told = list(decode_capture(block.encode()))
        lengths = [len(step.raw) - 4 for step in exchange.steps if step.raw[4] == 0xE1]
        assert [record["length"] for record in told if "length" in record] == lengths


def test_secrets_of_the_examples_are_not_told() -> None:
    assert '"Session":"…"' in PAGE


def test_docstrings_are_told_in_public_names() -> None:
    assert "`ProxyClientId`, `Server` and `Held`" in summary(EventAck)
    assert not re.search(r"`[a-z]+_[a-z_]+`", PAGE.split("## Structures")[1])


def test_what_the_prefix_carries_is_said_with_what_is_required() -> None:
    assert routing(BY_MESSAGE[RequestSubmit]) == {
        "tenant": "TenantId*",
        "media": "MediaType*",
        "interaction": "InteractionId",
        "queue": "Queue",
    }


def test_types_are_told_in_words() -> None:
    words: dict[Any, str] = {
        str: "text",
        Name: "name",
        Text: "short text",
        bool: "flag",
        bytes: "bytes",
        dict[str, str]: "map of text to text",
        list[int]: "list of number",
    }
    assert {kind: type_name(inspect.type_info(kind)) for kind in words} == words

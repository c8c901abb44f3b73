"""How properties are found, and which custom ones are accepted."""

from __future__ import annotations

import pytest

from ixproxy.errors import ConfigError
from ixproxy.node.properties import (
    READ_ONLY,
    SYSTEM_PROPERTIES,
    Kind,
    Origin,
    Properties,
    Property,
    Settable,
    custom_column,
)
from ixproxy.node.rows import InteractionRow

PROPERTIES = Properties({"ProductLine": "string", "Due At": "timestamp", "Amount": "number"})


@pytest.mark.parametrize("known", SYSTEM_PROPERTIES, ids=lambda known: known.name)
def test_a_system_property_is_found_by_every_name_whatever_its_case(known: Property) -> None:
    for name in (known.name, known.column, *known.aliases):
        for spelt in (name, name.upper(), name.lower()):
            assert PROPERTIES.find(spelt) is known


def test_every_system_property_is_a_column_of_the_row() -> None:
    columns = set(InteractionRow.__struct_fields__)
    found = [known.column for known in SYSTEM_PROPERTIES]
    assert set(found) == columns - {"user_data", "custom", "snapshot_id"}
    assert len(set(found)) == len(found)


def test_kinds_of_columns_agree_with_the_row() -> None:
    types = InteractionRow.__annotations__
    words = {Kind.NUMBER: "int", Kind.STRING: "str", Kind.TIMESTAMP: "float", Kind.BLOB: "bytes"}
    for known in SYSTEM_PROPERTIES:
        assert types[known.column].removesuffix(" | None") == words[known.kind], known.name


def test_clients_may_set_few_of_them() -> None:
    by_anyone = {p.name for p in SYSTEM_PROPERTIES if p.settable is Settable.BY_ANYONE}
    by_media_servers = {
        p.name for p in SYSTEM_PROPERTIES if p.settable is Settable.BY_MEDIA_SERVERS
    }
    assert by_anyone == {"ExternalId", "ParentId", "Priority", "ServiceObjective"}
    assert by_media_servers == {"IsOnline"}


def test_what_nobody_may_set_is_read_only_by_all_its_names() -> None:
    assert {"SubmittedBy", "InteractionState", "Queue", "InteractionQueue"} <= READ_ONLY
    assert READ_ONLY.isdisjoint({"ExternalId", "ParentId", "IsOnline", "submitted_by"})


def test_business_properties_are_two() -> None:
    business = {p.column for p in SYSTEM_PROPERTIES if p.origin is Origin.BUSINESS}
    assert business == {"priority", "service_objective"}


def test_a_custom_property_is_found_by_its_exact_name_or_its_column() -> None:
    found = PROPERTIES.find("ProductLine")
    assert found is not None
    assert (found.column, found.kind, found.origin) == (
        "c_productline",
        Kind.STRING,
        Origin.CUSTOM,
    )
    assert found.settable is Settable.BY_ANYONE
    assert PROPERTIES.find("C_ProductLine") is found
    assert PROPERTIES.find("productline") is None
    assert [known.column for known in PROPERTIES.custom] == [
        "c_productline",
        "c_due_at",
        "c_amount",
    ]


@pytest.mark.parametrize(
    ("name", "column"),
    [
        ("Case", "c_case"),
        ("Header_To", "c_header_to"),
        ("a b-c.é", "c_a_b_c__"),
        ('x"; --', "c_x_____"),
    ],
)
def test_a_column_is_made_of_plain_letters(name: str, column: str) -> None:
    assert custom_column(name) == column


def test_all_mistakes_come_in_one_report() -> None:
    with pytest.raises(ConfigError) as caught:
        Properties(
            {
                "": "string",
                "Queue": "string",
                "media_type": "string",
                "Size": "integer",
                "Case Id": "string",
                "Case-Id": "number",
                "x" * 62: "string",
                "a\nb": "string",
                "Fine": "timestamp",
                "Raw": "blob",
            }
        )
    problems = {problem.key: problem.text for problem in caught.value.problems}
    assert set(problems) == {
        "", "Queue", "media_type", "Size", "Case-Id", "x" * 62, "a\nb", "Raw",
    }  # fmt: skip
    assert "system property Queue" in problems["Queue"]
    assert "MediaType" in problems["media_type"]
    assert "not 'integer'" in problems["Size"]
    assert "c_case_id belongs to Case Id" in problems["Case-Id"]
    assert "61 characters" in problems["x" * 62]


def test_a_custom_name_may_not_be_the_column_of_another() -> None:
    with pytest.raises(ConfigError, match="custom property Case"):
        Properties({"Case": "string", "c_case": "string"})


@pytest.mark.parametrize(
    ("typed", "meant"),
    [("MediaTyp", "MediaType"), ("productline", "ProductLine"), ("recieved_at", "received_at")],
)
def test_a_mistyped_name_finds_what_was_meant(typed: str, meant: str) -> None:
    assert PROPERTIES.similar(typed) == meant


def test_a_name_like_no_other_finds_nothing() -> None:
    assert PROPERTIES.similar("zzzzzz") == ""

from __future__ import annotations

from string import Template

from ixproxy.cli.protocol_text import TEXT


def test_all_that_tables_know_has_its_place() -> None:
    assert isinstance(TEXT, Template)
    assert TEXT.is_valid()
    assert set(TEXT.get_identifiers()) == {
        "bad_bytes",
        "client_types",
        "depth",
        "errors",
        "example_id",
        "exchanges",
        "extension_keys",
        "flags",
        "kinds",
        "layout",
        "messages",
        "requests",
        "structures",
        "types",
    }


def test_the_rules_of_the_wire_are_told() -> None:
    for rule in (
        "First bytes",
        "Registration",
        "Sessions",
        "Holdings",
        "Keep-alive",
        "One answer",
        "Order",
        "Time",
        "Cancel",
        "Parts",
        "Partial",
        "Merged answers",
    ):
        assert f"**{rule}.**" in TEXT.template

"""What a log in tables is told."""

from __future__ import annotations

from typing import Any

import pytest

from ixproxy.errors import ConfigError
from ixproxy.eventlog.custom_fields import CustomField
from ixproxy.eventlog.settings import Deleting, TableSettings, read_settings


def test_an_address_is_all_that_is_needed() -> None:
    assert read_settings({"address": "sqlite:a.db"}) == TableSettings("sqlite:a.db")


def test_all_that_there_is() -> None:
    read = read_settings(
        {
            "address": "postgresql://h/d",
            "custom-fields": {"a": "A"},
            "custom-events": {"1": "interaction", "2": "agent", 3: "custom"},
            "log-userdata": False,
            "delete-on-logout": "after-last-logout",
            "schema-name": "reporting",
        },
        "schema-name",
    )
    assert read == TableSettings(
        "postgresql://h/d",
        (CustomField("a", "A"),),
        {1: "rpt_interaction", 2: "rpt_agent", 3: "rpt_custom"},
        False,
        Deleting.AFTER_LAST,
        "reporting",
    )


@pytest.mark.parametrize(
    ("key", "value", "words"),
    [
        ("address", 5, "expected a text"),
        ("color", 5, "unknown key"),
        ("schema-name", "x", "only a log in PostgreSQL has a schema"),
        ("delivery-queue-name", "x", "only a log at a message broker has a queue"),
        ("log-userdata", "yes", "true or false"),
        ("delete-on-logout", "soon", "never, at-first-logout, after-last-logout"),
        ("delete-on-logout", ["never"], "expected one of"),
        ("custom-events", 5, "expected a table"),
        ("custom-events", {"a": "agent"}, "whole number"),
        ("custom-events", {"-1": "agent"}, "whole number"),
        ("custom-events", {"9" * 20: "agent"}, "whole number"),
        ("custom-events", {"1": "esp"}, "interaction, agent, custom"),
        ("custom-events", {"1": ["esp"]}, "interaction, agent, custom"),
        ("custom-fields", 5, "expected a table"),
    ],
)
def test_what_is_wrong_is_said(key: str, value: Any, words: str) -> None:
    with pytest.raises(ConfigError, match=words):
        read_settings({"address": "sqlite:a.db", key: value})


def test_all_mistakes_come_in_one_report() -> None:
    with pytest.raises(ConfigError) as refused:
        read_settings({"address": 5, "color": 1, "schema-name": 5, "custom-fields": {"A": "x"}},
                      "schema-name")  # fmt: skip
    keys = [problem.key for problem in refused.value.problems]
    assert keys == ["color", "address", "schema-name", "A"]

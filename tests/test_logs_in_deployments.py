"""What a deployment file says of logs in tables is what they are made of."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import pytest_twisted

from ixproxy.config import load
from ixproxy.errors import ConfigError
from ixproxy.eventlog.table_log import TableLog
from ixproxy.node_parts import log_plans
from ixproxy.testing.eventlog_outside import entry
from tests.config_cases import GOOD
from tests.eventlog.test_sqlite_log import ask

ALL = """
[[applications.ixn1.event-logs]]
name = "tables"
address = "ADDRESS"
log-userdata = true
delete-on-logout = "after-last-logout"
[applications.ixn1.event-logs.custom-fields]
customer = "Customer"
amount = { key = "Amount", type = "integer" }
[applications.ixn1.event-logs.custom-events]
4711 = "agent"
"""


def logs(text: str) -> list[Any]:
    """The logs of that name, as a node makes them."""
    application = load(GOOD + text).node("ixn1")
    return [plan.make() for plan in log_plans(application) if plan.name == "tables"]


@pytest_twisted.ensureDeferred
async def test_a_log_of_a_deployment_file_logs(tmp_path: Path, real_reactor: Any) -> None:
    path = tmp_path / "log.db"
    (log,) = logs(ALL.replace("ADDRESS", f"sqlite:{path}"))
    assert isinstance(log, TableLog)
    assert "UserData" in log.wants_properties
    log.begin(real_reactor, "ixn1", 101)
    await log.store([entry(number) for number in (4, 7, 8)])
    await log.at_rest(8, 1e10)
    await log.end()
    assert ask(path, "SELECT c_customer, c_amount FROM rpt_interaction") == [("c8", 8)]
    asked = "SELECT event, custom_event_id FROM rpt_agent ORDER BY event_number"
    assert ask(path, asked) == [("EventAgentLogin", None), ("EventCustomReporting", 4711)]
    assert ask(path, "SELECT name FROM sqlite_master WHERE type = 'trigger'") == [
        ("rpt_agent_after_last_logout",)
    ]
    assert ask(path, "SELECT node, logged_until FROM rpt_source") == [("ixn1", 1e10)]


def test_a_log_on_postgresql_has_a_schema_name() -> None:
    text = ALL.replace("ADDRESS", "postgresql://h/d").replace(
        "log-userdata = true", 'schema-name = "reporting"'
    )
    (log,) = logs(text)
    assert log.figures()["database"] == "postgresql://h/d?schema-name=reporting"


@pytest.mark.parametrize(
    ("given", "instead", "words"),
    [
        ("ADDRESS", "sqlite::memory:", "sqlite:/path/to/file.db"),
        ("log-userdata = true", 'schema-name = "x"', "schema-name"),
        ("log-userdata = true", 'delivery-queue-name = "x"', "delivery-queue-name"),
        ('customer = "Customer"', "customer = 5", "customer"),
        ('type = "integer"', 'type = "date"', "amount"),
        ('4711 = "agent"', '4711 = "queue"', "4711"),
        ('4711 = "agent"', 'x = "agent"', "whole number|number"),
        ("after-last-logout", "never-ever", "delete-on-logout"),
    ],
)
def test_what_is_wrong_is_said_with_its_key(given: str, instead: str, words: str) -> None:
    text = ALL.replace(given, instead).replace("ADDRESS", "sqlite:log.db")
    with pytest.raises(ConfigError, match=words):
        logs(text)

"""Event logs out of the file: what the node serves, and what goes to their makers."""

from __future__ import annotations

from dataclasses import replace

import pytest

from ixproxy.config import load
from ixproxy.config_eventlog import kind_of, log_rules_of, maker_settings, pacing_of
from ixproxy.config_tables import EventLog
from ixproxy.errors import ConfigError
from ixproxy.net.log_plans import LogPacing
from ixproxy.node.log_rules import LogRules
from tests.config_cases import GOOD, put
from tests.test_config_capture import ignoring

FULL = """
[[applications.ixn1.event-logs]]
name = "reports"
address = "postgresql://ixproxy@db.example/log"
batch-size = 100
storing-timeout = 2500
max-queue-size = 20000
max-queue-bytes = 16777216
mandatory-logging = true
schema-name = "ixn"
log-agent-state = false
log-agent-activity = false
log-queue = false
log-strategy = false
log-esp-service = false
log-userdata = false
event-filter-by-id = ["EventHeld", "EventResumed"]
delete-on-logout = "after-last-logout"
[applications.ixn1.event-logs.custom-fields]
customer = "Customer"
amount = { key = "Amount", type = "number" }
[applications.ixn1.event-logs.custom-events]
1001 = "agent"
"""


def logs(text: str) -> tuple[EventLog, ...]:
    return load(text, try_maker=ignoring).node("ixn1").event_logs


def test_the_short_form_is_one_log_with_all_defaults() -> None:
    (log,) = logs(put(GOOD, "applications.ixn1", 'event-log = "sqlite:/srv/log.db"'))
    assert log == EventLog("log", "sqlite:/srv/log.db", short=True)
    assert log_rules_of(log) == LogRules()
    assert pacing_of(log) == LogPacing(500, 1.0)
    assert maker_settings(log) == {"address": "sqlite:/srv/log.db", "log-userdata": True}


def test_a_table_with_nothing_but_its_address_is_named_after_its_kind() -> None:
    (log,) = logs(GOOD + '\n[[applications.ixn1.event-logs]]\naddress = "sqlite:/srv/log.db"\n')
    assert log == EventLog("sqlite", "sqlite:/srv/log.db")


def test_there_may_be_any_number_of_both_forms() -> None:
    text = put(GOOD, "applications.ixn1", 'event-log = "sqlite:/srv/log.db"') + FULL
    assert [log.name for log in logs(text)] == ["log", "reports"]
    assert logs(GOOD) == ()


def test_what_a_table_says_goes_to_whom_it_concerns() -> None:
    (log,) = logs(GOOD + FULL)
    assert pacing_of(log) == LogPacing(100, 2.5)
    assert log_rules_of(log) == LogRules(
        agent_state=False,
        agent_activity=False,
        queue=False,
        strategy=False,
        esp_service=False,
        only=frozenset({"EventHeld", "EventResumed"}),
        max_queue=20_000,
        max_bytes=16 << 20,
        mandatory=True,
    )
    assert maker_settings(log) == {
        "address": "postgresql://ixproxy@db.example/log",
        "log-userdata": False,
        "custom-fields": {"customer": "Customer", "amount": {"key": "Amount", "type": "number"}},
        "custom-events": {"1001": "agent"},
        "schema-name": "ixn",
        "delete-on-logout": "after-last-logout",
    }


@pytest.mark.parametrize("size", [(16 << 20) - 1, (1 << 40) + 1])
def test_a_spool_has_sixteen_mebibytes_at_least_and_a_tebibyte_at_most(size: int) -> None:
    text = (GOOD + FULL).replace("max-queue-bytes = 16777216", f"max-queue-bytes = {size}")
    with pytest.raises(ConfigError) as refused:
        logs(text)
    (problem,) = refused.value.problems
    assert problem.key == "max-queue-bytes"
    assert "of bytes from 16777216 to 1099511627776" in problem.text


def test_a_queue_has_its_name() -> None:
    log = EventLog("log", "amqp://broker.example", delivery_queue_name="events")
    assert maker_settings(log)["delivery-queue-name"] == "events"
    assert "delivery-queue-name" not in maker_settings(replace(log, delivery_queue_name=""))


@pytest.mark.parametrize(
    ("address", "kind"),
    [("sqlite:a.db", "sqlite"), ("postgresql://a/b", "postgresql"), ("amqps://a", "amqps")],
)
def test_the_kind_is_what_the_address_begins_with(address: str, kind: str) -> None:
    assert kind_of(address) == kind


def test_both_servers_of_a_pair_log_to_the_same_place() -> None:
    deployment = load(
        put(GOOD, "applications.ixn1", 'event-log = "sqlite:/srv/log.db"'), try_maker=ignoring
    )
    primary = deployment.node("ixn1")
    assert deployment.node(primary.backup).event_logs == primary.event_logs

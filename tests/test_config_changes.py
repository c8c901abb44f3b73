"""What differs between two readings of a deployment file, in words."""

from __future__ import annotations

import pytest

from ixproxy.config import load
from ixproxy.config_changes import (
    MOST,
    capture_changes,
    in_one_text,
    log_changes,
    node_changes,
    option_changes,
    proxy_changes,
)
from ixproxy.config_node_options import NodeSettings
from ixproxy.config_plans import node_plan
from ixproxy.net.capture_plans import CapturePlan
from ixproxy.net.log_plans import LogPacing, LogPlan
from ixproxy.testing.memory_capture import Mail, MemoryPoint
from tests.config_cases import GOOD, put
from tests.deployments import changed

NODE3 = """
[applications.ixn3]
type = "Interaction Server"
dbid = 103
tenants = ["Environment"]
listen = "tcp:7103:interface=10.0.0.4"
endpoint = "tcp:10.0.0.4:7103"
store = "sqlite:/srv/ixn3.db"
"""
ALL_THREE = {"applications.nodes": 'connections = ["ixn1", "ixn2", "ixn3"]'}
VIEW = "tenants.Environment.queues.Inbound.views.All"
SETTINGS = "applications.proxy1.options.settings"
CLUSTER = "applications.ixn2.options.cluster-settings"


def written(puts: dict[str, str], more: str = "") -> str:
    text = GOOD
    for table, lines in puts.items():
        text = put(text, table, lines)
    return text + more


def said_to_a_proxy(new: str, old: str = GOOD) -> list[str]:
    return proxy_changes(load(old).view_for("proxy1"), load(new).view_for("proxy1"))


def said_to_a_node(new: str, old: str = GOOD) -> list[str]:
    return node_changes(node_plan(load(old), "ixn1"), node_plan(load(new), "ixn1"))


@pytest.mark.parametrize(
    ("puts", "changes"),
    [
        ({}, []),
        ({"applications.ixn1": "dbid = 7"}, ["dbid of ixn1 101 -> 7"]),
        ({CLUSTER: 'media-types = "email"'}, ["media-types of ixn2 chat, email -> email"]),
        ({CLUSTER: "-media-types"}, ["media-types of ixn2 chat, email -> any"]),
        ({CLUSTER: "enable-submit = false"}, ["enable-submit of ixn2 true -> false"]),
        (
            {"applications.ixn2": 'tenants = ["Environment", "Branch"]'},
            ["tenants of ixn2 Environment -> Branch, Environment"],
        ),
        (
            {"applications.ixn1": 'endpoint = "tcp:10.0.0.1:7199"'},
            [
                "servers of ixn1 ixn1 at tcp:10.0.0.1:7101, ixn1-b at tcp:10.0.0.1:7111"
                " -> ixn1 at tcp:10.0.0.1:7199, ixn1-b at tcp:10.0.0.1:7111"
            ],
        ),
        (
            {"applications.ixn1-b": 'endpoint = "tcp:10.0.0.1:7199"'},
            [
                "servers of ixn1 ixn1 at tcp:10.0.0.1:7101, ixn1-b at tcp:10.0.0.1:7111"
                " -> ixn1 at tcp:10.0.0.1:7101, ixn1-b at tcp:10.0.0.1:7199"
            ],
        ),
        (
            {
                "tenants.Environment.media-types": "fax = {}\nsms = {}\n-chat",
                CLUSTER: 'media-types = "email"',
            },
            [
                "media-types of ixn2 chat, email -> email",
                "media type of Environment: chat removed",
                "media type of Environment: fax disabled -> enabled",
                "media type of Environment: sms added",
            ],
        ),
        ({"tenants.Third": "id = 3"}, ["tenant Third added"]),
        (
            {SETTINGS: "max-clients = 10\nfast-path = false"},
            ["max-clients 50000 -> 10", "fast-path true -> false"],
        ),
        (
            {"applications.ixn1.options.settings": "delivering-timeout = 40"},
            ["the nodes' delivering-timeout 30 -> 40"],
        ),
        (
            {"applications.proxy1.routing": 'use = "least-backlog"'},
            ["routing round-robin -> least-backlog"],
        ),
        (
            {"applications.proxy1.pull": 'use = "round-robin"\npull-hold-timeout = 3'},
            ["settings of pull round-robin changed"],
        ),
    ],
)
def test_a_proxy_is_told_of_what_concerns_it(puts: dict[str, str], changes: list[str]) -> None:
    assert said_to_a_proxy(written(puts)) == changes


def test_nodes_that_come_and_go_are_named() -> None:
    three = written(ALL_THREE, NODE3)
    assert said_to_a_proxy(three) == ["node ixn3 added"]
    assert said_to_a_proxy(GOOD, three) == ["node ixn3 removed"]
    renamed = changed(GOOD, {"ixn2": "east"})
    assert said_to_a_proxy(renamed) == ["node east added", "node ixn2 removed"]


@pytest.mark.parametrize(
    ("puts", "changes"),
    [
        ({}, []),
        ({VIEW: 'order = "received_at"'}, ["view of Environment: Inbound/All changed"]),
        (
            {
                "tenants.Environment.queues.Done": "",
                "tenants.Environment.queues.Inbound.views.New": "",
            },
            ["queue of Environment: Done added", "view of Environment: Inbound/New added"],
        ),
        (
            {"tenants.Environment.workbins.Drafts": 'owner = "place"'},
            ["workbin of Environment: Drafts agent -> place"],
        ),
        (
            {"tenants.Environment": 'agents = ["kim"]\nplace-groups = { hall = [] }'},
            ["agents of Environment changed", "place-groups of Environment changed"],
        ),
        (
            {"tenants.Environment.media-types": "email = { enabled = false }"},
            ["media type of Environment: email changed"],
        ),
        (
            {"tenants.Environment.custom-properties": 'amount = { type = "number" }'},
            ["custom property amount added"],
        ),
        ({"applications.ixn1": 'tenants = ["Environment"]'}, ["tenant Branch removed"]),
    ],
)
def test_a_node_is_told_of_what_concerns_it(puts: dict[str, str], changes: list[str]) -> None:
    assert said_to_a_node(written(puts)) == changes


def test_a_tenant_that_is_named_anew_is_no_other_tenant() -> None:
    named = GOOD.replace("Branch", "Office")
    assert said_to_a_node(named) == ["name of tenant 2 Branch -> Office"]
    assert "name of tenant 2 Branch -> Office" in said_to_a_proxy(named)


def test_options_are_said_as_the_file_has_them() -> None:
    new = NodeSettings(completed_queues=("Done", "Old"), max_userdata_size=1024)
    assert option_changes(NodeSettings(), new) == [
        "completed-queues none -> Done, Old",
        "max-userdata-size 524288 -> 1024",
    ]


def test_many_changes_are_one_text_that_ends() -> None:
    assert in_one_text(["a", "b"]) == "a; b"
    assert in_one_text([str(each) for each in range(MOST + 5)]).endswith("; and 5 more")
    assert "nothing" in in_one_text([])


def test_capture_points_that_come_go_and_change_are_named() -> None:
    def plan(name: str, **more: object) -> CapturePlan:
        return CapturePlan(name, "memory", lambda: MemoryPoint(Mail()), more)

    old, new = [plan("a"), plan("b"), plan("c")], [plan("b"), plan("c", x=1), plan("d")]
    assert capture_changes(old, new) == [
        "capture point a removed", "capture point c changed", "capture point d added",
    ]  # fmt: skip
    assert capture_changes(old, old) == []


def test_event_logs_come_go_and_change() -> None:
    def plan(name: str, size: int = 5) -> LogPlan:
        return LogPlan(name, "sqlite", lambda: None, {}, pacing=LogPacing(size))  # type: ignore[arg-type, return-value]

    old, new = [plan("a"), plan("b"), plan("c")], [plan("b", 6), plan("c"), plan("d")]
    assert log_changes(old, new) == [
        "event log a removed",
        "event log b changed",
        "event log d added",
    ]

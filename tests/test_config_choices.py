"""Strategies and the nodes that they name, beyond the cases."""

from __future__ import annotations

from tests.config_cases import GOOD, put
from tests.deployments import found
from tests.test_config_advice import said


def routing(text: str, lines: str) -> str:
    for name in ("proxy1", "proxy2", "media"):
        text = put(text, f"applications.{name}.routing", lines)
    return text


def test_a_strategy_that_names_the_nodes_there_are_is_right() -> None:
    for lines in (
        'use = "weighted"\nweights = { ixn1 = 2, ixn2 = 0 }',
        'use = "hash-of-id"\nnodes = ["ixn1", "ixn2"]',
        'use = "hash-of-id"\nnodes = { ixn1 = {}, ixn2 = {} }',
        'use = "hash-of-id"',
    ):
        text = routing(GOOD, lines)
        assert found(text) == []
        assert said(text) == []


def test_what_is_no_list_of_names_is_for_the_strategy_to_refuse() -> None:
    errors = found(routing(GOOD, 'use = "hash-of-id"\nnodes = "ixn1"'))
    assert sum("expected an array of names" in each for each in errors) == 3


def test_a_pull_strategy_that_lets_one_node_hold_has_time_enough() -> None:
    text = put(GOOD, "applications.proxy1.options.settings", "pull-hold-timeout = 600")
    assert "low value" in str(said(text))
    assert said(put(text, "applications.proxy1.pull", 'use = "hold-override"')) == []

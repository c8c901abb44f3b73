"""What librdkafka says of itself, as far as it matters."""

from __future__ import annotations

import json

import pytest

from ixproxy.capture.kafka_statistics import Statistics, read_statistics


def test_connections_the_group_and_the_lag_are_read() -> None:
    said = {
        "name": "ixproxy",
        "brokers": {"a": {"state": "UP", "nodeid": 1}, "b": {"state": "DOWN"}, "c": {}},
        "topics": {
            "claims": {
                "partitions": {
                    "0": {"consumer_lag": 5}, "1": {"consumer_lag": 7}, "-1": {"consumer_lag": -1},
                }
            }
        },
        "cgrp": {"state": "up", "join_state": "steady", "rebalance_cnt": 1},
    }  # fmt: skip
    assert read_statistics(json.dumps(said)) == Statistics(1, True, 12)
    said["cgrp"] = {"state": "up", "join_state": "wait-join"}
    assert not read_statistics(json.dumps(said)).is_steady


@pytest.mark.parametrize("text", ["{}", "", "[]", '{"brokers": 5}', b"\xff"])
def test_what_is_missing_or_strange_counts_as_nothing(text: str | bytes) -> None:
    assert read_statistics(text) == Statistics(0, False, -1)

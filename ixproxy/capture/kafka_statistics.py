"""What librdkafka says of itself now and then: the few things of it that matter here."""

from __future__ import annotations

from typing import NamedTuple

import msgspec


class _Broker(msgspec.Struct):
    state: str = ""
    nodeid: int = -1


class _Partition(msgspec.Struct):
    consumer_lag: int = -1


class _Topic(msgspec.Struct):
    partitions: dict[str, _Partition] = {}


class _Group(msgspec.Struct):
    state: str = ""
    join_state: str = ""


class _Said(msgspec.Struct):
    brokers: dict[str, _Broker] = {}
    topics: dict[str, _Topic] = {}
    cgrp: _Group | None = None


class Statistics(NamedTuple):
    """
    How a client is.

    `brokers`: how many it is connected to. `is_steady`: of a consumer: it is a member
    of its group, which does not share out partitions just now. `lag`: records that
    are there and not read, of its partitions; -1: not known.
    """

    brokers: int
    is_steady: bool
    lag: int


_decoder = msgspec.json.Decoder(_Said)


def read_statistics(text: str | bytes) -> Statistics:
    """What is in the JSON of librdkafka's statistics; what it lacks counts as nothing."""
    try:
        said = _decoder.decode(text)
    except msgspec.DecodeError:
        return Statistics(0, False, -1)
    lags = [
        partition.consumer_lag
        for topic in said.topics.values()
        for partition in topic.partitions.values()
        if partition.consumer_lag >= 0
    ]
    return Statistics(
        brokers=sum(broker.state == "UP" for broker in said.brokers.values()),
        is_steady=said.cgrp is not None
        and (said.cgrp.state, said.cgrp.join_state) == ("up", "steady"),
        lag=sum(lags) if lags else -1,
    )

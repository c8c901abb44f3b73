from __future__ import annotations

from collections.abc import Mapping

import pytest

from ixproxy.config import check
from ixproxy.errors import ConfigError, ConfigProblem, PluginError
from tests.deployments import EVERYTHING, SMALL, changed, found


def with_routing(table: str) -> str:
    return SMALL + f"[applications.proxy1.routing]\n{table}\n"


@pytest.mark.parametrize(
    ("table", "error"),
    [
        (
            'use = "rond-robin"',
            'line 41: [applications.proxy1.routing] use: no routing plug-in is named "rond-robin";'
            " there are: hash-of-id, least-backlog, media-dedicated, round-robin, weighted",
        ),
        (
            'use = "round-robin"\nspeed = 9',
            "line 42: [applications.proxy1.routing] speed: unknown setting; there are: none",
        ),
        (
            'use = "weighted"\nweights = { ixn1 = -1, ixn2 = "x" }',
            "line 42: [applications.proxy1.routing] weights: ixn1: expected 0 to 1000, not -1",
        ),
        (
            "weights = 1",
            "line 40: [applications.proxy1.routing] use: missing; expected the name of a plug-in",
        ),
    ],
)
def test_a_strategy_that_cannot_be_used_is_reported_in_its_table(table: str, error: str) -> None:
    assert error in found(with_routing(table))


def test_every_setting_that_a_strategy_refuses_is_reported() -> None:
    errors = found(with_routing('use = "weighted"\nweights = { ixn1 = -1, ixn2 = "x" }\na = 1'))
    assert len(errors) == 3 + 1


def test_hash_of_id_needs_no_list_of_nodes_for_the_file_has_it() -> None:
    assert found(with_routing('use = "hash-of-id"')) == []


def test_a_store_of_an_unknown_kind_is_reported() -> None:
    errors = found(changed(SMALL, {"sqlite:ixn1.db": "nosql:ixn1.db"}))
    assert [error.partition("; there are")[0] for error in errors] == [
        'line 15: [applications.ixn1] store: no store plug-in is named "nosql"'
    ]


def test_every_plug_in_of_a_file_is_tried() -> None:
    asked: list[str] = []
    check(EVERYTHING, try_maker=lambda kind, name, settings: asked.append(f"{kind} {name}"))
    assert asked == [
        "routing weighted", "pull busiest-first", "merge partial",
        "routing round-robin", "pull round-robin", "merge union",
        "capture file", "store sqlite", "eventlog sqlite", "eventlog sqlite",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("raised", "errors"),
    [
        (PluginError("no such"), ["[applications.proxy1.pull] use: no such"]),
        (
            ConfigError([ConfigProblem("", "a", "too big"), ConfigProblem("", "b", "too small")]),
            ["[applications.proxy1.pull] b: too small", "[applications.proxy1.pull] a: too big"],
        ),
        (
            ZeroDivisionError("oops"),
            ['[applications.proxy1.pull] use: plug-in "mine" failed: ZeroDivisionError: oops'],
        ),
    ],
)
def test_whatever_a_plug_in_raises_is_a_line_of_the_report(
    raised: Exception, errors: list[str]
) -> None:
    def try_maker(kind: str, name: str, settings: Mapping[str, object]) -> None:
        if name == "mine":
            assert settings == {"a": 1}
            raise raised

    text = SMALL + '[applications.proxy1.pull]\nuse = "mine"\na = 1\n'
    report = check(text, try_maker=try_maker)
    assert [str(error).partition(": ")[2] for error in report.errors] == errors


def test_an_address_is_reported_at_the_key_that_has_it() -> None:
    point = (
        '[[applications.ixn1.capture]]\nname = "mail"\nuse = "jms"\naddress = "amqp://broker"\n'
        'inbound-queue-name = "in"\nerror-queue-name = "bad"\n'
    )
    log = '[[applications.ixn1.event-logs]]\naddress = "amqp:broker"\n'
    assert [error.partition(": ")[2][:48] for error in found(SMALL + point + log)] == [
        "[applications.ixn1.capture#1] address: expected ",
        "[applications.ixn1.event-logs#1] address: expect",
    ]


JMS = '''
[[applications.ixn1.capture]]
name = "claims"
use = "jms"
inbound-queue-name = "in"
default-values = { MediaType = "email" }
'''


@pytest.mark.parametrize(
    ("table", "error"),
    [
        (
            JMS,
            "line 41: [applications.ixn1.capture#1] address: missing; expected an address such as "
            '"tcp:broker.example:61613"',
        ),
        (
            f"{JMS}address = 7",
            "line 46: [applications.ixn1.capture#1] address: expected an address, or a list of "
            "them, not 7",
        ),
    ],
)
def test_an_address_beside_use_is_blamed_by_its_own_name(table: str, error: str) -> None:
    assert found(SMALL + table) == [error]


@pytest.mark.parametrize(
    ("named", "key"), [("", "store"), ('event-log = "sqlite:/log.db"', "event-log")]
)
def test_an_address_that_names_the_plug_in_is_blamed_by_the_key_it_stands_in(
    named: str, key: str
) -> None:
    kind = {"store": "store", "event-log": "eventlog"}[key]

    def try_maker(tried: str, name: str, settings: Mapping[str, object]) -> None:
        if tried == kind:
            raise ConfigError([ConfigProblem("", "address", "not there")])

    text = changed(SMALL, {"[applications.ixn1]": f"[applications.ixn1]\n{named}"})
    report = check(text, try_maker=try_maker)
    (error,) = {str(each).partition("] ")[2] for each in report.errors if "ixn1" in str(each)}
    assert error == f"{key}: not there"

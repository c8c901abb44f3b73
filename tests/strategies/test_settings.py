"""The settings of a strategy: read, and reported in one go."""

from __future__ import annotations

import pytest

from ixproxy.errors import ConfigError
from ixproxy.strategies.settings import Settings, did_you_mean


def test_what_is_not_given_is_default() -> None:
    keys = Settings({})
    assert keys.choice("holds", "last", ("last", "each")) == "last"
    assert keys.seconds("hold", 10, 1, 600) == 10
    assert keys.whole("every", 20, 2, 1000) == 20
    keys.finish()


def test_every_unusable_value_and_unknown_key_is_in_one_report() -> None:
    keys = Settings({"holds": "all", "hold": 0, "every": 1.5, "colour": "red"})
    keys.choice("holds", "last", ("last", "each"))
    keys.seconds("hold", 10, 1, 600)
    keys.whole("every", 20, 2, 1000)
    keys.required("nodes", "names")
    with pytest.raises(ConfigError) as caught:
        keys.finish()
    assert [problem.key for problem in caught.value.problems] == [
        "holds", "hold", "every", "nodes", "colour",
    ]  # fmt: skip
    assert "there are: holds, hold, every, nodes" in str(caught.value)


def test_who_writes_a_name_that_is_nearly_one_is_told_which() -> None:
    keys = Settings({"inbound-parameters": {}, "Hold": 1})
    for name in ("inbound-path", "inbound-transformer-parameters", "hold"):
        keys.choice(name, "", ("",))
    with pytest.raises(ConfigError) as caught:
        keys.finish()
    there = "There are: inbound-path, inbound-transformer-parameters, hold"
    assert [problem.text for problem in caught.value.problems] == [
        f'unknown setting; did you mean "inbound-transformer-parameters"? {there}',
        f'unknown setting; did you mean "hold"? {there}',
    ]


def test_a_name_of_any_length_is_compared_soon() -> None:
    assert did_you_mean("inbound-path" * 100_000, ["inbound-path"]) == ""


@pytest.mark.parametrize("value", [True, "10", None, float("nan"), 601, 0.5])
def test_seconds_are_numbers_in_their_range(value: object) -> None:
    keys = Settings({"hold": value})
    keys.seconds("hold", 10, 1, 600)
    with pytest.raises(ConfigError, match="expected 1 to 600 seconds"):
        keys.finish()


def test_the_nearest_name_is_proposed_and_no_far_one() -> None:
    assert did_you_mean("lisen", ["listen", "store"]) == '; did you mean "listen"?'
    assert did_you_mean("pull_hold_timeout", ["pull-hold-timeout"]) == (
        '; did you mean "pull-hold-timeout"?'
    )
    assert did_you_mean("zebra", ["listen", "store"]) == ""

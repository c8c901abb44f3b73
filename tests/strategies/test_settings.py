"""The settings of a strategy: read, and reported in one go."""

from __future__ import annotations

import pytest

from ixproxy.errors import ConfigError
from ixproxy.strategies.settings import Settings


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


@pytest.mark.parametrize("value", [True, "10", None, float("nan"), 601, 0.5])
def test_seconds_are_numbers_in_their_range(value: object) -> None:
    keys = Settings({"hold": value})
    keys.seconds("hold", 10, 1, 600)
    with pytest.raises(ConfigError, match="expected 1 to 600 seconds"):
        keys.finish()

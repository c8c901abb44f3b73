"""The hold that pull strategies have in common."""

from __future__ import annotations

import pytest

from ixproxy.errors import ConfigError
from ixproxy.strategies.holding import LONGEST, hold_of
from ixproxy.strategies.settings import Settings


def test_by_default_the_proxy_s_own_option_decides() -> None:
    assert hold_of(Settings({})) == LONGEST == 600


@pytest.mark.parametrize("value", [0, 601, "10"])
def test_a_hold_is_from_1_to_600_seconds(value: object) -> None:
    keys = Settings({"pull-hold-timeout": value})
    hold_of(keys)
    with pytest.raises(ConfigError, match="pull-hold-timeout: expected 1 to 600 seconds"):
        keys.finish()

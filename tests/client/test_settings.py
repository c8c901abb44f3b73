from __future__ import annotations

from dataclasses import FrozenInstanceError

import pytest

from ixproxy.client import Backoff, Settings


def test_the_defaults_bound_everything() -> None:
    settings = Settings()
    assert 0 < settings.max_in_flight < 1_000_000
    assert settings.keep_alive_interval < settings.keep_alive_limit
    assert settings.backoff == Backoff()


def test_settings_do_not_change() -> None:
    with pytest.raises(FrozenInstanceError):
        Settings().timeout = 1.0  # type: ignore[misc]

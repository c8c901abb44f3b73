"""What a proxy does when its deployment says nothing."""

from __future__ import annotations

from dataclasses import FrozenInstanceError, fields

import pytest

from ixproxy import config_options
from ixproxy.core.settings import Deployment, ProxySettings, Strategies
from ixproxy.interfaces import IMergePolicyMaker, IPullStrategyMaker, IRoutingStrategyMaker
from ixproxy.plugin import find_maker

SIZES = {"max_pending_per_client", "min_peer_frame"}
"""What tests and small programs want smaller than a deployment does."""


def test_settings_are_replaced_as_a_whole() -> None:
    with pytest.raises(FrozenInstanceError):
        ProxySettings().request_timeout = 3.0  # type: ignore[misc]
    assert Deployment().nodes == {}


def test_what_is_not_said_is_what_the_file_says_of_it() -> None:
    documented = config_options.ProxySettings()
    names = {field.name for field in fields(ProxySettings)} & {
        field.name for field in fields(config_options.ProxySettings)
    }
    assert len(names) > 10
    for name in names - SIZES:
        assert getattr(ProxySettings(), name) == getattr(documented, name), name


def test_the_strategies_that_nobody_named_exist() -> None:
    made = Strategies(None, None, None)  # type: ignore[arg-type]
    for interface, name in (
        (IRoutingStrategyMaker, made.routing_name),
        (IPullStrategyMaker, made.pull_name),
        (IMergePolicyMaker, made.merge_name),
    ):
        assert find_maker(interface, name).name == name

from __future__ import annotations

import pytest

from ixproxy.config_options import (
    NODE_SECTIONS,
    PROXY_SECTIONS,
    MediaTypeSettings,
    NodeClusterSettings,
    ProxySettings,
    RouterLimits,
)
from ixproxy.config_sections import option_keys
from ixproxy.core.link_times import LinkTimes

SECTIONS = [*NODE_SECTIONS.values(), *PROXY_SECTIONS.values(), MediaTypeSettings, RouterLimits]


@pytest.mark.parametrize(
    ("name", "default", "low", "high"),
    [
        ("pull-hold-timeout", 10, 1, 600),
        ("interaction-cache-size", 10_000, 100, 10_000_000),
        ("node-loss-grace", 30, 0, 604_800),
    ],
)
def test_documented_defaults_and_ranges_are_kept(
    name: str, default: int, low: int, high: int
) -> None:
    key = option_keys(ProxySettings)[name]
    assert (key.default, key.low, key.high) == (default, low, high)


def test_what_a_file_leaves_open_is_what_the_proxy_would_do_without_one() -> None:
    options, times = ProxySettings(), LinkTimes()
    given = (
        options.node_connect_timeout,
        options.node_answer_timeout,
        options.node_probe_interval,
    )
    assert given == (times.connect * 1000, times.answer * 1000, times.probe * 1000)


def test_a_proxy_does_not_mark_its_requests_unless_told_to() -> None:
    assert not ProxySettings().mark_internal_requests


def test_a_node_takes_every_media_type_and_new_work_unless_told_otherwise() -> None:
    assert NodeClusterSettings() == NodeClusterSettings((), True)


@pytest.mark.parametrize("section", SECTIONS, ids=lambda section: section.__name__)
def test_every_default_fits_its_own_key(section: type) -> None:
    for name, key in option_keys(section).items():
        default = list(key.default) if isinstance(key.default, tuple) else key.default
        assert default is None or key.read(default) == key.default, name
        assert key.summary.endswith("."), name

from __future__ import annotations

import pytest

from ixproxy.config_node_options import FRAME_MARGIN, NodeSettings
from ixproxy.config_sections import option_keys

# Every option of the field's `[settings]`, as its documentation lists them.
FIELD = [
    "agent-login-control",
    "agent-session-restore-timeout",
    "allow-duplicates-in-change",
    "allow-duplicates-in-submit",
    "allow-multiple-agent-connections",
    "collect-error-counters",
    "collect-esp-error-counters",
    "collect-request-counters",
    "completed-queues",
    "database-request-timeout",
    "database-request-warning-timeout",
    "default-max-submission-rate",
    "default-max-submitted-per-router",
    "default-max-submitted-per-strategy",
    "default-view-freeze-interval",
    "delay-updates",
    "delayed-logout-panic-threshold",
    "delayed-logout-timeout",
    "delivering-timeout",
    "enable-place-in-queue-reason",
    "enable-revoke-from-agent",
    "handling-timeout",
    "have-segmentation-indexes",
    "hide-attached-data",
    "hide-strategy-change-activity",
    "hide-strategy-esp-activity",
    "high-pull-threshold",
    "honor-segmentation-generations",
    "ignore-read-only-on-change",
    "ignore-read-only-on-submit",
    "incremental-login-request-timeout",
    "login-session-timeout",
    "low-pull-threshold",
    "max-current-clients",
    "max-current-database-requests",
    "max-current-interactions-cached",
    "max-current-loggers-queue-size",
    "max-current-request-queue-size",
    "max-current-request-queue-wait",
    "max-current-tasks",
    "max-database-request-queue-size",
    "max-interactions-per-pull",
    "max-interactions-per-snapshot",
    "max-number-of-snapshots",
    "max-output-timeout",
    "max-userdata-size",
    "max-workbin-interactions",
    "no-userdata-changed-response-to-urs",
    "not-ready-on-invitation-timeout",
    "notify-workbin-userdata-changed",
    "number-of-database-connections",
    "pull-hold-timeout",
    "registration-timeout",
    "reset-states-on-shutdown",
    "routing-timeout",
    "schema-name",
    "statistic-interval",
    "submit-timer-interval",
    "third-party-server-queue-size",
    "third-party-server-timeout",
    "third-party-server-window-size",
]


def test_every_option_of_the_field_is_known() -> None:
    assert [name for name in FIELD if name not in option_keys(NodeSettings)] == []


@pytest.mark.parametrize(
    ("name", "default", "low", "high"),
    [
        ("delivering-timeout", 30, 1, 86_400),
        ("handling-timeout", 180, 1, 1440),
        ("routing-timeout", 720, 20, 525_600),
        ("max-interactions-per-snapshot", 500, 100, 10_000),
        ("login-session-timeout", 1440, 1, 525_600),
        ("default-max-submitted-per-router", 500, 0, 50_000),
    ],
)
def test_documented_defaults_and_ranges_are_kept(
    name: str, default: int, low: int, high: int
) -> None:
    key = option_keys(NodeSettings)[name]
    assert (key.default, key.low, key.high) == (default, low, high)


def test_every_default_fits_its_own_key() -> None:
    for name, key in option_keys(NodeSettings).items():
        default = list(key.default) if isinstance(key.default, tuple) else key.default
        assert key.read(default) == key.default, name
        assert key.summary.endswith("."), name


def test_the_default_frame_holds_the_default_user_data() -> None:
    settings = NodeSettings()
    assert settings.max_frame >= settings.max_userdata_size + FRAME_MARGIN

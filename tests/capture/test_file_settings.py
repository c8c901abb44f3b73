"""The table of a file capture point."""

from __future__ import annotations

import pytest

from ixproxy.capture.file_settings import BY_ID, SEQUENTIAL, read_settings
from ixproxy.errors import ConfigError

NEEDED = {"inbound-path": "/in", "error-path": "/bad"}


def mistakes(**settings: object) -> list[str]:
    given = {key.replace("_", "-"): value for key, value in settings.items()}
    with pytest.raises(ConfigError) as wrong:
        read_settings({**NEEDED, **given})
    return [f"{problem.key}: {problem.text}" for problem in wrong.value.problems]


def test_two_directories_are_enough() -> None:
    settings = read_settings(NEEDED)
    assert settings.directories == {"inbound-path": "/in", "error-path": "/bad"}
    assert (settings.naming, settings.scan_interval) == (SEQUENTIAL, 5.0)
    assert settings.forms.limits.size == 1 << 20


def test_a_parameter_of_iwd_that_is_misspelt_is_a_mistake() -> None:
    (mistake,) = mistakes(
        iwd_compatibility_mode=True, inbound_transformer_parameters={"CompletQueues": "Done"}
    )
    assert 'CompletQueues: unknown setting; did you mean "CompleteQueues"?' in mistake


def test_all_keys_are_read() -> None:
    settings = read_settings(
        {
            "inbound-path": "/in/",
            "error-path": "/x/../bad",
            "processed-path": "/done",
            "notification-path": "/told",
            "queue-paths": {"Done": "/x/done/", "Gone": "/x/done"},
            "notification-naming": "by-id",
            "scan-interval": 0.5,
            "max-document-size": 5000,
        }
    )
    assert settings.directories == {
        "inbound-path": "/in",
        "error-path": "/bad",
        "processed-path": "/done",
        "notification-path": "/told",
        'queue-paths "Done"': "/x/done",
        'queue-paths "Gone"': "/x/done",
    }
    assert (settings.naming, settings.scan_interval) == (BY_ID, 0.5)
    assert settings.forms.limits.size == 5000


def test_everything_that_is_wrong_is_named_at_once() -> None:
    with pytest.raises(ConfigError) as wrong:
        read_settings({"inbound-path": "in", "scan-interval": 0, "colour": "red"})
    assert [problem.key for problem in wrong.value.problems] == [
        "inbound-path", "error-path", "scan-interval", "colour",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("settings", "text"),
    [
        ({"processed_path": "done"}, "processed-path: expected the absolute path of a directory"),
        ({"processed_path": "/a\0b"}, "processed-path: expected the absolute path of a directory"),
        ({"processed_path": "/in/../bad"}, "processed-path: /bad is the error-path already"),
        ({"notification_path": "/in"}, "notification-path: /in is the inbound-path already"),
        ({"inbound_path": 7}, "inbound-path: expected the absolute path of a directory, not 7"),
        ({"queue_paths": {"Q": "done"}}, "queue-paths: expected the absolute path of a directory"),
        ({"queue_paths": {"Q": "/in"}}, "queue-paths: /in is the inbound-path already"),
        ({"queue_paths": {"Q": 1}}, "queue-paths: expected for Q the path of a directory, not 1"),
        ({"queue_paths": "/done"}, "queue-paths: expected a table such as"),
        ({"notification_naming": "random"}, "notification-naming: expected 'sequential' or"),
        ({"max_document_size": "1M"}, "max-document-size: expected a whole number"),
    ],
)
def test_one_that_is_wrong_says_what_was_expected(settings: dict[str, object], text: str) -> None:
    (mistake,) = mistakes(**settings)
    assert mistake.startswith(text)

"""Messages and settings that tests of the capture point `jms` have in common."""

from __future__ import annotations

from collections.abc import Mapping

SETTINGS: dict[str, object] = {
    "address": "tcp:broker.example:61613",
    "inbound-queue-name": "in",
    "processed-queue-name": "processed",
    "error-queue-name": "errors",
    "notification-queue-name": "told",
    "reconnect-timeout": 3,
}


def submit(name: str) -> bytes:
    """A document that submits one interaction."""
    return f'<interaction operation="submit" ExternalId="{name}"/>'.encode()


def name_in(body: bytes) -> str:
    """The name under which a document submits."""
    return body.decode().split('ExternalId="')[1].split('"')[0]


def told_in(headers: Mapping[str, str], body: bytes) -> tuple[str, str]:
    """What a message tells, and of which interaction."""
    return headers["ixn_operation"], body.decode().split('InteractionId="')[1].split('"')[0]

from __future__ import annotations

import pytest

from ixproxy.messages import EventHeld, RequestPing
from ixproxy.node.work import (
    Asked,
    ClientsLost,
    ConnectionLost,
    Goodbye,
    Outcome,
    Registered,
    Sender,
    StreamEnded,
    Tell,
)


def test_secrets_stay_out_of_what_is_printed() -> None:
    session = b"a secret session"
    sender = Sender(session, "mail-1", "MediaServer", frozenset({1}))
    for shown in (
        sender,
        Asked(sender, RequestPing()),
        Registered(sender, 1, {"i": 1}),
        ConnectionLost(session),
        ClientsLost((session,), "app"),
        Goodbye(session),
        StreamEnded(session, 1),
        Tell(session, EventHeld()),
    ):
        assert "secret" not in repr(shown)
        assert repr(shown).startswith(type(shown).__name__)
    assert "mail-1" in repr(sender)


def test_values_cannot_be_changed() -> None:
    with pytest.raises(AttributeError):
        Outcome().store_lost = True  # type: ignore[misc]


def test_an_outcome_shares_nothing_with_another() -> None:
    first, second = Outcome(), Outcome()
    first.effects.append(Tell(b"s", EventHeld()))
    assert second.effects == []

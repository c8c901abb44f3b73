"""What a registration must say, whichever server it is sent to."""

from __future__ import annotations

from typing import Any

import pytest

from ixproxy.errors import Code, RequestRefused
from ixproxy.messages import RequestRegisterClient
from ixproxy.values import ClientType
from ixproxy.wire.admission import SESSION_LENGTH, client_type_of, observes

SHORTEST = 128 << 10


def registration(**more: Any) -> RequestRegisterClient:
    return RequestRegisterClient(
        **{"client_name": "desk", "client_type": "AgentApplication", **more}
    )


@pytest.mark.parametrize("client_type", list(ClientType))
def test_a_registration_that_says_all_is_admitted_as_what_it_says(client_type: ClientType) -> None:
    message = registration(
        client_type=client_type, session=bytes(SESSION_LENGTH), max_frame=SHORTEST
    )
    assert client_type_of(message, behind_proxy=False, shortest_frame=SHORTEST) is client_type


@pytest.mark.parametrize(
    ("wrong", "code", "word"),
    [
        ({"client_type": "Toaster"}, Code.INVALID_CLIENT, "ClientType 'Toaster'"),
        ({"client_name": ""}, Code.INVALID_CLIENT, "ClientName"),
        ({"client_name": "x" * 256}, Code.INVALID_CLIENT, "ClientName"),
        ({"versions": (2, 7)}, Code.UNSUPPORTED_VERSION, r"\[2, 7\]"),
        ({"versions": ()}, Code.UNSUPPORTED_VERSION, "Versions"),
        ({"session": b"short"}, Code.INVALID_CLIENT, "Session"),
        ({"max_frame": SHORTEST - 1}, Code.INVALID_CLIENT, "MaxFrame"),
    ],
)
def test_what_is_wrong_is_named(wrong: dict[str, Any], code: int, word: str) -> None:
    with pytest.raises(RequestRefused, match=word) as refused:
        client_type_of(registration(**wrong), behind_proxy=False, shortest_frame=SHORTEST)
    assert refused.value.code == code


def test_who_only_asks_is_an_observer_unless_it_comes_through_a_proxy_or_is_one() -> None:
    def registration(wish: object, client_type: str = "MediaServer") -> RequestRegisterClient:
        return RequestRegisterClient(
            client_name="x", client_type=client_type, extension={"observer": wish}
        )

    assert observes(registration(1), behind_proxy=False)
    assert not observes(registration(1), behind_proxy=True)
    assert not observes(registration(1, "Proxy"), behind_proxy=False)
    for no in (0, "0", "", None):
        assert not observes(registration(no), behind_proxy=False)


def test_behind_a_proxy_there_is_no_proxy_and_the_proxys_own_frames_count() -> None:
    with pytest.raises(RequestRefused, match="cannot be a client"):
        client_type_of(
            registration(client_type="Proxy"), behind_proxy=True, shortest_frame=SHORTEST
        )
    client_type_of(registration(max_frame=1), behind_proxy=True, shortest_frame=SHORTEST)

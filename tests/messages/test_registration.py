from __future__ import annotations

from typing import Any

import pytest
from msgspec.structs import replace
from rich.pretty import pretty_repr

from ixproxy.errors import RemoteProtocolError
from ixproxy.messages import (
    Credentials,
    RequestPing,
    RequestRegisterClient,
    RequestUnregisterClient,
)
from ixproxy.wire.codec import decode, encode
from ixproxy.wire.prefix import read_frame
from tests.messages.attributes import lacking

REGISTRATION = RequestRegisterClient(
    client_name="desk-1",
    client_type="AgentApplication",
    credentials=Credentials(user="someone", password="hunter2"),
    session=b"0123456789abcdef",
    incarnation=3,
    holding={"0000CHOSEN000001": 17, "0000CHOSEN000002": 18},
)


@pytest.mark.parametrize("shown", [repr, str, pretty_repr, "{}".format, "{!r}".format])
def test_no_way_of_printing_a_registration_shows_its_secrets(shown: object) -> None:
    assert callable(shown)
    for value in (REGISTRATION, [REGISTRATION], {"request": REGISTRATION}):
        text = shown(value)
        assert "desk-1" in text
        for secret in ("someone", "hunter2", "0123456789abcdef", "session=", "CHOSEN"):
            assert secret not in text
    assert "hunter2" not in shown(REGISTRATION.credentials)


def test_a_registration_says_all_that_the_server_must_know() -> None:
    names = """
        ClientName ClientType ProxyClientId Credentials Versions Features MaxFrame Path Session
        Moves Incarnation Holding HoldingContinues Tenants Extension
    """
    assert lacking(RequestRegisterClient, names) == set()
    with pytest.raises(TypeError, match="client_name"):
        RequestRegisterClient()  # type: ignore[call-arg]


def test_by_default_a_client_speaks_version_1_with_frames_of_a_mebibyte() -> None:
    registration = RequestRegisterClient(client_name="n", client_type="t")
    assert registration.versions == (1,)
    assert registration.max_frame == 1 << 20
    assert registration.incarnation == 1


def test_a_goodbye_names_the_client_and_a_ping_nothing() -> None:
    assert lacking(RequestUnregisterClient, "ProxyClientId Extension") == set()
    assert RequestPing() == RequestPing()


def test_the_later_of_two_registrations_of_a_session_is_told_by_connection_then_by_proxy() -> None:
    def generation(incarnation: int, *moves: int) -> tuple[int, ...]:
        return replace(REGISTRATION, incarnation=incarnation, moves=list(moves)).generation

    oldest_first = [generation(1), generation(1, 1, 9), generation(1, 2, 1), generation(2)]
    assert sorted(oldest_first) == oldest_first


def test_who_it_is_stands_in_a_log_whatever_the_client_calls_itself() -> None:
    assert replace(REGISTRATION, path=["edge", "proxy1"]).who == "desk-1 through edge, proxy1"
    assert len(replace(REGISTRATION, client_name="x" * 10_000).who) == 255


@pytest.mark.parametrize("attributes", [{"path": ["p"] * 17}, {"moves": [1] * 17}])
def test_no_more_than_16_proxies_stand_behind_one_another(attributes: dict[str, Any]) -> None:
    raw = encode(replace(REGISTRATION, **attributes))
    with pytest.raises(RemoteProtocolError, match=r"Path|Moves"):
        decode(read_frame(raw))

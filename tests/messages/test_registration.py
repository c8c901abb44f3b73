from __future__ import annotations

import pytest
from rich.pretty import pretty_repr

from ixproxy.messages import (
    Credentials,
    RequestPing,
    RequestRegisterClient,
    RequestUnregisterClient,
)
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
        Incarnation Holding HoldingContinues Tenants Extension
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

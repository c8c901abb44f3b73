"""Listeners and endpoints, beyond the cases."""

from __future__ import annotations

import pytest

from tests.config_cases import GOOD, put
from tests.test_config_advice import said

TLS = 'certificate = "a.pem"\nprivate-key = "a.key"'


@pytest.mark.parametrize(
    ("listen", "open_to_all"),
    [
        ("tcp:7001", True),
        ("tcp:7001:interface=0.0.0.0", True),
        ("tcp6:7001", True),
        ("tcp:7001:interface=10.0.0.3", False),
        ("unix:/run/proxy1", False),
        ("systemd:domain=INET:index=0", False),
    ],
)
def test_a_listener_on_every_address_has_tls(listen: str, open_to_all: bool) -> None:
    text = put(GOOD, "applications.proxy1", f'listen = "{listen}"')
    assert bool(said(text)) is open_to_all, said(text)
    if not listen.startswith("unix:"):
        assert said(put(text, "applications.proxy1.tls", TLS)) == []


def test_everything_on_one_host_may_use_its_own_addresses() -> None:
    assert said(GOOD.replace("10.0.0.1", "127.0.0.1").replace("10.0.0.2", "127.0.0.1")) != []
    own = GOOD
    for number in (1, 2, 3):
        own = own.replace(f"10.0.0.{number}", "127.0.0.1")
    assert said(own) == []

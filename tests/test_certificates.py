"""
Every kind of certificate, shown by client, proxy and node: the one right outcome of each.

The outcome is what whoever showed it is told, or what the log of the other end
says where nobody is told.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import pytest_twisted
from cryptography.x509.oid import ExtendedKeyUsageOID
from twisted.internet.task import deferLater
from twisted.logger import capturedLogs, formatEvent

from ixproxy.errors import IxproxyError, NodeUnavailable
from ixproxy.messages import RequestFindInteractions
from ixproxy.testing.certificates import Authority, Issued
from tests.secured import AUTHORITY, HERE, Secured, credential

LONG_AGO = datetime.now(UTC) - timedelta(days=9)
YESTERDAY = datetime.now(UTC) - timedelta(days=1)
OTHER = Authority("Other CA")


def issued(kind: str, name: str) -> Issued | None:
    """A certificate for `name`, with what is wrong with it."""
    match kind:
        case "right":
            return AUTHORITY.issue(name, (HERE,))
        case "expired":
            return AUTHORITY.issue(name, (HERE,), begins=LONG_AGO, ends=YESTERDAY)
        case "other authority":
            return OTHER.issue(name, (HERE,))
        case "other name":
            return AUTHORITY.issue("somebody", ("somebody.example",))
        case "other role":
            return AUTHORITY.issue("reports", (HERE,))
        case _:
            return None


NODE = credential(AUTHORITY.issue("ixn1", (HERE,)), demands=True)
PROXY = credential(AUTHORITY.issue("proxy1", (HERE,)), demands=True)
MAIL = credential(AUTHORITY.issue("mail"))

CLIENT_OUTCOMES = {
    "right": "",
    "expired": "it says that our certificate has expired",
    "other authority": "it does not trust the authority of our certificate",
    "other name": "CN=somebody may not register as MediaServer here",
    "none": "it demands a certificate, and none was shown to it",
    "other role": "CN=reports may not register as MediaServer here",
}


@pytest.mark.parametrize("at", ["proxy1", "ixn1"])
@pytest.mark.parametrize(("kind", "outcome"), CLIENT_OUTCOMES.items())
@pytest_twisted.ensureDeferred
async def test_a_client_is_let_in_by_its_certificate_or_told_why_not(
    real_reactor: Any, at: str, kind: str, outcome: str
) -> None:
    servers = Secured(real_reactor, NODE, PROXY)
    await servers.start()
    await servers.linked()
    connecting = servers.client(at, credential(issued(kind, "mail")))
    if outcome:
        with pytest.raises(IxproxyError, match=outcome):
            await connecting
    else:
        client = await connecting
        assert (await client.request(find())).interactions == {}
        await client.close()
    await servers.stop()


def find() -> RequestFindInteractions:
    return RequestFindInteractions(tenant_id=1, condition="queue = 'Inbound'")


PROXY_OUTCOMES = {
    "right": "Node ixn1 is linked",
    "expired": "is not secure: its certificate has expired",
    "other authority": "is not secure: its certificate is not from an authority that is trusted",
    "other name": "Node ixn1 cannot be used: 3006 CN=somebody may not register as Proxy here",
    "none": "is not secure: it shows no certificate",
    "other role": "Node ixn1 cannot be used: 3006 CN=reports may not register as Proxy here",
}


@pytest.mark.parametrize(("kind", "outcome"), PROXY_OUTCOMES.items())
@pytest_twisted.ensureDeferred
async def test_a_proxy_is_let_in_by_its_certificate_or_the_log_says_why_not(
    real_reactor: Any, kind: str, outcome: str
) -> None:
    servers = Secured(real_reactor, NODE, credential(issued(kind, "proxy1")))
    with capturedLogs() as logged:
        await servers.start()
        await said(real_reactor, logged, outcome)
        assert servers.core.link(NODE_NAME).linked == (kind == "right")
        await servers.stop()


NODE_NAME: Any = "ixn1"
SERVER_OUTCOMES = {
    "right": "",
    "expired": "its certificate has expired",
    "other authority": "its certificate is not from an authority that is trusted here",
    "other name": "its certificate is for somebody.example, not for 127.0.0.1",
    "none": "it does not speak TLS",
    "other role": "its certificate is not meant for this end of a connection",
}


def served(kind: str, name: str) -> Any:
    """What a server shows: without a certificate it speaks no TLS, and its role is its usage."""
    if kind == "other role":
        usages = [ExtendedKeyUsageOID.CLIENT_AUTH]
        return credential(AUTHORITY.issue(name, (HERE,), usages=usages))
    found = issued(kind, name)
    return credential(found) if found else None


@pytest.mark.parametrize(("kind", "outcome"), SERVER_OUTCOMES.items())
@pytest_twisted.ensureDeferred
async def test_a_node_is_linked_by_its_certificate_or_the_proxys_log_says_why_not(
    real_reactor: Any, kind: str, outcome: str
) -> None:
    servers = Secured(real_reactor, served(kind, "ixn1"), PROXY)
    with capturedLogs() as logged:
        await servers.start_node()
        if kind == "none":
            # The proxy's file says TLS all the same.
            servers.node_dialling.use(NODE, frozenset())
        await servers.start_proxy()
        if outcome:
            await said(real_reactor, logged, f"ixn1 cannot be reached: {outcome}")
            assert not servers.core.link(NODE_NAME).linked
        else:
            await servers.linked()
        await servers.stop()


@pytest.mark.parametrize(("kind", "outcome"), SERVER_OUTCOMES.items())
@pytest_twisted.ensureDeferred
async def test_a_client_verifies_the_server_and_says_what_is_wrong(
    real_reactor: Any, kind: str, outcome: str
) -> None:
    servers = Secured(real_reactor, served(kind, "ixn1"), None)
    await servers.start_node()
    connecting = servers.client("ixn1", MAIL)
    if outcome:
        with pytest.raises(NodeUnavailable, match=outcome):
            await connecting
    else:
        await (await connecting).close()
    await servers.stop()


async def said(reactor: Any, logged: Any, words: str) -> None:
    """Returns when the log says it."""
    while not any(words in (formatEvent(event) or "") for event in logged):
        await deferLater(reactor, 0.005)

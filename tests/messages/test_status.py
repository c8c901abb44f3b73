"""The answer to how a server is."""

from __future__ import annotations

from ixproxy import messages as m
from ixproxy.wire.codec import decode, encode
from ixproxy.wire.prefix import read_frame


def test_what_is_not_known_is_left_out() -> None:
    status = m.EventServerStatus(name="ixn1", role="node", node_status=m.NodeStatus(dbid=101))
    raw = encode(status, reference=4)
    assert decode(read_frame(raw)) == status
    for absent in (b"CertificateExpires", b"Process", b"ProxyStatus", b"NextDue"):
        assert absent not in raw


def test_a_link_that_never_was_says_so_and_one_that_was_just_lost_does_not() -> None:
    never, just_now = m.LinkStatus(), m.LinkStatus(seconds=0.0)
    status = m.EventServerStatus(proxy_status=m.ProxyStatus(links=[never, just_now]))
    again = decode(read_frame(encode(status)))
    assert isinstance(again, m.EventServerStatus)
    assert again.proxy_status is not None
    assert [link.seconds for link in again.proxy_status.links] == [None, 0.0]

"""A node that must outlive whatever a test does to it."""

from __future__ import annotations

from collections.abc import Iterator

from ixproxy.messages import EventAck, RequestSubmit
from ixproxy.net.node_limits import NodeLimits
from ixproxy.node.model import NodeSettings
from ixproxy.testing.node_checks import mistakes, sizes
from tests.net.node_rig import NodeRig

SUBMIT = RequestSubmit(tenant_id=1, media_type="email", queue="In")


def surviving_node(
    limits: NodeLimits | None = None, settings: NodeSettings | None = None
) -> Iterator[NodeRig]:
    """A node that in the end serves, and has nothing left of anybody."""
    rig = NodeRig(limits, settings).start()
    yield rig
    assert isinstance(rig.client("MediaServer").ask(SUBMIT), EventAck)
    rig.network.lose("node")
    rig.run(200)
    assert {name: size for name, size in sizes(rig.server).items() if size} == {}
    assert mistakes(rig.place, rig.server) == []
    assert not rig.server.lost.called
    rig.stop()
    rig.place.discard()

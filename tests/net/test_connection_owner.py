"""Who owns connections is told all that happens on them."""

from __future__ import annotations

import pytest

from ixproxy.net.connection_owner import Owner
from ixproxy.net.listener import PeerListener
from ixproxy.net.node_listener import NodeListener
from ixproxy.net.upstream import Upstream


@pytest.mark.parametrize("owner", [PeerListener, NodeListener, Upstream])
def test_every_owner_can_be_told_everything(owner: type) -> None:
    wanted = {name for name in vars(Owner) if not name.startswith("_")}
    assert len(wanted) == 6
    assert all(callable(getattr(owner, name, None)) for name in wanted)

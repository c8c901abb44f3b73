from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.net.node_rig import NodeRig


@pytest.fixture
def rig() -> Iterator[NodeRig]:
    """A node that listens."""
    rig = NodeRig().start()
    yield rig
    rig.stop()
    rig.place.discard()

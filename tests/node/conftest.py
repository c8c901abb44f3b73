"""A node for every test of its rules."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from ixproxy.node.model import NodeSettings
from tests.node.tried import TriedNode


@pytest.fixture
def make_node() -> Iterator[Callable[..., TriedNode]]:
    """Makes nodes with other settings than the documented ones."""
    made: list[TriedNode] = []

    def make(**settings: Any) -> TriedNode:
        made.append(TriedNode(NodeSettings(**settings)))
        return made[-1]

    yield make
    for node in made:
        node.discard()


@pytest.fixture
def node(make_node: Callable[..., TriedNode]) -> TriedNode:
    """A node with the documented settings."""
    return make_node()

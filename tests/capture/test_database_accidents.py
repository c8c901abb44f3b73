"""What a database capture point does not expect costs it a round, and no session is left."""

from __future__ import annotations

from ixproxy.capture import database
from ixproxy.net.served_point import END_LIMIT


def test_an_end_takes_less_than_the_node_waits_for_it() -> None:
    assert database.END_SECONDS < END_LIMIT

from __future__ import annotations

import pytest

from ixproxy.testing.stage import Stage, delivered, handled


@pytest.mark.parametrize("proxies", [0, 2])
def test_a_stage_says_what_was_reported_and_who_heard_what_since(proxies: int) -> None:
    stage = Stage(proxies)
    first = handled(stage)
    assert stage.reported() == ["InteractionSubmitted", "TakenFromQueue", "PartyAdded"]
    stage.forget()
    assert stage.reported() == []
    identifier, answers = delivered(stage)
    assert answers == []
    assert stage.names("Ann") == ["Invite"]
    assert stage.ticket("Ann") > 0
    row = stage.row(identifier)
    assert row is not None
    assert row["state"] == 2
    assert stage.row("none") is None
    assert first != identifier
    stage.close()

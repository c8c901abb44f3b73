from __future__ import annotations

from ixproxy import messages as m
from ixproxy.errors import RequestRefused
from ixproxy.testing.simulation.history import History, described


def test_a_line_has_its_time_and_its_step() -> None:
    history = History()
    history.add(1.5, 17, "{} is dead", "node1")
    history.add(2.0, 0, "all is healed")
    assert history.lines() == [
        "   1.5000    #17  node1 is dead",
        "   2.0000         all is healed",
    ]


def test_a_message_is_told_by_what_is_not_as_usual() -> None:
    request = m.RequestStopProcessing(tenant_id=1, interaction_id="abc")
    assert described(request) == "RequestStopProcessing(interaction_id='abc')"


def test_long_attributes_are_cut_off() -> None:
    request = m.RequestSubmit(tenant_id=1, user_data={"text": "x" * 1000})
    assert len(described(request)) < 250


def test_a_refusal_says_whether_anything_was_done() -> None:
    assert described(RequestRefused(2003, "no")) == "refused with 2003, nothing done: no"
    assert described(RequestRefused(2002, "lost")) == "refused with 2002, in doubt: lost"

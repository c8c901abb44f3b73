"""What is kept for whom."""

from __future__ import annotations

from ixproxy.messages import EventHeld, RequestStartPlaceAgentStateReportingAll
from ixproxy.node.keeping import keep
from ixproxy.node.work import Report
from ixproxy.values import ClientType
from tests.node.tried import TriedNode


def test_an_event_goes_to_the_streams_of_its_tenant_and_to_the_logs_that_want_it() -> None:
    node = TriedNode()
    turn = node.turn()
    event = EventHeld(event_number=7, tenant_id=1)
    keep(turn, 1, event, ())
    assert (turn.tells, turn.spools.gathered) == ([], [])
    stat = node.client("stat", ClientType.REPORTING_ENGINE, tenants=(1,))
    node.ask(stat, RequestStartPlaceAgentStateReportingAll())
    keep(turn, 1, event, ("log",))
    keep(turn, 2, event, ("log", "mail"))
    assert turn.tells == [Report(event)]
    assert [(each.logs, each.number) for each in turn.spools.gathered] == [
        (("log",), 7),
        (("log", "mail"), 7),
    ]
    node.discard()

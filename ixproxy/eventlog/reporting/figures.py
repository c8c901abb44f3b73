"""All figures of a report, as plain values."""

from __future__ import annotations

from contextlib import closing

import msgspec

from ixproxy.eventlog.reporting.agents import AgentTimes, follow_agents
from ixproxy.eventlog.reporting.interactions import Interactions, follow
from ixproxy.eventlog.reporting.overtaking import Overtaking, overtakings
from ixproxy.eventlog.reporting.overview import Overview, look_over
from ixproxy.eventlog.reporting.period import Period, Wanted, period_of
from ixproxy.eventlog.reporting.scratch import Scratch
from ixproxy.eventlog.reporting.services import Services, follow_services
from ixproxy.eventlog.reporting.source import Log


class Figures(msgspec.Struct, frozen=True):
    """What a page shows, but for how it is called."""

    wanted: Wanted
    period: Period
    overview: Overview
    interactions: Interactions
    agents: AgentTimes
    services: Services
    overtaking: Overtaking

    @property
    def events(self) -> int:
        """How many events of the period there are."""
        return sum(map(int, self.overview.events.whole))

    @property
    def dropped(self) -> int:
        """How many events were dropped, that is: are missing from all figures."""
        return int(self.overview.dropped.whole[0])


def gather(log: Log, wanted: Wanted) -> Figures:
    """
    Read a log, each table once or twice, one row after another.

    :raise LogUnreadable: the log is damaged.
    """
    # A log in which nothing ever happened is shown as such.
    period = period_of(log, wanted) or Period(0, 0, 1)
    with closing(Scratch()) as scratch:
        return Figures(
            wanted=wanted,
            period=period,
            overview=look_over(log, wanted, period, scratch),
            interactions=follow(log, wanted, period, scratch),
            agents=follow_agents(log, wanted, period, scratch),
            services=follow_services(log, wanted, period, scratch),
            overtaking=overtakings(scratch),
        )

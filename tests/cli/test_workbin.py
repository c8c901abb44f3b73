"""`ixctl workbin`."""

from __future__ import annotations

from ixproxy.messages import (
    EventAgentWorkbinStats,
    EventWorkbinContent,
    EventWorkbinTypesInfo,
    RequestGetWorkbinContent,
    RequestWorkbinStatistic,
    RequestWorkbinTypesInfo,
    Workbin,
)
from tests.cli.worlds import CommandWorld

KIM = ("Drafts", "--of-agent", "kim")


def test_types(world: CommandWorld) -> None:
    world.reply(
        RequestWorkbinTypesInfo,
        EventWorkbinTypesInfo(workbin_types={"Drafts": {"Owner": "agent"}, "Ax": {}}),
    )
    assert world.ixctl("workbin", "types").stdout == "Ax\nDrafts  Owner=agent\n"


def test_content(world: CommandWorld) -> None:
    world.reply(RequestGetWorkbinContent, EventWorkbinContent(interactions={"id-1": {}}))
    ran = world.ixctl("workbin", "content", *KIM, "--json")
    assert ran.records[0]["interaction_id"] == "id-1"
    assert world.asked == [
        RequestGetWorkbinContent(
            tenant_id=1, workbin=Workbin(workbin_type_id="Drafts", workbin_agent_id="kim")
        )
    ]


def test_statistic(world: CommandWorld) -> None:
    world.reply(RequestWorkbinStatistic, EventAgentWorkbinStats(statistics={"total": 3}))
    assert world.ixctl("workbin", "statistic", *KIM).stdout == "total  3\n"


def test_content_in_an_order(world: CommandWorld) -> None:
    world.reply(RequestGetWorkbinContent, EventWorkbinContent())
    world.ixctl("workbin", "content", *KIM, "--order", "Priority DESC")
    (asked,) = world.asked
    assert isinstance(asked, RequestGetWorkbinContent)
    assert asked.order == "Priority DESC"


def test_all_workbins_of_an_owner_are_counted_together(world: CommandWorld) -> None:
    world.reply(RequestWorkbinStatistic, EventAgentWorkbinStats(statistics={"Total": 3}))
    world.ixctl("workbin", "statistic", "--of-agent", "kim")
    assert world.asked == [
        RequestWorkbinStatistic(tenant_id=1, workbin=Workbin(workbin_agent_id="kim"))
    ]


def test_only_the_content_is_watched_or_ordered(world: CommandWorld) -> None:
    assert world.ixctl("workbin", "statistic", *KIM, "--watch").code == 2
    assert world.ixctl("workbin", "types", "--order", "Priority").code == 2
    assert world.server.registered == []


def test_a_workbin_must_be_named(world: CommandWorld) -> None:
    assert world.ixctl("workbin", "content", "Drafts").code == 2
    assert world.server.registered == []

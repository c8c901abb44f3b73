"""The demo's deployment file."""

from __future__ import annotations

from pathlib import Path
from random import Random

import pytest

from ixproxy.cli.demo_deployment import NODES, PROXIES, Plan, plan, write
from ixproxy.cli.outcomes import UsageError
from ixproxy.config import load

QUEUES = ['Credit "card"', "Bank account, or service", "Ärger/Streit", "Escalations", "a.b = 1"]


@pytest.fixture
def planned(tmp_path: Path) -> Plan:
    return plan(tmp_path / "demo", ["Web", "Postal mail"], QUEUES, Random(1))


def test_it_is_a_good_one_whatever_queues_are_called(planned: Plan) -> None:
    write(planned)
    deployment = load(planned.file)
    tenant = deployment.tenants["Environment"]
    assert set(tenant.media_types) == {"Web", "Postal mail"}
    assert set(tenant.queues) == {*QUEUES, "Escalations*"}
    assert [each.name for each in deployment.nodes()] == list(NODES)
    assert [each.name for each in deployment.proxies()] == list(PROXIES)
    view = deployment.view_for("proxy1")
    assert [str(node.name) for node in view.nodes] == list(NODES)
    assert view.nodes[0].servers[0].endpoint == planned.endpoint("ixn1")
    assert deployment.node("ixn1").store == f"sqlite:{planned.store('ixn1')}"


def test_escalations_go_to_a_queue_of_their_own(planned: Plan) -> None:
    assert planned.escalations == "Escalations*"
    assert planned.escalations_view not in planned.views
    assert planned.views[0].endswith("/All")


def test_databases_of_an_earlier_run_are_not_used(planned: Plan) -> None:
    planned.directory.mkdir()
    planned.store("ixn2").write_text("")
    with pytest.raises(UsageError, match=r"\(ixn2\.db\)"):
        write(planned)


def test_a_place_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(UsageError, match="file"):
        write(plan(tmp_path / "file" / "below", ["a"], ["q"], Random(1)))

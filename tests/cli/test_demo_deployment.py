"""The demo's deployment file."""

from __future__ import annotations

from pathlib import Path
from random import Random

import pytest

from ixproxy.cli.demo_deployment import NODES, PROXIES, Plan, plan, write
from ixproxy.cli.demo_ways import FEEDS
from ixproxy.cli.outcomes import UsageError
from ixproxy.config import check, load

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


@pytest.mark.parametrize("feed", FEEDS)
def test_nodes_have_the_capture_points_of_the_ways(tmp_path: Path, feed: str) -> None:
    planned = plan(tmp_path / "demo", ["Web"], QUEUES, Random(1), ways=FEEDS[feed])
    write(planned)
    kinds = {"direct": [], "file": ["file"], "webservice": ["webservice"]}
    expected = kinds.get(feed, ["file", "webservice"])
    deployment = load(planned.file)
    for node in NODES:
        assert [point.chosen.use for point in deployment.node(node).capture] == expected
        there = [path.is_dir() for path in planned.folders(node).values()]
        assert there == ["file" in expected] * 4
    warnings = check(planned.file.read_text(), planned.directory).warnings
    assert not [each for each in warnings if "capture" in each.table]


def test_each_node_has_directories_and_a_port_of_its_own(tmp_path: Path) -> None:
    planned = plan(tmp_path / "demo", ["Web"], QUEUES, Random(1), ways=FEEDS["both"])
    write(planned)
    points = [load(planned.file).node(node).capture for node in NODES]
    assert len({files.chosen.settings["inbound-path"] for files, _ in points}) == 3
    assert len({str(calls.chosen.settings["listen"]) for _, calls in points}) == 3


def test_directories_with_files_of_an_earlier_run_are_not_used(tmp_path: Path) -> None:
    planned = plan(tmp_path / "demo", ["Web"], QUEUES, Random(1), ways=FEEDS["file"])
    old = planned.folders("ixn2")["processed"] / "1.xml"
    old.parent.mkdir(parents=True)
    old.touch()
    with pytest.raises(UsageError, match=r"ixn2/processed has files in it"):
        write(planned)
    assert not planned.file.exists()

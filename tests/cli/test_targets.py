"""Where to connect."""

from __future__ import annotations

from pathlib import Path
from random import Random

import pytest

from ixproxy.cli.outcomes import UsageError
from ixproxy.cli.targets import endpoints_of, tenant_of
from ixproxy.config import Deployment, load

FILE = Path(__file__).parent.parent.parent / "examples" / "three-nodes.toml"


@pytest.fixture(scope="module")
def deployment() -> Deployment:
    return load(FILE)


def test_a_node_gives_its_endpoint_then_its_backup_s(deployment: Deployment) -> None:
    found = endpoints_of(deployment, "ixn1", Random(1))
    assert found == ["tcp:127.0.0.1:7101", "tcp:127.0.0.1:7111"]


def test_a_cluster_of_proxies_gives_them_all_one_drawn_first(deployment: Deployment) -> None:
    both = ["tcp:127.0.0.1:7001", "tcp:127.0.0.1:7002"]
    drawn = {tuple(endpoints_of(deployment, "desktops", Random(seed))) for seed in range(20)}
    assert drawn == {tuple(both), tuple(reversed(both))}


def test_a_cluster_of_nodes_is_nothing_for_a_client(deployment: Deployment) -> None:
    with pytest.raises(UsageError, match="name a proxy in front of it, or one of ixn1, ixn2"):
        endpoints_of(deployment, "ixn-cluster", Random(1))


def test_an_unknown_application_is_told_which_there_are(deployment: Deployment) -> None:
    with pytest.raises(UsageError, match=r"no application 'ixn9' in the file; there are: ixn1"):
        endpoints_of(deployment, "ixn9", Random(1))


def test_a_tenant_has_an_id_and_a_name(deployment: Deployment) -> None:
    assert tenant_of("2", None, [1]) == 2
    assert tenant_of("Branch", deployment, [1]) == 2
    assert tenant_of("", None, [7]) == 7


@pytest.mark.parametrize(
    ("wanted", "served", "text"),
    [
        ("", [1, 2], "name the tenant with --tenant; the server serves: 1, 2"),
        ("", [], "the server serves: none"),
        ("Elsewhere", [1], "no tenant 'Elsewhere' in the file; there are: Environment, Branch"),
    ],
)
def test_it_must_be_clear_which_tenant(
    deployment: Deployment, wanted: str, served: list[int], text: str
) -> None:
    with pytest.raises(UsageError, match=text):
        tenant_of(wanted, deployment, served)


def test_a_tenant_s_name_needs_the_file() -> None:
    with pytest.raises(UsageError, match="needs --config"):
        tenant_of("Branch", None, [1])

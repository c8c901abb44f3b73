"""Where to connect."""

from __future__ import annotations

from pathlib import Path

import pytest

from ixproxy.cli.outcomes import UsageError
from ixproxy.cli.targets import tenant_of, view_of
from ixproxy.client.places import endpoints_of
from ixproxy.config import Deployment, load
from ixproxy.errors import ConfigError

FILE = Path(__file__).parent.parent.parent / "examples" / "three-nodes.toml"


@pytest.fixture(scope="module")
def deployment() -> Deployment:
    return load(FILE)


def test_a_command_connects_as_the_file_says(deployment: Deployment) -> None:
    view = view_of(deployment, "desktops")
    assert endpoints_of(view.place) == ["tcp:127.0.0.1:7001", "tcp:127.0.0.1:7002"]


def test_the_tenant_of_a_command_chooses_among_the_proxies() -> None:
    text = FILE.read_text()
    at = text.rindex('tenants = ["Environment", "Branch"]')
    only = load(text[:at] + text[at:].replace('["Environment", "Branch"]', '["Branch"]', 1))
    assert endpoints_of(view_of(only, "desktops", "Environment").place) == ["tcp:127.0.0.1:7001"]
    assert len(endpoints_of(view_of(only, "desktops", "2").place)) == 2
    with pytest.raises(UsageError, match="desktops: no proxy is for all of the tenants 3"):
        view_of(only, "desktops", "3")


def test_an_unknown_application_is_told_which_there_are(deployment: Deployment) -> None:
    with pytest.raises(ConfigError, match=r"no application 'ixn9' in the file; there are: ixn1"):
        view_of(deployment, "ixn9")


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

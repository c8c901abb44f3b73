"""Capture points beside the rest of the deployment, beyond the cases."""

from __future__ import annotations

import pytest

from tests.config_capture_cases import FILE
from tests.config_cases import GOOD
from tests.deployments import found
from tests.test_config_advice import said


def point(node: str = "ixn1") -> str:
    return f"\n[[applications.{node}.capture]]\n{FILE}\n"


def test_capture_points_of_two_nodes_may_have_one_name() -> None:
    text = GOOD + point().replace('"/in"', '"/a"') + point("ixn2")
    assert found(text) == []
    assert said(text) == []


def test_a_queue_of_the_other_tenant_is_not_its_own() -> None:
    text = GOOD + point() + 'queue = "Inbound"\n'
    assert found(text) == []
    (problem,) = found(text + 'tenant = "Branch"\n')
    assert "none of its tenants has a queue" in problem


def test_a_wrong_tenant_is_one_mistake_and_not_three() -> None:
    text = GOOD + point() + 'queue = "Inbound"\ntenant = "Nobody"\n'
    (problem,) = found(text)
    assert 'no tenant "Nobody"' in problem


@pytest.mark.parametrize(
    ("value", "problem"),
    [
        ("1", ""),
        ('"20"', ""),
        ("true", "TenantId is True"),
        ("2026-01-01", "not the date or time"),
        ("[1]", "not a list"),
    ],
)
def test_default_values_are_looked_at_as_a_submits(value: str, problem: str) -> None:
    text = GOOD + point().replace("MediaType", f"TenantId = {value}, MediaType")
    errors = found(text)
    assert bool(errors) == bool(problem)
    assert all(problem in error for error in errors)


@pytest.mark.parametrize(
    ("default", "named"),
    [
        ("InteractionState = 1", "InteractionState"),
        ("AssignedTo = 'amy'", "AssignedTo"),
        ("IsHeld = true", "IsHeld"),
        ("UserData = { SubmittedAt = '2026-01-01', Queue = 'a' }", "Queue and SubmittedAt"),
    ],
)
def test_a_default_that_no_submit_may_have_is_a_mistake_wherever_it_stands(
    default: str, named: str
) -> None:
    (problem,) = found(GOOD + point().replace("MediaType", f"{default}, MediaType"))
    assert f"only the server itself sets {named}, so every" in problem


@pytest.mark.parametrize(
    "default",
    ["IsOnline = 1", "Hold = true", "ExternalId = 'E'", "ParentId = 'P'", "state = 1"],
)
def test_a_default_that_a_media_server_may_submit_is_none(default: str) -> None:
    assert found(GOOD + point().replace("MediaType", f"{default}, MediaType")) == []


def test_where_the_node_leaves_it_out_it_is_only_of_no_use() -> None:
    setting = "allow-multiple-agent-connections = false\n"
    lenient = GOOD.replace(setting, f"{setting}ignore-read-only-on-submit = true\n", 1)
    text = lenient + point().replace("MediaType", 'SubmittedBy = "x", Priority = "y", MediaType')
    (problem,) = found(text)
    assert "] Priority: " in problem
    (advice,) = said(text.replace('Priority = "y", ', ""))
    assert "sets SubmittedBy: ignore-read-only-on-submit has it left out" in advice


def test_what_is_no_property_may_have_any_default() -> None:
    text = GOOD + point().replace("MediaType", 'Note = "", On = true, MediaType')
    assert found(text) == []


def web(node: str, listen: str) -> str:
    table = FILE.partition("inbound-path")[0].replace('"file"', '"webservice"')
    default = 'default-values = { MediaType = "email" }'
    return f"\n[[applications.{node}.capture]]\n{table}listen = {listen}\n{default}\n"


def test_web_services_of_two_hosts_may_have_one_port() -> None:
    assert found(GOOD + web("ixn1", '"tcp:8080"') + web("ixn2", '"tcp:8080"')) == []
    on_one = GOOD.replace("tcp:10.0.0.2:7102", "tcp:10.0.0.1:7102")
    (problem,) = found(on_one + web("ixn1", '"tcp:8080"') + web("ixn2", '"tcp:8080"'))
    assert '"mail" of "ixn1" listens on this address' in problem


def test_an_address_that_is_none_is_one_mistake() -> None:
    (problem,) = found(GOOD + web("ixn1", '"here"'))
    assert "expected an address such as" in problem
    (problem,) = found(GOOD + web("ixn1", '"tcp:274881"'))
    assert "] listen: 'tcp:274881': expected for port a number from 0 to 65535" in problem

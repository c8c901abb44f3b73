from __future__ import annotations

import pytest

from ixproxy.testing.steps import Script, ScriptClient
from ixproxy.values import ClientType


@pytest.mark.parametrize("kind", list(ClientType))
def test_only_reporting_engines_report(kind: ClientType) -> None:
    assert ScriptClient("c", kind).reports is (kind is ClientType.REPORTING_ENGINE)


def test_a_script_that_says_nothing_of_options_has_none() -> None:
    assert Script(1, (), ()).options == ()

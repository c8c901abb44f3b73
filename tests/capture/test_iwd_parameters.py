"""Parameters of iWD's stylesheets mean something, or are refused."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from ixproxy.capture import iwd_parameters
from ixproxy.capture.iwd_parameters import FIRST_QUEUE, FLAGS, WANTED, wrong_with

IWD = Path(iwd_parameters.__file__).with_name("iwd")


def declared(sheet: str) -> set[str]:
    return set(re.findall(r'(?m)^  <xsl:param name="(\w+)"', (IWD / sheet).read_text()))


def test_all_that_are_checked_are_there() -> None:
    assert declared("inbound.xsl") >= FIRST_QUEUE
    assert declared("inbound.xsl") | declared("outbound.xsl") >= {*FLAGS, WANTED}


@pytest.mark.parametrize("name", sorted(FLAGS))
def test_what_is_true_or_false_is_nothing_else(name: str) -> None:
    assert wrong_with(name, "true", inbound=True) == ""
    assert wrong_with(name, "false", inbound=False) == ""
    assert wrong_with(name, "yes", inbound=True) == "expected 'true' or 'false', not 'yes'"


@pytest.mark.parametrize("value", ["", " ", ",Done"])
def test_a_queue_to_move_to_must_be_there(value: str) -> None:
    expected = f"expected names of queues with commas between, not {value!r}"
    assert wrong_with("CompleteQueues", value, inbound=True) == expected
    assert wrong_with("CompleteQueues", value, inbound=False) == ""
    assert wrong_with("CompleteQueues", "Done, Archive", inbound=True) == ""


def test_what_is_wanted_is_something_that_is_told() -> None:
    assert wrong_with("wanted", "", inbound=False) == ""
    assert wrong_with("wanted", "stopped  error", inbound=False) == ""
    assert wrong_with("wanted", "stopped TaskError", inbound=False).endswith("not 'TaskError'")

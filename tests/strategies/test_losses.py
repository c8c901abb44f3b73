"""What becomes of nodes that are missing."""

from __future__ import annotations

import pytest

from ixproxy.errors import Code, ConfigError
from ixproxy.interfaces import Merged
from ixproxy.strategies.losses import OnLoss, lost_too_much, on_loss_of, stopped, union
from ixproxy.strategies.settings import Settings
from tests.strategies.fan_outs import ONE, A, B, C, fan_out


def test_only_stop_settles_before_all_have_spoken() -> None:
    gathered = fan_out(awaited="a", lost="b")
    assert [stopped(gathered, each) for each in OnLoss] == [False, False, True]
    assert not stopped(fan_out(awaited="a", absent="b"), OnLoss.STOP)


def test_a_loss_with_nothing_to_show_is_an_error_whatever_was_chosen() -> None:
    assert all(lost_too_much(fan_out(lost="a"), each) for each in OnLoss)
    assert not lost_too_much(fan_out({A: ONE}, lost="b"), OnLoss.CONTINUE)
    assert lost_too_much(fan_out({A: ONE}, lost="b"), OnLoss.REPORT)


def test_a_union_prefers_a_refusal_to_a_loss() -> None:
    gathered = fan_out({A: ONE}, refusals={C: 43, B: 3000}, lost="d")
    assert union(gathered, OnLoss.REPORT) == Merged(code=43, refused_by=C)


def test_a_union_is_in_name_order() -> None:
    assert union(fan_out({C: ONE, A: ONE, B: ONE}), OnLoss.REPORT) == Merged([A, B, C])


def test_a_union_over_nobody_is_partial() -> None:
    assert union(fan_out(absent="ab"), OnLoss.REPORT) == Merged([], partial=True)


def test_the_setting_is_one_of_three_words() -> None:
    assert on_loss_of(Settings({"on-loss": "stop"}), OnLoss.REPORT) is OnLoss.STOP
    keys = Settings({"on-loss": "ignore"})
    assert on_loss_of(keys, OnLoss.REPORT) is OnLoss.REPORT
    with pytest.raises(ConfigError, match="expected 'continue' or 'report' or 'stop'"):
        keys.finish()


def test_codes_are_those_of_the_guide() -> None:
    assert union(fan_out({A: ONE}, lost="b"), OnLoss.STOP) == Merged(code=Code.LOST_CONNECTION)

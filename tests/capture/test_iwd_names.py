from __future__ import annotations

import pytest

from ixproxy.capture.iwd_names import TASK_FIELDS, TASKS, Kind, Use
from ixproxy.node.intake_work import Verb

TO_BE_FOUND = ("cancel", "complete", "get", "hold", "restart", "resume", "update")


def test_every_verb_takes_a_task_by_either_id() -> None:
    expected = {f"{verb}TaskBy{by}" for verb in TO_BE_FOUND for by in ("TaskId", "CaptureId")}
    assert set(TASKS) == expected | {"createTask", "ping"}


@pytest.mark.parametrize("name", sorted(TASKS))
def test_arguments_have_different_names_and_the_first_says_whom(name: str) -> None:
    names = [argument.name.lower() for argument in TASKS[name].arguments]
    assert len(names) == len(set(names))
    if "By" in name:
        assert name.lower().endswith(names[0])


@pytest.mark.parametrize("name", sorted(TASKS))
def test_a_reason_counts_where_a_task_is_held_or_resumed_and_an_actor_never(name: str) -> None:
    counts = TASKS[name].verb in (Verb.HOLD, Verb.RESUME)
    for argument in TASKS[name].arguments:
        if argument.name == "reason":
            assert (argument.use is Use.REASON) == counts
        if argument.name in ("actor", "mediaType", "completeDateTime"):
            assert argument.use is Use.IGNORED


def test_what_can_be_set_can_be_seen() -> None:
    for argument in TASKS["createTask"].arguments:
        if argument.use is Use.PROPERTY:
            assert TASK_FIELDS[argument.name] == (argument.key, argument.kind)
            assert argument.kind is not Kind.MAP

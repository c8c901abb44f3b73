from __future__ import annotations

from collections import Counter

from ixproxy import messages as m
from ixproxy.testing.scripts import random_script
from ixproxy.testing.steps import (
    LABEL,
    Ask,
    Lose,
    PullAll,
    Renew,
    Script,
    Wait,
)
from ixproxy.wire.codec import encode

MANY = [random_script(seed) for seed in range(200)]


def labels(script: Script) -> list[dict[str, set[int]]]:
    """For each round, which clients touch each label."""
    rounds = []
    for actions in script.rounds:
        touched: dict[str, set[int]] = {}
        for action in actions:
            if isinstance(action, Ask):
                for label in action.labels:
                    touched.setdefault(label, set()).add(action.client)
        rounds.append(touched)
    return rounds


def test_a_seed_always_writes_the_same_script_and_another_seed_another() -> None:
    assert random_script(7) == random_script(7)
    assert random_script(7) != random_script(8)


def test_no_two_clients_touch_one_label_in_one_round_but_for_repeated_receipts() -> None:
    for script in MANY:
        for number, touched in enumerate(labels(script)):
            for label, clients in touched.items():
                repeated = [
                    action
                    for action in script.rounds[number]
                    if isinstance(action, Ask)
                    and action.labels == (label,)
                    and isinstance(action.request, m.RequestSubmit)
                    and action.request.submit_receipt
                ]
                assert len(clients) == 1 or repeated


def test_what_touches_many_interactions_stands_alone() -> None:
    for script in MANY:
        for actions in script.rounds:
            if any(isinstance(action, PullAll | Lose | Renew | Wait) for action in actions):
                assert len(actions) == 1
            for action in actions:
                if isinstance(action, Ask) and isinstance(
                    action.request,
                    m.RequestFindInteractions
                    | m.RequestGetWorkbinContent
                    | m.RequestWorkbinStatistic,
                ):
                    assert len(actions) == 1


def test_every_request_of_a_script_can_be_sent() -> None:
    for script in MANY:
        for actions in script.rounds:
            for action in actions:
                if isinstance(action, Ask):
                    assert encode(action.request)


def test_ids_are_named_by_labels_only() -> None:
    for script in MANY[:50]:
        for actions in script.rounds:
            for action in actions:
                if isinstance(action, Ask) and not isinstance(action.request, m.RequestSubmit):
                    named = getattr(action.request, "interaction_id", "")
                    assert named == "" or (named,) == tuple(LABEL + each for each in action.labels)


def test_scripts_know_all_the_requests_they_are_meant_for() -> None:
    seen = Counter(
        type(action.request)
        for script in MANY
        for actions in script.rounds
        for action in actions
        if isinstance(action, Ask)
    )
    for wanted in (
        m.RequestSubmit,
        m.RequestChangeProperties,
        m.RequestPlaceInQueue,
        m.RequestPlaceInWorkbin,
        m.RequestStopProcessing,
        m.RequestHold,
        m.RequestResume,
        m.RequestLeaveInteraction,
        m.RequestGetInteractionProperties,
        m.RequestSetInFocus,
        m.RequestPull,
        m.RequestFindInteractions,
        m.RequestGetWorkbinContent,
        m.RequestWorkbinTypesInfo,
        m.RequestWorkbinNotifications,
        m.RequestWorkbinCancelNotifications,
        m.RequestWorkbinStatistic,
        m.RequestAgentLogin,
        m.RequestAgentLogout,
        m.RequestAddMedia,
        m.RequestRemoveMedia,
        m.RequestNotReadyForMedia,
        m.RequestCancelNotReadyForMedia,
    ):
        assert seen[wanted] >= 10, wanted

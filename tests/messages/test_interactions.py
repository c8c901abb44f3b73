from __future__ import annotations

import pytest

from ixproxy.messages import (
    Message,
    RequestChangeProperties,
    RequestFindInteractions,
    RequestGetInteractionProperties,
    RequestGetSnapshotInteractions,
    RequestGetWorkbinContent,
    RequestHold,
    RequestLockInteraction,
    RequestMoveInteractions,
    RequestPlaceInQueue,
    RequestPlaceInWorkbin,
    RequestPull,
    RequestReleaseSnapshot,
    RequestResume,
    RequestSetInFocus,
    RequestStopProcessing,
    RequestSubmit,
    RequestTakeSnapshot,
    RequestWorkbinNotifications,
    RequestWorkbinTypesInfo,
    Workbin,
)
from tests.messages.attributes import lacking

CHANGES = "AddedProperties ChangedProperties DeletedProperties"


@pytest.mark.parametrize(
    ("message", "names"),
    [
        (
            RequestSubmit,
            "TenantId MediaType InteractionType InteractionSubtype Queue InteractionId IsOnline "
            "ReceivedAt UserData ParentInteractionId InQueues OutQueues Workbin Extension "
            "SubmitReceipt",
        ),
        (RequestPlaceInQueue, f"InteractionId Queue Reason Extension {CHANGES}"),
        (RequestPlaceInWorkbin, f"InteractionId Workbin Reason {CHANGES}"),
        (RequestChangeProperties, f"InteractionId Reason Extension {CHANGES}"),
        (RequestPull, "TenantId ViewId PullParameters NumberOfInteractions Extension"),
        (RequestStopProcessing, "InteractionId Reason Extension"),
        (RequestHold, "InteractionId Reason Extension"),
        (RequestResume, "InteractionId Reason"),
        (RequestGetInteractionProperties, "InteractionId"),
        (RequestFindInteractions, "TenantId MediaType Condition Order NumberOfInteractions"),
        (RequestGetWorkbinContent, "Workbin TenantId MediaType"),
        (RequestWorkbinTypesInfo, "TenantId"),
        (RequestWorkbinNotifications, "Workbin NotifyPropertyChanges Extension Reason"),
        (
            RequestTakeSnapshot,
            "Condition Order Lock CheckInteractionsState NumberOfInteractions",
        ),
        (RequestGetSnapshotInteractions, "SnapshotId StartFrom NumberOfInteractions"),
        (RequestLockInteraction, "InteractionId SnapshotId Reason"),
        (RequestMoveInteractions, "SnapshotId Queue Extension"),
        (RequestReleaseSnapshot, "SnapshotId"),
        (RequestSetInFocus, "InteractionId InFocus"),
    ],
    ids=lambda value: getattr(value, "__name__", ""),
)
def test_a_request_has_the_attributes_of_the_field(message: type[Message], names: str) -> None:
    assert lacking(message, names) == set()


def test_a_workbin_is_named_by_its_type_and_one_owner() -> None:
    assert Workbin.__struct_encode_fields__ == (
        "WorkbinTypeId",
        "WorkbinAgentId",
        "WorkbinGroupId",
        "WorkbinPlaceId",
        "WorkbinPlaceGroupId",
    )

from __future__ import annotations

import pytest

from tests.deployments import EVERYTHING, changed, found, warned

VIEW = "[tenants.Environment.queues.Inbound.views.Urgent]"
CONDITION = "\"[media_type] = 'email' AND product = 'Loan'\""
ORDER = '"priority DESC, received_at"'


@pytest.mark.parametrize(
    ("changes", "error"),
    [
        ({CONDITION: '"priority >"'}, f"line 15: {VIEW} condition: "),
        ({CONDITION: '"[media_typ] = 1"'}, f"line 15: {VIEW} condition: unknown property"),
        ({ORDER: '"receivd_at"'}, f"line 16: {VIEW} order: unknown property"),
        ({'segmentation = "product"': 'segmentation = "received_at"'}, f"line 17: {VIEW} segment"),
        (
            {'segmentation = "product"\n': ""},
            f"line 17: {VIEW} segment-limit: expected a segmentation",
        ),
        (
            {"product = { type": "priority = { type"},
            "[tenants.Environment.custom-properties] priori",
        ),
        (
            {"views.Urgent": 'views."a/b"'},
            'views] a/b: expected a name without "/": clients write queue',
        ),
        ({"queues.Inbound": "queues._system_"}, "expected another name"),
        ({"queues.Inbound": 'queues."workbin:x"'}, "expected another name"),
        ({"views.Urgent": f"views.{'v' * 250}"}, "for the names of queue and view together"),
    ],
)
def test_an_expression_or_name_that_cannot_be_used_is_reported(
    changes: dict[str, str], error: str
) -> None:
    errors = found(changed(EVERYTHING, changes))
    assert any(error in each for each in errors), errors


def test_a_spoilt_custom_property_does_not_spoil_the_others() -> None:
    added = 'product = { type = "string" }\npriority = { type = "number" }'
    errors = found(changed(EVERYTHING, {'product = { type = "string" }': added}))
    assert len(errors) == 1, errors


def test_a_custom_property_is_one_column_for_all_tenants() -> None:
    branch = '[tenants.Branch]\nid = 2\n[tenants.Branch.custom-properties]\nproduct.type = "{}"\n'
    assert found(EVERYTHING + branch.format("string")) == []
    errors = found(EVERYTHING + branch.format("number"))
    assert len(errors) == 1
    assert 'product] type: expected "string", as another tenant has it' in errors[0]


def test_a_tenant_may_use_the_custom_properties_of_another() -> None:
    branch = "[tenants.Branch]\nid = 2\n[tenants.Branch.queues.Q.views.V]\norder = 'product'\n"
    assert found(EVERYTHING + branch) == []


def test_what_no_index_helps_is_a_warning_with_its_place() -> None:
    warnings = warned(changed(EVERYTHING, {ORDER: '"_age() DESC"'}))
    assert [each for each in warnings if "views.Urgent] order: term 1 is a calculation" in each]
    assert not [each for each in warned(EVERYTHING) if "views.Urgent" in each]

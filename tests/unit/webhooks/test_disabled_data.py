"""What others learn of a webhook that is disabled."""

from __future__ import annotations

from domain.webhooks.subscription import Reach
from entrypoints.presenters.webhooks import webhook_data
from tests.contract.webhooks.examples import new_webhook


def test_what_an_operator_s_webhook_is_for_is_told_to_nobody() -> None:
    of_tenant = new_webhook(description="CRM")
    of_operator = new_webhook(description="CRM", reach=Reach(sees_all=True))

    assert webhook_data(of_tenant)["description"] == "CRM"
    assert webhook_data(of_tenant)["events"] == ["*"]
    assert webhook_data(of_operator)["description"] is None
    assert webhook_data(of_operator)["events"] == []
    for webhook in (of_tenant, of_operator):
        assert not {"url", "secret"} & webhook_data(webhook).keys()

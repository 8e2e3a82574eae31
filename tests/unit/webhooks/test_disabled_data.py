"""What others learn of a webhook that is disabled."""

from __future__ import annotations

from domain.webhooks.subscription import Reach
from entrypoints.presenters.webhooks import disabled_data
from tests.contract.webhooks.examples import new_webhook


def test_what_an_operator_s_webhook_is_for_is_told_to_nobody() -> None:
    of_tenant = new_webhook(description="CRM")
    of_operator = new_webhook(description="CRM", reach=Reach(sees_all=True))

    assert disabled_data(of_tenant)["description"] == "CRM"
    assert disabled_data(of_tenant)["events"] == ["*"]
    assert disabled_data(of_operator)["description"] is None
    assert disabled_data(of_operator)["events"] == []
    for webhook in (of_tenant, of_operator):
        assert not {"url", "secret"} & disabled_data(webhook).keys()

"""The OpenAPI document is whole: what schemathesis, in tests/fuzz, can't miss on its own."""

from __future__ import annotations

import json
import re
import sys
from typing import Any

import pytest
from litestar import Litestar
from litestar.routes import HTTPRoute

from domain.calls.call import CallStatus
from domain.rooms.sip_leg import Direction
from domain.sessions.session_status import SessionStatus
from entrypoints.http.requests.fields import WHITE_SPACE
from tests.application import application, settings_with


@pytest.fixture(scope="module")
def app() -> Litestar:
    return application()


@pytest.fixture(scope="module")
def document(app: Litestar) -> dict[str, Any]:
    read: dict[str, Any] = json.loads(json.dumps(app.openapi_schema.to_schema()))
    return read


def operations(document: dict[str, Any]) -> dict[str, dict[str, Any]]:
    """By their ids."""
    return {
        operation["operationId"]: operation
        for path in document["paths"].values()
        for operation in path.values()
    }


def parameters(operation: dict[str, Any]) -> dict[str, dict[str, Any]]:
    """The schema of each parameter."""
    return {one["name"]: one["schema"] for one in operation.get("parameters", ())}


def test_every_route_that_is_told_of_is_named_after_its_handler(
    app: Litestar, document: dict[str, Any]
) -> None:
    ids = {
        handler.handler_name.replace("_", "").lower()
        for route in app.routes
        if isinstance(route, HTTPRoute)
        for handler in route.route_handlers
        if handler.summary
    }

    assert {name.lower() for name in operations(document)} == ids


def test_every_operation_tells_of_a_wrong_method_and_of_no_defect(document: dict[str, Any]) -> None:
    for operation in operations(document).values():
        assert "Allow" in operation["responses"]["405"]["headers"]
        assert "500" not in operation["responses"]


def test_every_answer_has_the_requests_id(document: dict[str, Any]) -> None:
    for operation in operations(document).values():
        for answer in operation["responses"].values():
            assert answer["headers"]["X-Request-Id"]["required"]


def test_an_operation_with_a_body_tells_what_is_wrong_with_one(document: dict[str, Any]) -> None:
    with_body = {
        name for name, operation in operations(document).items() if "requestBody" in operation
    }

    assert with_body == {
        "startSession", "renewToken", "issueToken", "endSession", "livekitWebhook", "createAgent",
        "changeAgent", "createTrunk", "createDispatchRule", "addPhoneNumber", "changePhoneNumber",
        "createPublishableKey", "createTicket", "createWebhook", "changeWebhook", "postReport",
        "createApiKey", "simulateCall",
    }  # fmt: skip
    for name in with_body:
        assert {"400", "413", "415", "503"} <= set(operations(document)[name]["responses"])


def test_each_status_has_an_example_of_its_own(document: dict[str, Any]) -> None:
    for name, operation in operations(document).items():
        codes = [
            example["value"]["code"]
            for answer in operation["responses"].values()
            for content in answer.get("content", {}).values()
            for example in content.get("examples", {}).values()
            if "code" in example["value"]
        ]
        assert codes, name
        assert len(set(codes)) == len(codes), name


def test_every_link_leads_to_an_operation_with_such_parameters(document: dict[str, Any]) -> None:
    known = operations(document)
    links = [
        link
        for operation in known.values()
        for answer in operation["responses"].values()
        for link in answer.get("links", {}).values()
    ]

    assert {link["operationId"] for link in links} == {
        "startSession", "renewToken", "endSession", "listSessions", "sessionById",
        "sessionByRoom",
        "listCalls", "callById", "callByRoom", "listAgents", "agentById", "agentVersions",
        "changeAgent", "activateVersion", "deleteAgent", "deleteTrunk", "deleteDispatchRule",
        "listTrunks", "listDispatchRules",
        "listPhoneNumbers", "phoneNumberByNumber", "changePhoneNumber", "deletePhoneNumber",
        "listWebhooks", "webhookById", "changeWebhook", "rotateWebhookSecret", "deleteWebhook",
        "listDeliveries", "listRecordings", "sessionTranscript", "searchTranscripts",
        "callTranscript",
        "callUsage",
        "sessionUsage",
        "sessionEvents", "callEvents", "findDeliveries", "sessionParticipants", "callParticipants",
        "listInbox", "inboxEventById", "replayInboxEvent",
    }  # fmt: skip
    for link in links:
        assert set(link.get("parameters", {})) <= set(parameters(known[link["operationId"]]))


def test_a_webhook_is_told_whole(document: dict[str, Any]) -> None:
    webhook = operations(document)["livekitWebhook"]

    [(media_type, content)] = webhook["requestBody"]["content"].items()
    assert media_type == "application/webhook+json"
    assert content["schema"]["required"] == ["event"]
    [scheme] = webhook["security"]
    [name] = scheme
    assert document["components"]["securitySchemes"][name]["name"] == "Authorization"


@pytest.mark.parametrize(
    ("name", "parameter", "schema"),
    [
        ("listSessions", "status", {"type": "string", "enum": list(SessionStatus)}),
        ("listCalls", "status", {"type": "string", "enum": list(CallStatus)}),
        ("listCalls", "direction", {"type": "string", "enum": list(Direction)}),
        ("listCalls", "limit", {"type": "integer", "minimum": 1, "maximum": 200, "default": 50}),
        ("sessionById", "sessionId", {"type": "string", "format": "uuid"}),
        ("callById", "callId", {"type": "string", "format": "uuid"}),
    ],
)
def test_a_parameter_says_what_is_taken(
    document: dict[str, Any], name: str, parameter: str, schema: dict[str, Any]
) -> None:
    assert parameters(operations(document)[name])[parameter] == schema


@pytest.mark.parametrize("name", ["listSessions", "listCalls"])
@pytest.mark.parametrize("parameter", ["since", "until"])
def test_a_time_is_a_date_time(document: dict[str, Any], name: str, parameter: str) -> None:
    assert parameters(operations(document)[name])[parameter]["format"] == "date-time"


@pytest.mark.parametrize(
    ("answer", "field", "values"),
    [
        ("CallResponse", "status", list(CallStatus)),
        ("CallResponse", "direction", list(Direction)),
        ("SessionResponse", "status", list(SessionStatus)),
    ],
)
def test_an_answers_states_are_counted_up(
    document: dict[str, Any], answer: str, field: str, values: list[str]
) -> None:
    schemas = document["components"]["schemas"]
    reference = schemas[answer]["properties"][field]["$ref"]

    assert schemas[reference.rpartition("/")[2]]["enum"] == values


def test_white_space_is_what_strip_removes() -> None:
    space = re.compile(f"[{WHITE_SPACE}]")
    text = "".join(map(chr, range(sys.maxunicode + 1)))

    assert set(space.findall(text)) == {one for one in text if not one.strip()}


def test_given_a_maximum_then_the_document_says_it() -> None:
    app = application(settings=settings_with(MAX_TOKEN_TTL_SECONDS="86400"))

    schemas = app.openapi_schema.to_schema()["components"]["schemas"]

    for name in ("StartSessionRequest", "RenewTokenRequest"):
        [whole, _] = schemas[name]["properties"]["tokenTtlSeconds"]["oneOf"]
        assert (whole["minimum"], whole["maximum"]) == (10, 86400)


@pytest.mark.parametrize(
    ("charset", "taken", "refused"),
    [
        ("contract", ["user-42", " a\n"], ["a b", "ann@example.com", "agent-AJ_x", ""]),
        ("any", ["ann@example.com", " 田中 太郎 ", "👩‍🚀", "x"], ["a\nb", "agent-AJ_x", " ", ""]),
    ],
)
def test_given_a_charset_then_the_document_says_which_identities_are_taken(
    charset: str, taken: list[str], refused: list[str]
) -> None:
    app = application(settings=settings_with(IDENTITY_CHARSET=charset))

    schemas = app.openapi_schema.to_schema()["components"]["schemas"]

    said = schemas["StartSessionRequest"]["properties"]["userIdentity"]
    assert f"`IDENTITY_CHARSET={charset}`" in said["description"]
    assert [name for name in taken if not re.search(said["pattern"], name)] == []
    assert [name for name in refused if re.search(said["pattern"], name)] == []

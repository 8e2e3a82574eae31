"""What the OpenAPI document says of reports that workers post."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from litestar.openapi.spec import Example, OpenAPIMediaType, RequestBody, Schema
from litestar.openapi.spec.enums import OpenAPIType

from entrypoints.http.openapi.document import REFUSALS, errors
from entrypoints.http.openapi.operation import Operation
from entrypoints.http.reports.schemas import MAX_POSTED_BYTES

_ITEMS: Final = Schema(
    type=OpenAPIType.ARRAY,
    description="Items of a chat history; one with a known id replaces that one.",
    items=Schema(description="An item; one that is no object is left out."),
)
_REPORT: Final = Schema(
    type=OpenAPIType.OBJECT,
    description="`ctx.make_session_report().to_dict()`, or `items` of a session that goes on.",
    properties={
        "items": _ITEMS,
        "chat_history": Schema(description="An object with `items`; the report is final."),
        "usage": Schema(description="The usage of each model; the report is final."),
    },
)
_EXAMPLE: Final = {
    "items": [
        {
            "id": "item_5d0c1f",
            "type": "message",
            "role": "user",
            "content": ["When do you open?"],
            "created_at": 1795789012.5,
        }
    ]
}


@dataclass
class PostReportOperation(Operation):
    """Workers send what their version of livekit-agents makes; whatever is in it is kept."""

    def __post_init__(self) -> None:
        super().__post_init__()
        self.request_body = RequestBody(
            required=True,
            content={
                "application/json": OpenAPIMediaType(
                    schema=_REPORT,
                    examples={"items": Example(summary="An item", value=_EXAMPLE)},
                )
            },
        )


RESPONSES: Final = errors(
    REFUSALS
    | {
        400: "The body is no JSON object (`invalid_report`), or `items` is no list.",
        404: "There is no such session, or it is another tenant's.",
        413: f"The body is larger than {MAX_POSTED_BYTES} bytes, or has too many items.",
        415: "The body is not sent as JSON.",
        503: "The ledger is out of reach (`storage_unavailable`), or many reports of this session "
        "came at once (`report_contended`): try again.",
    },
    {
        400: ("invalid_report", "The body must be a JSON object.", {}),
        413: (
            "body_too_large",
            f"The body is larger than {MAX_POSTED_BYTES} bytes.",
            {"limitBytes": MAX_POSTED_BYTES},
        ),
    },
)

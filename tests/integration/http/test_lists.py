"""GET /telephony/calls and GET /sessions: filters, and pages that add up to the whole."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any, Final

import attrs
import httpx
import pytest

from tests.databases import PostgresServer, sqlite_in
from tests.integration.http.webhooks import Caller, eventually, send
from tests.service import running
from tests.simulator import running_simulator

ANN, BOB, DESK, SHOP = "+15105550100", "+15105550101", "+4315880100", "+4315880200"
IN: Final = {"sip.trunkID": "ST_1", "sip.ruleID": "SDR_1"}
OUT: Final = {"sip.trunkID": "ST_1"}
NOON: Final = datetime(2026, 1, 31, 12, tzinfo=UTC)

Answer = dict[str, Any]


@attrs.frozen
class Told:
    """A call that webhooks have told of, ``minutes`` after noon, and the status it has now."""

    room: str
    status: str
    minutes: int
    number: str = ANN
    trunk_number: str = DESK
    trunk: dict[str, str] = attrs.field(factory=lambda: IN)

    def events(self) -> list[bytes]:
        caller = Caller(
            room=self.room,
            room_sid=f"RM_{self.room}",
            number=self.number,
            trunk_number=self.trunk_number,
            joined_at=(NOON + timedelta(minutes=self.minutes)).timestamp(),
            trunk=self.trunk,
        )
        match self.status:
            case "ended":
                return [caller.left(status="active")]
            case "failed":
                return [caller.left(reason="USER_REJECTED")]
            case "created":
                return [caller.joined("dialing")]
        return [caller.joined(self.status)]


CALLS: Final = (
    Told("call-_+1_a", "active", 0),
    Told("call-_+1_b", "ended", 1),
    Told("call-_+1_b", "failed", 2, number=BOB),
    Told("call-_+1_c", "ringing", 3, trunk=OUT),
    Told("call-_+1_d", "created", 4, number=BOB, trunk_number=SHOP, trunk=OUT),
    Told("call-_+1_e", "ended", 5, trunk_number=SHOP),
    Told("call-_+1_f", "ended", 5, trunk_number=SHOP),  # at the same moment
    Told("call-_+1_g", "ended", 6, number=BOB),
)


@pytest.fixture(scope="module", params=["sqlite", "postgres"])
def ledger(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[httpx.Client]:
    """A client of a service that knows ``CALLS`` and the sessions of four people, twice each."""
    folder = tmp_path_factory.mktemp("lists")
    # Of its own: the reconciler would add other tests' callers.
    with running_simulator() as simulator:
        environ = {
            **simulator.environ,
            "DATABASE_URL": sqlite_in(folder),
            "TELEPHONY_ENABLED": "true",
            "RECONCILE_INTERVAL_SECONDS": "86400",
        }
        if request.param == "postgres":
            postgres: PostgresServer = request.getfixturevalue("postgres")
            environ["DATABASE_URL"] = postgres.new_database()
        with running(environ, folder) as service, httpx.Client(base_url=service.url) as client:
            # Its only cycle would end calls that LiveKit does not know.
            eventually(lambda: simulator.state()["requests"], lambda made: "ListRooms" in made)
            fill(client)
            yield client


def fill(client: httpx.Client) -> None:
    for told in CALLS:
        for body in told.events():
            assert send(client, body).status_code == 200
    for number in range(8):
        start = {"userIdentity": f"user-{number % 4}", "roomName": f"room-{number % 5}"}
        assert client.post("/session", json=start).status_code == 200
        if number < 5:
            client.post("/session/end", json={"roomName": start["roomName"]})
    eventually(
        lambda: sorted(call["status"] for call in every(client, "/telephony/calls")),
        lambda statuses: statuses == sorted(told.status for told in CALLS),
    )


def every(client: httpx.Client, path: str, **query: str) -> list[Answer]:
    """The list's items."""
    answer = client.get(path, params={"limit": "200", **query})
    assert answer.status_code == 200, answer.text
    [items] = (value for key, value in answer.json().items() if key != "nextCursor")
    assert answer.json()["nextCursor"] is None
    return list(items)


def rooms(calls: list[Answer]) -> list[str]:
    """The last letters of the calls' rooms."""
    return [call["roomName"][-1] for call in calls]


def test_calls_are_listed_newest_first(ledger: httpx.Client) -> None:
    calls = every(ledger, "/telephony/calls")

    assert [call["status"] for call in calls] == [
        "ended", "ended", "ended", "created", "ringing", "failed", "ended", "active",
    ]  # fmt: skip
    assert sorted(calls, key=lambda call: (call["createdAt"], call["callId"]))[::-1] == calls


def test_a_listed_call_is_what_it_is_by_its_id(ledger: httpx.Client) -> None:
    for call in every(ledger, "/telephony/calls"):
        assert ledger.get(f"/telephony/calls/{call['callId']}").json() == call


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("status=ended", "gfeb"),
        ("status=active", "a"),
        ("status=created", "d"),
        ("status=ringing", "c"),
        ("status=failed", "b"),
        ("direction=outbound", "dc"),
        ("direction=inbound", "gfebba"),
        ("roomName=call-_%2B1_b", "bb"),
        ("roomName=call", ""),
        ("from=%2B15105550101", "gb"),
        ("from=+15105550101", "gb"),  # in a query + is a space
        ("from=%2015105550101", "gb"),
        ("from=15105550101", ""),
        ("from=%2B4315880100", "c"),
        ("to=+4315880100", "gbba"),
        ("to=%2B4315880200", "fe"),
        ("to=+15105550101", "d"),
        ("since=2026-01-31T12:03:00Z", "gfedc"),
        ("since=2026-01-31T12:03:00.001Z", "gfed"),
        ("until=2026-01-31T12:03:00Z", "bba"),
        ("until=2026-01-31T12:03:00.001Z", "cbba"),
        ("since=2026-01-31T14:03:00%2B02:00", "gfedc"),
        ("since=2026-01-31T14:03:00+02:00", "gfedc"),
        ("since=2026-01-31T07:03:00-05:00", "gfedc"),
        ("since=2026-01-31T12:01:00Z&until=2026-01-31T12:04:00Z", "cbb"),
        ("since=2026-01-31T12:04:00Z&until=2026-01-31T12:01:00Z", ""),
        ("since=0001-01-01T00:00:00Z&until=9999-12-31T23:59:59Z", "gfedcbba"),
        ("status=ended&from=+15105550100", "feb"),
        ("status=ended&from=+15105550100&to=+4315880100", "b"),
        ("direction=outbound&from=+15105550100", ""),
        ("roomName=call-_%2B1_b&status=failed&since=2026-01-31T12:00:00Z", "b"),
        ("q=call-_%2B1_b", "bb"),
        ("q=call-", "gfedcbba"),
        ("q=Call-", ""),
        ("q=call%25", ""),
        ("q=call__%2B1", ""),
        ("q=all-", ""),
        ("q=%2B15105550101", "gdb"),
        ("q=+1510-555 0101", "gdb"),  # in a query + is a space
        ("q=(1510)5550101", "gdb"),
        ("q=0043 1588 02", "fed"),
        ("q=sip_%2B15105550101", "gdb"),
        ("q=+4315880200&status=ended&direction=inbound", "fe"),
        ("q=%FF", ""),
        ("q=%20", "gfedcbba"),
        ("status=&direction=&from=&to=&roomName=&q=&since=&until=&cursor=&limit=", "gfedcbba"),
        ("somethingElse=1", "gfedcbba"),
    ],
)
def test_only_the_calls_that_pass_every_filter_are_listed(
    ledger: httpx.Client, query: str, expected: str
) -> None:
    answer = ledger.get(f"/telephony/calls?{query}")

    assert answer.status_code == 200
    listed = answer.json()
    # Of those of one moment either may come first.
    assert "".join(rooms(listed["calls"])).replace("ef", "fe") == expected
    assert listed["nextCursor"] is None


@pytest.mark.parametrize("limit", [1, 2, 3, 7, 8, 9, 200])
@pytest.mark.parametrize(
    ("path", "items", "filters"),
    [
        ("/telephony/calls", "calls", {}),
        ("/telephony/calls", "calls", {"status": "ended"}),
        ("/telephony/calls", "calls", {"from": ANN, "direction": "inbound"}),
        ("/telephony/calls", "calls", {"q": "call-"}),
        ("/telephony/calls", "calls", {"q": ANN[:-1]}),
        ("/sessions", "sessions", {}),
        ("/sessions", "sessions", {"status": "ended"}),
        ("/sessions", "sessions", {"q": "user-"}),
    ],
    ids=str,
)
def test_the_pages_are_the_whole_list_in_its_order(
    ledger: httpx.Client, path: str, items: str, filters: dict[str, str], limit: int
) -> None:
    pages = list(each_page(ledger, path, **filters, limit=str(limit)))

    whole = every(ledger, path, **filters)
    assert len(whole) > 2
    assert [item for page in pages for item in page[items]] == whole
    assert all(len(page[items]) == limit for page in pages[:-1])
    assert 0 < len(pages[-1][items]) <= limit


def each_page(client: httpx.Client, path: str, **query: str) -> Iterator[Answer]:
    """The list's pages as a caller turns them."""
    cursor: str | None = ""
    while cursor is not None:
        answer = client.get(path, params={**query, "cursor": cursor})
        assert answer.status_code == 200, answer.text
        yield answer.json()
        cursor = answer.json()["nextCursor"]


def test_what_is_added_meanwhile_disturbs_no_page(ledger: httpx.Client, room: str) -> None:
    before = every(ledger, "/sessions")
    pages = each_page(ledger, "/sessions", limit="3")
    first = next(pages)["sessions"]

    ledger.post("/session", json={"userIdentity": "late", "roomName": room})

    rest = [session for page in pages for session in page["sessions"]]
    assert first + rest == before
    assert every(ledger, "/sessions")[0]["userIdentity"] == "late"


def test_sessions_are_listed_newest_first(ledger: httpx.Client) -> None:
    sessions = every(ledger, "/sessions")

    assert sorted(sessions, key=lambda one: (one["createdAt"], one["sessionId"]))[::-1] == sessions
    for session in sessions:
        assert ledger.get(f"/sessions/{session['sessionId']}").json() == session


def test_only_the_sessions_that_pass_every_filter_are_listed(ledger: httpx.Client) -> None:
    everything = every(ledger, "/sessions")
    some = next(one for one in everything if one["userIdentity"] == "user-3")
    room, at = some["roomName"], some["createdAt"]

    def listed(**query: str) -> list[Answer]:
        found = every(ledger, "/sessions", **query)
        assert 0 < len(found) < len(everything)
        return found

    def those(**fields: str) -> list[Answer]:
        return [one for one in everything if fields.items() <= one.items()]

    assert listed(userIdentity="user-1") == those(userIdentity="user-1")
    assert listed(userIdentity=f"sip_{ANN}") == those(userIdentity=f"sip_{ANN}")
    assert listed(roomName=room) == those(roomName=room)
    assert listed(status="ended") == those(status="ended")
    assert listed(status="ended", userIdentity="user-0") == those(
        status="ended", userIdentity="user-0"
    )
    assert listed(q="user-1") == those(userIdentity="user-1")
    assert listed(q=room, status="ended") == those(roomName=room, status="ended")
    for shown in (some["sessionId"], some["sessionId"].upper()):
        assert listed(q=shown) == [some]
    assert some in listed(q=some["sessionId"][:13])
    assert every(ledger, "/sessions", q=some["sessionId"][:7]) == []
    assert listed(since=at) == [one for one in everything if one["createdAt"] >= at]
    assert listed(until=at) == [one for one in everything if one["createdAt"] < at]
    assert every(ledger, "/sessions", userIdentity="nobody") == []
    assert every(ledger, "/sessions", roomName=room, since=at, until=at) == []


@pytest.mark.parametrize("path", ["/telephony/calls", "/sessions"])
@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("status", "nope"),
        ("status", "ACTIVE"),
        ("status", "\0"),
        ("limit", "0"),
        ("limit", "201"),
        ("limit", "-1"),
        ("limit", "1.5"),
        ("limit", "ten"),
        ("limit", "٣"),
        ("limit", "9" * 5000),
        ("since", "yesterday"),
        ("since", "1769860800"),
        ("since", "2026-01-31"),
        ("since", "2026-01-31T12:00:00"),
        ("until", "2026-02-30T12:00:00Z"),
        ("until", "0001-01-01T00:00:00+01:00"),
        ("roomName", "\0"),
        ("roomName", "r" * 513),
        ("q", "r\0"),
        ("q", "r" * 513),
    ],
    ids=lambda value: ascii(value[:30]),
)
def test_a_malformed_filter_is_400_and_named(
    ledger: httpx.Client, path: str, field: str, value: str
) -> None:
    refuses(ledger, path, field, value)


@pytest.mark.parametrize(
    ("path", "field", "value"),
    [
        ("/telephony/calls", "direction", "sideways"),
        ("/telephony/calls", "from", "+1510\0"),
        ("/telephony/calls", "to", "\0"),
        ("/sessions", "userIdentity", "a\0"),
    ],
)
def test_each_list_checks_its_own_filters(
    ledger: httpx.Client, path: str, field: str, value: str
) -> None:
    refuses(ledger, path, field, value)


def refuses(client: httpx.Client, path: str, field: str, value: str) -> None:
    """``value`` is refused, and the example that is given instead is taken."""
    answer = client.get(path, params={field: value})

    assert answer.status_code == 400
    error = answer.json()
    assert (error["code"], error["field"]) == ("validation_failed", field)
    assert error["error"].startswith(f"{field} must ")
    assert client.get(path, params={field: error["example"]}).status_code == 200


@pytest.mark.parametrize("path", ["/telephony/calls", "/sessions"])
@pytest.mark.parametrize(
    "cursor",
    [
        "nonsense",
        "ü",
        "\0",
        "MQ",
        # 9999999999999999.<an id>, which is beyond all time
        "OTk5OTk5OTk5OTk5OTk5LjAxODkwYTVkLWFjOTYtNzc0Yi1iY2NlLWIzMDIwOTlhODA1Nw",
        "x" * 5000,
    ],
    ids=lambda value: ascii(value[:30]),
)
def test_a_cursor_that_no_page_gave_is_400(ledger: httpx.Client, path: str, cursor: str) -> None:
    answer = ledger.get(path, params={"cursor": cursor})

    assert answer.status_code == 400
    assert (answer.json()["code"], answer.json()["field"]) == ("validation_failed", "cursor")
    assert "nextCursor" in answer.json()["error"]


def test_without_a_limit_a_page_has_fifty(http: httpx.Client) -> None:
    for number in range(51):
        body = {"userIdentity": "many", "roomName": f"many-{number}"}
        assert http.post("/session", json=body).status_code == 200

    page = http.get("/sessions", params={"userIdentity": "many"}).json()

    assert len(page["sessions"]) == 50
    assert page["nextCursor"]

"""The console's page and files: what a browser may do with them, and what is there without them."""

from __future__ import annotations

import gzip
import re
from pathlib import Path

import httpx
import pytest
from litestar import Litestar

from domain.access.access import Scope
from entrypoints.http.console import files
from tests.service import PROJECT

SCRIPT = b"export {};"
LIVEKIT = "wss://my-project.livekit.cloud/rtc"


@pytest.fixture
def built(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / "assets").mkdir()
    (tmp_path / "index.html").write_text("<!doctype html>")
    (tmp_path / "secret.js").write_text("outside of assets")
    (tmp_path / "assets" / "index-Ab_1-2.js").write_bytes(SCRIPT)
    (tmp_path / "assets" / "index-Ab_1-2.js.gz").write_bytes(gzip.compress(SCRIPT))
    monkeypatch.setattr(files, "BUILT", tmp_path)
    return tmp_path


def test_the_console_offers_every_scope_for_a_new_key() -> None:
    source = (PROJECT / "console" / "src" / "views" / "api_keys.tsx").read_text()
    [listed] = re.findall(r"const SCOPES = \[([^]]+)\]", source)

    assert re.findall(r'"([^"]+)"', listed) == list(Scope)


async def get(path: str, **headers: str) -> httpx.Response:
    app = Litestar([files.console_page(LIVEKIT), files.console_asset], openapi_config=None)
    transport = httpx.ASGITransport(app=app)  # type: ignore[arg-type]
    async with httpx.AsyncClient(transport=transport, base_url="http://here") as client:
        return await client.get(path, headers={"Accept-Encoding": "", **headers})


async def test_given_no_build_then_one_line_says_how_to_get_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(files, "BUILT", tmp_path)
    answer = await get("/console")
    assert (answer.status_code, answer.headers["content-type"].split(";")[0]) == (404, "text/plain")
    assert "make console" in answer.text
    assert answer.text.count("\n") == 1


async def test_the_page_loads_nothing_from_elsewhere_and_runs_nothing_inline(built: Path) -> None:
    answer = await get("/console")
    policy = dict(
        part.strip().split(" ", 1) for part in answer.headers["content-security-policy"].split(";")
    )
    assert answer.headers["content-type"].startswith("text/html")
    assert policy["default-src"] == "'none'"
    assert policy["script-src"] == policy["style-src"] == "'self'"
    livekit = "wss://my-project.livekit.cloud https://my-project.livekit.cloud"
    assert policy["connect-src"] == f"'self' {livekit}"
    assert policy["require-trusted-types-for"] == "'script'"
    assert policy["frame-ancestors"] == "'none'"
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert "microphone=(self)" in answer.headers["permissions-policy"]


@pytest.mark.parametrize(
    ("url", "sources"),
    [
        ("ws://127.0.0.1:7880", "ws://127.0.0.1:7880 http://127.0.0.1:7880"),
        ("http://livekit:7880/", "ws://livekit:7880 http://livekit:7880"),
        ("https://a.example", "wss://a.example https://a.example"),
    ],
)
def test_the_page_connects_to_the_livekit_that_clients_get(url: str, sources: str) -> None:
    assert f"connect-src 'self' {sources};" in files.policy(url)


async def test_the_page_is_asked_for_each_time_and_sent_when_it_has_changed(built: Path) -> None:
    first = await get("/console")
    tag = first.headers["etag"]
    again = await get("/console", **{"If-None-Match": tag})
    (built / "index.html").write_text("<!doctype html><title>new")
    changed = await get("/console", **{"If-None-Match": tag})

    assert first.headers["cache-control"] == "no-cache"
    assert (again.status_code, again.content) == (304, b"")
    assert changed.status_code == 200


@pytest.mark.parametrize(
    ("accepted", "coding"),
    [("", None), ("gzip, deflate, br", "gzip"), ("br", None), ("gzip;q=0", None), ("GZIP", "gzip")],
)
async def test_an_asset_is_kept_for_good_and_sent_compressed_to_who_takes_that(
    built: Path, accepted: str, coding: str | None
) -> None:
    answer = await get("/console/assets/index-Ab_1-2.js", **{"Accept-Encoding": accepted})

    assert (answer.status_code, answer.content) == (200, SCRIPT)
    assert answer.headers.get("content-encoding") == coding
    assert answer.headers["vary"] == "Accept-Encoding"
    assert answer.headers["content-type"].startswith("text/javascript")
    assert "immutable" in answer.headers["cache-control"]


@pytest.mark.parametrize(
    "name",
    ["missing.js", "..%2Fsecret.js", "../secret.js", "index.html", "%00.js", "a.js.gz"],
)
async def test_nothing_else_is_there(built: Path, name: str) -> None:
    assert (await get(f"/console/assets/{name}")).status_code == 404

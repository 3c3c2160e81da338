"""The API pages in a real browser: they draw, they obey their own policy, they ask nobody else."""

import asyncio
import copy
import itertools
import json
import os
import re
import shutil
import socket
import subprocess
import threading
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from html import escape
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import httpx
import pytest
import uvicorn
from tests.unit.adapters.http.world import World

from waardhaven.adapters.inbound.http.config import VENDORED
from waardhaven.application.indexes.queries import ViewIndex

BROWSERS = ("chromium", "chromium-browser", "google-chrome")
FLAGS = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    # The browser asks hosts of its own all the same: here it finds none.
    "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1",
    "--enable-logging=stderr",
    "--v=0",
    "--virtual-time-budget=10000",
    "--dump-dom",
)
DRIVE = """"use strict";
const first = (selector) => new Promise((done) => {
  const look = () => {
    const found = document.querySelector(selector);
    if (found) { done(found); } else { setTimeout(look, 20); }
  };
  look();
});
const press = async (selector) => (await first(selector)).click();
(async () => {
  await press(".auth-wrapper .authorize");
  const input = await first(".auth-container input");
  Object.getOwnPropertyDescriptor(HTMLInputElement.prototype, "value").set.call(input, "%(token)s");
  input.dispatchEvent(new Event("input", { bubbles: true }));
  await press(".auth-btn-wrapper .authorize");
  await press(".auth-btn-wrapper .btn-done");
  await press("#operations-Indices-index .opblock-summary-control");
  await press("#operations-Indices-index .try-out__btn");
  await press("#operations-Indices-index .execute");
  await first("#operations-Indices-index .live-responses-table .response-col_status");
  document.body.dataset.driven = "yes";
})();
"""
BROKEN = """<!doctype html><title>x</title><p id="page">drawn</p><script>1</script>
<img src="http://elsewhere.invalid/pixel.png">"""

Answer = tuple[dict[str, str], str]


@dataclass
class Served:
    """The application over fakes on a real socket, with a few pages of the test beside it."""

    world: World
    pages: dict[str, Answer] = field(default_factory=dict)
    url: str = ""

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        found = self.pages.get(scope.get("path", ""))
        if found is None:
            await self.world.app(scope, receive, send)
            return
        headers, text = found
        pairs = [(name.encode(), value.encode()) for name, value in headers.items()]
        await send({"type": "http.response.start", "status": 200, "headers": pairs})
        await send({"type": "http.response.body", "body": text.encode()})

    @property
    def document(self) -> dict[str, Any]:
        found: dict[str, Any] = httpx.get(f"{self.url}/openapi.json").json()
        return found


@pytest.fixture(scope="module")
def served() -> Iterator[Served]:
    served = Served(World(vendored=VENDORED))
    with socket.create_server(("127.0.0.1", 0)) as bound:
        served.url = f"http://127.0.0.1:{bound.getsockname()[1]}"
        config = uvicorn.Config(served, loop="none", http="httptools", ws="none", log_config=None)
        server = uvicorn.Server(config)
        thread = threading.Thread(target=lambda: asyncio.run(server.serve(sockets=[bound])), daemon=True)
        thread.start()
        deadline = time.monotonic() + 20
        while not server.started:
            assert time.monotonic() < deadline
            time.sleep(0.01)
        yield served
        server.should_exit = True
        thread.join(20)


@pytest.fixture(scope="session")
def browser() -> str:
    """Where Chromium is: a machine of a developer may lack it, the one that checks may not."""
    found = next(filter(None, map(shutil.which, BROWSERS)), None)
    if found is None and os.environ.get("CI"):
        pytest.fail("Chromium is missing: .ci/run installs it.")
    if found is None:
        pytest.skip("Chromium is not installed: the API pages were not looked at.")
    return found


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """What a browser made of a page: its document, its complaints, whom the page asked."""

    dom: str
    console: list[str]
    hosts: set[str]


def look(browser: str, url: str, folder: Path) -> Seen:
    netlog = folder / "netlog.json"
    command = [browser, *FLAGS, f"--user-data-dir={folder / 'profile'}", f"--log-net-log={netlog}", url]
    done = subprocess.run(command, capture_output=True, text=True, timeout=50, check=True, cwd=folder)
    console = [line for line in done.stderr.splitlines() if "CONSOLE" in line]
    return Seen(dom=done.stdout, console=console, hosts=asked_hosts(json.loads(netlog.read_text()), url))


def asked_hosts(netlog: Mapping[str, Any], url: str) -> set[str]:
    """Return the hosts that the page (not the browser for itself) sent requests to."""
    origin = "{0.scheme}://{0.netloc}".format(urlsplit(url))
    asked = [event["params"] for event in netlog["events"] if "initiator" in event.get("params", {})]
    return {urlsplit(one["url"]).netloc for one in asked if one["initiator"] == origin and "url" in one}


def operations(document: Mapping[str, Any]) -> list[dict[str, Any]]:
    return [operation for item in document["paths"].values() for operation in item.values()]


def grown(document: Mapping[str, Any], count: int) -> dict[str, Any]:
    """Return the document with its operations repeated under other addresses until it has ``count``."""
    found: dict[str, Any] = copy.deepcopy(dict(document))
    copied = itertools.cycle([*document["paths"].items()])
    for number in range(count - len(operations(document))):
        path, item = next(copied)
        operation = copy.deepcopy(next(iter(item.values())))
        operation["operationId"] += f"Copy{number}"
        operation["summary"] += f", copy {number}"
        found["paths"][f"/copies/{number}{path}"] = {"get": operation}
    return found


def own_host(served: Served) -> str:
    return urlsplit(served.url).netloc


def assert_drawn_by_swagger_ui(document: Mapping[str, Any], seen: Seen) -> None:
    """Every operation stands in the page once, under its group, in the order of the document."""
    wanted: dict[str, list[str]] = {tag["name"]: [] for tag in document["tags"]}
    for operation in operations(document):
        (tag,) = operation["tags"]
        wanted[tag].append(operation["operationId"])
        assert escape(operation["summary"], quote=False) in seen.dom
    rows = []
    for tag, names in wanted.items():
        group = tag.replace(" ", "_")
        rows += [f"operations-tag-{group}", *(f"operations-{group}-{name}" for name in names)]
    assert re.findall(r'id="(operations-[^"]+)"', seen.dom) == rows
    for tag in document["tags"]:
        assert escape(tag["description"], quote=False) in seen.dom


def test_swagger_ui_shows_every_operation_in_its_group(served: Served, browser: str, tmp_path: Path) -> None:
    seen = look(browser, f"{served.url}/docs", tmp_path)
    assert_drawn_by_swagger_ui(served.document, seen)
    assert 'class="btn authorize' in seen.dom
    assert seen.console == []
    assert seen.hosts == {own_host(served)}


def test_swagger_ui_keeps_every_operation_in_the_page_however_many_there_are(
    served: Served, browser: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """From 150 rows on, it would by itself keep only those in view, and search and print miss the others."""
    document = grown(served.document, 300)
    answer = ({"content-type": "application/json"}, json.dumps(document))
    monkeypatch.setitem(served.pages, "/openapi.json", answer)
    seen = look(browser, f"{served.url}/docs", tmp_path)
    assert len(operations(document)) == 300
    assert_drawn_by_swagger_ui(document, seen)
    assert seen.console == []


def test_redoc_shows_every_operation_in_its_group(served: Served, browser: str, tmp_path: Path) -> None:
    seen = look(browser, f"{served.url}/redoc", tmp_path)
    for operation in operations(served.document):
        (tag,) = operation["tags"]
        name = re.escape(f"tag/{tag.replace(' ', '-')}/operation/{operation['operationId']}")
        summary = re.escape(escape(operation["summary"], quote=False))
        badge = r"<span [^>]*>\s*Deprecated\s*</span>" if operation.get("deprecated") else ""
        assert re.search(rf'"#{name}"[^>]*></a>{summary}\s*{badge}</h2>', seen.dom), name
    assert seen.console == []
    assert seen.hosts == {own_host(served)}


def test_a_token_given_to_swagger_ui_is_sent_and_a_request_tried_out(
    served: Served, browser: str, tmp_path: Path
) -> None:
    page = httpx.get(f"{served.url}/docs")
    token = served.world.bearer()["Authorization"].partition(" ")[2]
    script = '<script src="/test/drive.js"></script></body>'
    policy = {"content-security-policy": page.headers["content-security-policy"]}
    html = {"content-type": "text/html; charset=utf-8"} | policy
    served.pages["/test/docs"] = (html, page.text.replace("</body>", script))
    served.pages["/test/drive.js"] = ({"content-type": "text/javascript"}, DRIVE % {"token": token})
    before = len(served.world.stub(ViewIndex).calls)
    seen = look(browser, f"{served.url}/test/docs", tmp_path)
    assert 'data-driven="yes"' in seen.dom
    assert served.world.stub(ViewIndex).calls[before:] == [{"slug": "autoindex"}]
    assert seen.console == []
    assert seen.hosts == {own_host(served)}


def test_the_browser_would_tell_a_broken_policy_and_a_foreign_host(
    served: Served, browser: str, tmp_path: Path
) -> None:
    """The other tests of this file are worth something."""
    policy = "default-src 'none'; script-src 'self'; img-src http:"
    served.pages["/test/broken"] = (
        {"content-type": "text/html", "content-security-policy": policy},
        BROKEN,
    )
    seen = look(browser, f"{served.url}/test/broken", tmp_path)
    assert "drawn" in seen.dom
    assert any("Content Security Policy" in line for line in seen.console)
    assert "elsewhere.invalid" in seen.hosts

"""Text that would be a script in a page stays text, wherever it is kept and shown again."""

import re
from html.parser import HTMLParser

import pytest
from tests.security.site import LOGIN, ME, REGISTER, STRONG, V1, Site
from tests.unit.adapters.http.expect import problem

PAYLOADS = (
    "<script>alert(1)</script>",
    '"><img src=x onerror=alert(1)>',
    "javascript:alert(1)",
    "{{7*7}}${7*7}<%= 7*7 %>",
    "</script><svg/onload=alert(1)>",
    '=HYPERLINK("http://evil.example")',
)


@pytest.mark.parametrize("payload", PAYLOADS)
async def test_a_key_name_comes_back_as_the_json_text_it_was(site: Site, payload: str) -> None:
    person = await site.person()
    body = {"name": payload, "scopes": ["indices:read"]}
    made = await site.client.post(f"{V1}/auth/api-keys", json=body, headers=person.bearer)
    assert made.json()["key"]["name"] == payload
    listed = await site.client.get(f"{V1}/auth/api-keys", headers=person.bearer | {"Accept": "text/html"})
    assert listed.json()["items"][0]["name"] == payload
    for answer in (made, listed):
        assert answer.headers["content-type"].startswith("application/json")
        assert answer.headers["x-content-type-options"] == "nosniff"
        assert answer.headers["content-security-policy"] == "default-src 'none'; frame-ancestors 'none'"


@pytest.mark.parametrize("payload", PAYLOADS)
async def test_a_device_comes_back_as_the_json_text_it_was(site: Site, payload: str) -> None:
    person = await site.person()
    body = {"email": person.email, "password": person.password}
    await site.client.post(LOGIN, json=body, headers={"User-Agent": payload})
    listed = await site.client.get(f"{V1}/auth/sessions", headers=person.bearer)
    assert payload in [one["device"] for one in listed.json()["items"]]
    assert listed.headers["content-type"].startswith("application/json")


async def test_a_device_is_short_and_printable(site: Site) -> None:
    person = await site.person()
    body = {"email": person.email, "password": person.password}
    agent = b"\x1b[31mred\x85\xad" + b"x" * 5_000
    await site.client.post(LOGIN, json=body, headers={b"User-Agent": agent})
    listed = await site.client.get(f"{V1}/auth/sessions", headers=person.bearer)
    device = listed.json()["items"][0]["device"]
    assert len(device) == 200
    assert device.startswith("[31mredx")


@pytest.mark.parametrize("payload", PAYLOADS)
async def test_a_username_or_address_that_is_markup_is_refused_in_plain_words(
    site: Site, payload: str
) -> None:
    person = await site.person()
    for body in (
        {"username": payload[:32]},
        {"email": f"{payload}@example.org", "password": person.password},
    ):
        answer = await site.client.put(ME, json=body, headers=person.bearer)
        if answer.status_code != 200:
            assert payload not in problem(answer, 422)["detail"]
        assert answer.headers["content-type"].startswith("application/")
    answer = await site.client.post(REGISTER, json={"email": payload, "password": STRONG})
    assert payload not in problem(answer, 422)["detail"]


async def test_an_address_that_is_not_there_is_not_repeated_in_the_answer(site: Site) -> None:
    for path in ("/<script>alert(1)</script>", f"{V1}/indices/<svg onload=alert(1)>"):
        answer = await site.client.get(path, headers=(await site.person()).bearer)
        assert answer.status_code in {404, 422}
        assert answer.headers["content-type"] == "application/problem+json"
        assert "<s" not in answer.text


class Scripts(HTMLParser):
    """Collects what a page would run."""

    def __init__(self) -> None:
        super().__init__()
        self.inline: list[str] = []
        self.sources: list[str] = []
        self.handlers: list[str] = []
        self._within = False

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.handlers += [name for name, _ in attrs if name.startswith("on")]
        self._within = tag == "script"
        self.sources += [str(value) for name, value in attrs if tag == "script" and name == "src"]

    def handle_data(self, data: str) -> None:
        if self._within and data.strip():
            self.inline.append(data)

    def handle_endtag(self, tag: str) -> None:
        self._within = False


@pytest.mark.parametrize("path", ["/docs", "/redoc"])
async def test_the_pages_run_our_own_files_alone(site: Site, path: str) -> None:
    pages = [await site.client.get(path) for _ in range(2)]
    nonces = set()
    for page in pages:
        found = Scripts()
        found.feed(page.text)
        assert found.inline == found.handlers == []
        assert found.sources
        assert all(source.startswith("/docs/assets/") for source in found.sources)
        policy = page.headers["content-security-policy"]
        scripts = next(part for part in policy.split(";") if "script-src" in part)
        assert scripts.split() == ["script-src", "'self'"]
        nonces.add(re.findall(r"nonce-([\w-]+)", policy)[0])
    assert len(nonces) == 2


@pytest.mark.parametrize("query", ["url=https://evil.example/x.json", "configUrl=//evil.example", "spec={}"])
async def test_a_page_is_the_same_whatever_its_query_says(site: Site, query: str) -> None:
    plain = await site.client.get("/docs")
    other = await site.client.get(f"/docs?{query}")
    hidden = re.compile(r'nonce="[^"]*"')
    assert hidden.sub("", other.text) == hidden.sub("", plain.text)

"""Accounts over HTTP: what browsers and programs send and get."""

import re
from datetime import timedelta
from uuid import uuid4

import pytest
from httpx import AsyncClient, Response
from tests.unit.adapters.http.expect import fields, problem
from tests.unit.adapters.http.world import World

from waardhaven.domain.identity.roles import OPERATOR, Credential, Permission, Principal, Role

AUTH = "/api/v1/auth"
REGISTER, LOGIN, ME, REFRESH, LOGOUT = (
    f"{AUTH}/{name}" for name in ("register", "login", "me", "refresh", "logout")
)
PASSWORD, OTHER = "correct horse", "battery staple"
ADA = {"email": "Ada@Example.org", "password": PASSWORD}
ORIGIN = {"Origin": "http://here"}


async def log_in(client: AsyncClient, **changes: object) -> Response:
    return await client.post(LOGIN, json={"email": "ada", "password": PASSWORD} | changes)


def bearer(answer: Response) -> dict[str, str]:
    return {"Authorization": f"Bearer {answer.json()['access_token']}"}


@pytest.fixture
async def ada(client: AsyncClient) -> dict[str, str]:
    """The header of somebody with an account and a session."""
    assert (await client.post(REGISTER, json=ADA)).status_code == 202
    return bearer(await log_in(client))


async def test_a_person_registers_logs_in_and_sees_the_account(client: AsyncClient) -> None:
    registered = await client.post(REGISTER, json=ADA)
    assert registered.status_code == 202
    assert registered.headers["cache-control"] == "no-store"
    assert "token" not in registered.text
    logged_in = await log_in(client)
    assert logged_in.status_code == 200
    token = logged_in.json()
    assert token["token_type"] == "bearer"
    assert token["expires_in"] == timedelta(minutes=15).total_seconds()
    assert token["refresh_expires_in"] == timedelta(days=30).total_seconds()
    mine = await client.get(ME, headers=bearer(logged_in))
    assert (mine.json()["email"], mine.json()["permissions"]) == ("ada@example.org", ["indices:read"])
    assert "hash" not in mine.text


async def test_an_address_that_is_taken_is_answered_like_a_free_one(client: AsyncClient) -> None:
    free = await client.post(REGISTER, json=ADA)
    taken = await client.post(REGISTER, json=ADA | {"email": "ADA@example.ORG"})
    assert (free.status_code, free.content) == (taken.status_code, taken.content)


async def test_wrong_password_and_unknown_login_are_told_alike(client: AsyncClient) -> None:
    await client.post(REGISTER, json=ADA)
    wrong = problem(await log_in(client, password="wrong horse"), 401)
    unknown = problem(await log_in(client, email="no@example.org"), 401)
    own = {"instance": "", "correlation_id": ""}
    assert wrong | own == unknown | own


async def test_a_weak_registration_names_each_bad_field(client: AsyncClient) -> None:
    body = {"email": "x", "password": "password123", "username": "!"}
    assert fields(problem(await client.post(REGISTER, json=body), 422)) == {"email", "password", "username"}


async def test_a_token_of_a_vanished_account_is_refused(world: World, client: AsyncClient) -> None:
    problem(await client.get(ME, headers=world.bearer()), 401, "account_closed")


async def test_programs_refresh_by_body_and_reuse_ends_the_session(client: AsyncClient, ada: object) -> None:
    first = (await log_in(client)).json()["refresh_token"]
    second = await client.post(REFRESH, json={"refresh_token": first})
    assert second.status_code == 200
    assert not second.cookies
    problem(await client.post(REFRESH, json={"refresh_token": first}), 401, "invalid_refresh_token")
    again = {"refresh_token": second.json()["refresh_token"]}
    problem(await client.post(REFRESH, json=again), 401, "invalid_refresh_token")
    problem(await client.post(REFRESH, json={}), 401, "invalid_refresh_token")


async def test_browsers_refresh_by_a_cookie_no_script_can_read(client: AsyncClient, ada: object) -> None:
    answer = await log_in(client, cookie=True)
    assert answer.json()["refresh_token"] is None
    sent = answer.headers.get_list("set-cookie")
    refresh = next(one for one in sent if one.startswith("waardhaven_refresh="))
    assert "HttpOnly" in refresh
    assert "SameSite=strict" in refresh
    assert "Path=/api/v1/auth" in refresh
    token = client.cookies["waardhaven_csrf"]
    again = await client.post(REFRESH, json={}, headers=ORIGIN | {"X-CSRF-Token": token})
    assert again.status_code == 200
    assert again.json()["refresh_token"] is None
    problem(await client.post(REFRESH, json={}, headers=ORIGIN), 403, "csrf_refused")
    token = client.cookies["waardhaven_csrf"]
    left = await client.post(LOGOUT, json={}, headers=ORIGIN | {"X-CSRF-Token": token})
    assert left.status_code == 204
    assert not client.cookies
    assert not left.content


async def test_logout_needs_nothing_and_ends_what_is_shown(
    world: World, client: AsyncClient, ada: dict[str, str]
) -> None:
    assert (await client.post(LOGOUT, json={})).status_code == 204
    assert (await client.post(LOGOUT, json={}, headers=ada)).status_code == 204
    assert all(one.ended_at for one in world.uow.sessions.rows.values())


async def test_password_is_forgotten_and_set_anew_by_mail(
    world: World, client: AsyncClient, ada: object
) -> None:
    known = await client.post(f"{AUTH}/forgot-password", json={"email": "ada@example.org"})
    unknown = await client.post(f"{AUTH}/forgot-password", json={"email": "no@example.org"})
    assert (
        (known.status_code, known.content) == (unknown.status_code, unknown.content) == (202, known.content)
    )
    mails = [one for _, one, _ in world.sealing.kept.values() if b"new password" in one]
    found = re.search(rb"Token: (\S+)", mails[0])
    assert found
    token = found[1].decode()
    assert token not in known.text
    body = {"token": token, "password": OTHER}
    problem(await client.post(f"{AUTH}/reset-password", json=body | {"password": "1"}), 422)
    assert (await client.post(f"{AUTH}/reset-password", json=body)).status_code == 204
    problem(await client.post(f"{AUTH}/reset-password", json=body), 401, "invalid_one_time_token")
    assert (await log_in(client, password=OTHER)).status_code == 200


async def test_address_is_proved_before_the_first_login() -> None:
    world = World(proves=True)
    async with world.client() as client:
        await client.post(REGISTER, json=ADA)
        problem(await log_in(client), 401, "invalid_credentials")
        mail = [one for _, one, _ in world.sealing.kept.values()][-1]
        found = re.search(rb"Token: (\S+)", mail)
        assert found
        body = {"token": found[1].decode()}
        assert (await client.post(f"{AUTH}/verify-email", json=body)).json()["is_verified"]
        problem(await client.post(f"{AUTH}/verify-email", json=body), 401, "invalid_one_time_token")
        problem(await client.post(f"{AUTH}/verify-email", json={"token": "short"}), 422)
        assert (await log_in(client)).status_code == 200


async def test_account_changes_and_closes_with_its_password(client: AsyncClient, ada: dict[str, str]) -> None:
    assert (await client.put(ME, json={"username": "countess"}, headers=ada)).json()["username"] == "countess"
    problem(
        await client.put(ME, json={"email": "a@b.org", "password": "no"}, headers=ada), 422, "wrong_password"
    )
    problem(await client.put(ME, json={"role": "admin"}, headers=ada), 422)
    body = {"password": PASSWORD, "new_password": OTHER}
    assert (await client.post(f"{AUTH}/change-password", json=body, headers=ada)).status_code == 204
    problem(await client.request("DELETE", ME, json={"password": PASSWORD}, headers=ada), 422)
    closed = await client.request("DELETE", ME, json={"password": OTHER}, headers=ada)
    assert closed.status_code == 204
    problem(await client.get(ME, headers=ada), 401, "account_closed")


async def test_guessing_the_present_password_gets_slower(client: AsyncClient, ada: dict[str, str]) -> None:
    body = {"password": "wrong horse", "new_password": OTHER}
    answers = [await client.post(f"{AUTH}/change-password", json=body, headers=ada) for _ in range(12)]
    assert {one.status_code for one in answers} == {422, 429}


async def test_sessions_are_listed_and_ended(client: AsyncClient, ada: dict[str, str]) -> None:
    other = (await log_in(client)).json()["session"]
    await log_in(client)
    listed = (await client.get(f"{AUTH}/sessions", headers=ada)).json()["items"]
    assert len(listed) == 3
    assert (await client.delete(f"{AUTH}/sessions/{other}", headers=ada)).status_code == 204
    problem(await client.delete(f"{AUTH}/sessions/{other}", headers=ada), 404, "unknown_session")
    assert (await client.delete(f"{AUTH}/sessions", headers=ada)).status_code == 204
    assert len((await client.get(f"{AUTH}/sessions", headers=ada)).json()["items"]) == 1


async def test_api_keys_are_made_listed_and_revoked(client: AsyncClient, ada: dict[str, str]) -> None:
    body = {"name": "nightly", "scopes": ["indices:read"], "expires_at": "2030-01-01T00:00:00Z"}
    made = (await client.post(f"{AUTH}/api-keys", json=body, headers=ada)).json()
    assert made["secret"].startswith(f"whk_{made['key']['prefix']}_")
    listed = await client.get(f"{AUTH}/api-keys", headers=ada)
    assert listed.json()["items"] == [made["key"]]
    assert made["secret"] not in listed.text
    for bad in (
        {"scopes": ["users:manage"]},
        {"scopes": []},
        {"expires_at": "2030-01-01T00:00:00"},
        {"name": ""},
    ):
        problem(await client.post(f"{AUTH}/api-keys", json=body | bad, headers=ada), 422)
    address = f"{AUTH}/api-keys/{made['key']['id']}"
    assert (await client.delete(address, headers=ada)).status_code == 204
    problem(await client.delete(address, headers=ada), 404, "unknown_api_key")


async def test_machines_can_not_touch_accounts(world: World, client: AsyncClient) -> None:
    key = Principal(
        user=uuid4(), role=Role.ADMIN, credential=Credential.API_KEY, scopes=frozenset(Permission)
    )
    for by in (key, OPERATOR):
        headers = world.credential(by)
        for path in ("me", "sessions", "api-keys"):
            problem(await client.get(f"{AUTH}/{path}", headers=headers), 403)


async def test_administrators_look_at_accounts_and_change_them(
    world: World, client: AsyncClient, ada: object
) -> None:
    admin = world.bearer(Role.ADMIN)
    page = (await client.get("/api/v1/admin/users?search=ada", headers=admin)).json()
    (shown,) = page["items"]
    address = f"/api/v1/admin/users/{shown['id']}"
    assert (await client.get(address, headers=admin)).json() == shown
    changed = await client.put(address, json={"role": "analyst", "is_active": False}, headers=admin)
    assert (changed.json()["role"], changed.json()["is_active"]) == ("analyst", False)
    problem(await client.get(f"/api/v1/admin/users/{uuid4()}", headers=admin), 404, "unknown_user")
    problem(await client.put(address, json={"email": "x@y.org"}, headers=admin), 422)
    for role in (Role.VIEWER, Role.ANALYST):
        problem(await client.get("/api/v1/admin/users", headers=world.bearer(role)), 403)


# --- identities elsewhere


async def google_body(world: World, client: AsyncClient, **more: object) -> dict[str, object]:
    nonce = (await client.post(f"{AUTH}/nonce")).json()["nonce"]
    return {"id_token": world.google.issue(nonce), "nonce": nonce, **more}


async def test_google_token_opens_a_session_once(world: World, client: AsyncClient) -> None:
    assert (await client.get(f"{AUTH}/providers")).json() == {"items": ["google", "github"]}
    body = await google_body(world, client)
    answer = await client.post(f"{AUTH}/google", json=body)
    assert answer.status_code == 200
    assert answer.json()["user"]["email"] == "ada@example.org"
    problem(await client.post(f"{AUTH}/google", json=body), 401, "proof_spent")


async def test_posted_address_proves_nothing(world: World, client: AsyncClient) -> None:
    problem(await client.post(f"{AUTH}/google", json={"email": "ada@example.org", "google_id": "1"}), 422)
    foreign = {"id_token": world.google.issue("chosen by the attacker"), "nonce": "chosen"}
    problem(await client.post(f"{AUTH}/google", json=foreign), 401, "broken_seal")
    late = await google_body(world, client)
    world.clock.advance(timedelta(minutes=10))
    problem(await client.post(f"{AUTH}/google", json=late), 401)


async def test_account_with_a_password_is_linked_by_its_owner_alone(
    world: World, client: AsyncClient, ada: dict[str, str]
) -> None:
    owner = next(iter(world.uow.users.rows.values()))
    body = await google_body(world, client)
    problem(await client.post(f"{AUTH}/google", json=body), 409, "link_required")
    problem(await client.post(f"{AUTH}/google/link", json=body), 401)
    problem(await client.post(f"{AUTH}/google/link", json=body, headers=ada), 422, "wrong_password")
    linked = await client.post(f"{AUTH}/google/link", json=body | {"password": PASSWORD}, headers=ada)
    assert linked.status_code == 204
    signed_in = await client.post(f"{AUTH}/google", json=await google_body(world, client))
    assert signed_in.json()["user"]["id"] == str(owner.id)


async def test_browser_goes_to_the_provider_and_comes_back_signed_in(
    world: World, client: AsyncClient
) -> None:
    away = await client.get(f"{AUTH}/github/start?return_to=/dash")
    assert away.status_code == 303
    address = away.headers["location"]
    state = re.search(r"state=([^&]+)", address)
    assert state
    code = world.github.approve(address)
    back = f"{AUTH}/github/callback?code={code}&state={state[1]}"
    problem(await client.get(f"{AUTH}/github/callback?code={code}&state=forged"), 401, "invalid_proof")
    home = await client.get(back)
    assert (home.status_code, home.headers["location"]) == (303, "/dash")
    assert client.cookies["waardhaven_refresh"]
    problem(await client.get(back), 401, "invalid_proof")


async def test_browser_links_an_identity_without_id_tokens_with_password_and_proof(
    world: World, client: AsyncClient, ada: dict[str, str]
) -> None:
    owner = next(iter(world.uow.users.rows.values()))
    start = f"{AUTH}/github/link/start"
    problem(await client.post(start, json={}), 401)
    problem(await client.post(start, json={"password": OTHER}, headers=ada), 422, "wrong_password")
    problem(await client.post(start, json={"return_to": "//evil.org"}, headers=ada), 422)
    begun = await client.post(start, json={"password": PASSWORD, "return_to": "/me"}, headers=ada)
    address = begun.json()["location"]
    state = re.search(r"state=([^&]+)", address)
    assert state
    back = f"{AUTH}/github/callback?code={world.github.approve(address)}&state={state[1]}"
    home = await client.get(back)
    assert (home.status_code, home.headers["location"]) == (303, "/me")
    assert world.uow.links.rows == {("github", world.github.subject): owner.id}


async def test_other_browser_can_not_come_back_and_a_refusal_is_told(
    world: World, client: AsyncClient
) -> None:
    away = await client.get(f"{AUTH}/github/start")
    state = re.search(r"state=([^&]+)", away.headers["location"])
    assert state
    refused = await client.get(f"{AUTH}/github/callback?error=access_denied&state={state[1]}")
    problem(refused, 401, "invalid_proof")
    client.cookies.clear()
    code = world.github.approve(away.headers["location"])
    problem(await client.get(f"{AUTH}/github/callback?code={code}&state={state[1]}"), 401, "invalid_proof")
    problem(await client.get(f"{AUTH}/nobody/start"), 404, "unknown_provider")


@pytest.mark.parametrize("target", ["//evil.org", "https://evil.org", "/\\evil.org", "/a%0d%0ab", "x"])
async def test_no_return_leads_elsewhere(client: AsyncClient, target: str) -> None:
    problem(await client.get(f"{AUTH}/github/start?return_to={target}"), 422)


async def test_provider_that_is_away_is_unavailable(world: World, client: AsyncClient) -> None:
    world.google.failing = world.github.failing = True
    problem(await client.post(f"{AUTH}/google", json=await google_body(world, client)), 503)
    problem(await client.get(f"{AUTH}/github/start"), 503)


async def test_public_keys_are_listed_and_the_shared_secret_never(client: AsyncClient) -> None:
    assert (await client.get("/.well-known/jwks.json")).json() == {"keys": []}

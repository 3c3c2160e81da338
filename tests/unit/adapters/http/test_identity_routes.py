from datetime import timedelta

from httpx import AsyncClient
from tests.unit.adapters.http.expect import fields, problem
from tests.unit.adapters.http.world import World

REGISTER, LOGIN, ME = "/api/v1/auth/register", "/api/v1/auth/login", "/api/v1/auth/me"
ADA = {"email": "Ada@Example.org", "password": "correct horse"}


async def test_a_person_registers_logs_in_and_sees_the_account(world: World, client: AsyncClient) -> None:
    registered = await client.post(REGISTER, json=ADA)
    assert registered.status_code == 201
    assert registered.headers["cache-control"] == "no-store"
    logged_in = await client.post(LOGIN, json=ADA)
    assert logged_in.status_code == 200
    token = logged_in.json()
    assert token["token_type"] == "bearer"
    assert token["expires_in"] == timedelta(minutes=15).total_seconds()
    mine = await client.get(ME, headers={"Authorization": f"Bearer {token['access_token']}"})
    assert mine.json()["email"] == "ada@example.org"
    assert mine.json()["role"] == "viewer"
    assert "hash" not in mine.text


async def test_an_address_registers_once_in_any_case(client: AsyncClient) -> None:
    await client.post(REGISTER, json=ADA)
    problem(await client.post(REGISTER, json=ADA | {"email": "ADA@example.ORG"}), 409, "email_taken")


async def test_wrong_password_and_unknown_login_are_told_alike(client: AsyncClient) -> None:
    await client.post(REGISTER, json=ADA)
    wrong = problem(await client.post(LOGIN, json=ADA | {"password": "wrong horse"}), 401)
    unknown = problem(await client.post(LOGIN, json=ADA | {"email": "no@example.org"}), 401)
    assert {**wrong, "instance": "", "correlation_id": ""} == {
        **unknown,
        "instance": "",
        "correlation_id": "",
    }


async def test_a_weak_registration_names_each_bad_field(client: AsyncClient) -> None:
    body = {"email": "x", "password": "password123", "username": "!"}
    assert fields(problem(await client.post(REGISTER, json=body), 422)) == {"email", "password", "username"}


async def test_a_token_of_a_vanished_account_is_refused(world: World, client: AsyncClient) -> None:
    problem(await client.get(ME, headers=world.bearer()), 401, "account_closed")

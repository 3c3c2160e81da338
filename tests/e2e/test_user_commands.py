"""`waardhaven user` beside a running service: accounts made, changed, shut out and erased by the operator."""

import re
import subprocess
import time
from itertools import count

import pytest
from tests.e2e.identity_tools import ME, new_person
from tests.e2e.up_tools import HISTORY, USER_PASSWORD, Running, assert_one_line, client, wait_until

pytestmark = pytest.mark.timeout(180)
LOGIN, USERS = "/api/v1/auth/login", "/api/v1/admin/users"
PROMISED_SECONDS = 5.0
MADE = re.compile(
    r"^Account (\S+) \((\S+), (\S+)\) with password (\S+) \(shown this once: keep it now\)\.$", re.MULTILINE
)
NOBODY = "00000000-0000-4000-8000-000000000000"
NAMES = count()


def user(up: Running, *words: str) -> subprocess.CompletedProcess[str]:
    """Run `waardhaven user …` beside the service; it never says a trace."""
    done = up.place.run("user", *words)
    assert "Traceback" not in done.stdout + done.stderr
    return done


def made(up: Running, *options: str) -> tuple[str, str, str, str]:
    """Make an account; return its address, username, role and password."""
    done = user(up, "create", f"made{next(NAMES)}@example.org", *options)
    assert done.returncode == 0, done.stderr
    (found,) = MADE.findall(done.stdout)
    assert done.stderr == ""
    return found


def session_of(up: Running, login: str, password: str) -> dict[str, object] | None:
    """Log in; return the session, None when that is refused."""
    with client(up.url()) as http:
        answer = http.post(LOGIN, json={"email": login, "password": password})
    assert answer.status_code in {200, 401}, answer.text
    return dict(answer.json()) if answer.status_code == 200 else None


def test_created_account_logs_in_with_the_password_that_was_printed_once(shared_up: Running):
    email, username, role, password = made(shared_up)
    assert role == "viewer"
    assert len(password) >= 20
    for login in (email, username, email.upper()):
        assert session_of(shared_up, login, password)
    assert password not in user(shared_up, "list").stdout


def test_created_administrator_may_list_accounts_over_http(shared_up: Running):
    name = f"boss{next(NAMES)}"
    email, username, role, password = made(shared_up, "--role", "admin", "--username", name)
    assert (username, role) == (name, "admin")
    session = session_of(shared_up, email, password)
    assert session
    with client(shared_up.url(), str(session["access_token"])) as http:
        assert email in http.get(USERS, params={"search": name}).text


def test_promotion_ends_old_tokens_and_new_ones_have_the_role(shared_up: Running):
    ada = new_person(shared_up.url(), f"ada{next(NAMES)}")
    assert ada.get(USERS, ada.access).status_code == 403
    done = user(shared_up, "promote", ada.email, "--role", "admin")
    assert done.returncode == 0, done.stderr
    assert "is admin, active." in done.stdout
    wait_until(
        lambda: ada.get(ME, ada.access).status_code == 401, "the old token is refused", PROMISED_SECONDS
    )
    again = ada.log_in(ada.email).json()["access_token"]
    assert ada.get(USERS, again).status_code == 200
    assert user(shared_up, "promote", ada.email, "--role", "viewer").returncode == 0


def test_deactivated_account_is_out_within_five_seconds_and_comes_back_when_activated(shared_up: Running):
    ada = new_person(shared_up.url(), f"ada{next(NAMES)}")
    done = user(shared_up, "deactivate", ada.email)
    ended = time.monotonic()
    assert done.returncode == 0, done.stderr
    assert "is viewer, deactivated." in done.stdout
    for path, token in ((ME, ada.access), (HISTORY, ada.access), (HISTORY, ada.key)):
        wait_until(
            lambda path=path, token=token: ada.get(path, token).status_code == 401,
            "the token is refused",
            PROMISED_SECONDS,
        )
    print(f"refused {time.monotonic() - ended:.2f} s after the command ended")  # noqa: T201 (shown by -rP)
    assert time.monotonic() - ended < PROMISED_SECONDS
    assert ada.refresh(ada.refresh_token).status_code == 401
    assert ada.log_in(ada.email).status_code == 401
    assert user(shared_up, "activate", ada.email).returncode == 0
    again = ada.log_in(ada.email)
    assert again.status_code == 200
    assert ada.get(ME, again.json()["access_token"]).status_code == 200
    assert ada.refresh(ada.refresh_token).status_code == 401, "what was ended stays ended"
    assert ada.get(ME, ada.access).status_code == 401


def test_list_shows_accounts_and_search_narrows_it(shared_up: Running):
    ada = new_person(shared_up.url(), f"needle{next(NAMES)}")
    everybody = user(shared_up, "list")
    assert ada.email in everybody.stdout
    assert "admin@localhost" in everybody.stdout
    found = user(shared_up, "list", "--search", "needle")
    assert ada.email in found.stdout
    assert "admin@localhost" not in found.stdout


def test_closed_account_is_erased_to_its_id(shared_up: Running):
    ada = new_person(shared_up.url(), f"gone{next(NAMES)}")
    closed = ada.ask("DELETE", ME, token=ada.access, body={"password": USER_PASSWORD})
    assert closed.status_code == 204, closed.text
    listed = user(shared_up, "list", "--deleted", "--search", ada.email).stdout
    found = re.search(r"[0-9a-f-]{36}", listed)
    assert found, listed
    done = user(shared_up, "erase", found[0], "--yes")
    assert done.returncode == 0, done.stderr
    left = user(shared_up, "list", "--deleted").stdout
    assert found[0] in left
    assert ada.email not in left
    assert user(shared_up, "erase", found[0], "--yes").returncode == 0, "twice changes nothing"


def test_open_account_is_not_erased(shared_up: Running):
    ada = new_person(shared_up.url(), f"ada{next(NAMES)}")
    found = ada.get(ME, ada.access).json()["id"]
    done = user(shared_up, "erase", found, "--yes")
    assert_one_line(done, "Close the account first")
    assert done.returncode == 4
    assert ada.get(ME, ada.access).status_code == 200


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        (["promote", "nobody"], 3, "There is no account 'nobody'."),
        (["deactivate", "nobody@example.org"], 3, "There is no account"),
        (["activate", "nobody"], 3, "There is no account"),
        (["erase", NOBODY, "--yes"], 3, "There is no account with that id."),
        (["erase", "not-an-id", "--yes"], 2, "not-an-id"),
        (["erase", NOBODY], 130, "stopped."),
        (["create", "admin@localhost"], 4, "exists already"),
        (["create", "other@example.org", "--username", "admin"], 4, "exists already"),
        (["create", "not an address"], 2, "The account breaks a rule."),
        (["create", "other@example.org", "--role", "king"], 2, "king"),
        (["deactivate", "admin@localhost"], 4, "last administrator"),
        (["promote", "admin@localhost", "--role", "viewer"], 4, "last administrator"),
    ],
    ids=lambda one: "-".join(one[:2]) if isinstance(one, list) else "",
)
def test_what_can_not_be_done_is_one_line_and_an_exit_code(
    sturdy_up: Running, words: list[str], code: int, said: str
):
    done = user(sturdy_up, *words)
    assert_one_line(done, said)
    assert done.returncode == code

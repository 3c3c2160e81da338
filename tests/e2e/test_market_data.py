"""Market data as a person meets it: a provider beside `up`, files over HTTP, and the command line."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from tests.e2e.conftest import FirstStart
from tests.e2e.provider_tools import (
    ECHO,
    GATED,
    LONDON,
    NEW,
    NOBODY,
    PER_DAY,
    PER_MINUTE,
    Listener,
    Operator,
    Provider,
    a_provider,
)
from tests.e2e.up_tools import Place, Running, assert_one_line, is_ready, new_place, wait_until
from tests.twelvedata_site import KEY

pytestmark = pytest.mark.timeout(240)
ID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[0-9a-f]{4}-[0-9a-f]{12}")
EUROPEAN = """\
Date;Symbol;Open;High;Low;Close;Volume
13.01.2025;SAPX;1.200,50;1.250,75;1.199,00;1.249,25;10.000
14.01.2025;SAPX;1.249,00;1.260,00;1.240,00;1.244,50;12.500
15.01.2025;SAPX;1.244,00;1.244,50;1.201,00;1.210,00;9.000
"""
CORRECTED = EUROPEAN.replace("1.244,50;12.500", "1.246,00;12.600") + (
    "16.01.2025;SAPX;1.210,00;1.220,00;1.205,00;1.219,00;8.000\n"
)
BAD = EUROPEAN.replace("1.244,50;12.500", "abc;12.500").replace("15.01.2025", "45.01.2025")
DELIVERED = ("NEWCO", "VODX")
ABOUT = {"mic": "XETR", "currency": "EUR", "name": "kurse.csv"}
OPTIONS = ("--mic", "XETR", "--currency", "EUR")


@pytest.fixture(scope="module")
def provider() -> Iterator[Provider]:
    """A provider that is there and is not to be asked."""
    with a_provider() as one:
        yield one


@pytest.fixture(scope="module")
def quiet_up(first_start: FirstStart, provider: Provider) -> Iterator[Running]:
    """A running `up` with a key that was told not to refresh at its start."""
    with new_place(first_start.data_dir) as place:
        up = place.up(**provider.settings(place, SKIP_STARTUP_REFRESH="true"))
        up.url()
        yield up


@pytest.fixture
def operator(quiet_up: Running, first_start: FirstStart) -> Operator:
    return Operator.of(quiet_up, first_start.email, first_start.password)


def assert_nowhere(secret: str, up: Running) -> None:
    """Check that nothing a place wrote, logs and database included, holds a text."""
    assert secret not in up.said + up.complained
    files = [one for one in up.place.data_dir.rglob("*") if one.is_file()]
    assert {"api.log", "worker.log"} <= {one.name for one in files}
    found = [one.relative_to(up.place.data_dir) for one in files if holds(one, secret.encode())]
    assert not found, found


def holds(path: Path, secret: bytes) -> bool:
    try:
        return secret in path.read_bytes()
    except FileNotFoundError:  # a server removed it
        return False


# --- a provider beside `up`


def test_start_with_a_key_does_not_wait_for_the_provider_and_refreshes_everything(
    published_place: Place, first_start: FirstStart
):
    with a_provider(held=True, longest_list=1) as provider:
        up = published_place.up(**provider.settings(published_place))
        operator = Operator.of(up, first_start.email, first_start.password)
        wait_until(lambda: provider.site.arrived, "the provider is asked")
        assert is_ready(operator.url)
        assert "Market data is being refreshed" in up.said
        (job,) = operator.read("/jobs?type=refresh")["items"]
        assert (job["state"], job["params"]) == ("running", {"mode": "auto", "then": "compute"})
        assert provider.site.asked == [], "the first answer is held back"

        let_go_step_by_step(provider, operator, job["id"])
        done = operator.ended(job["id"])
        assert_every_fate_is_told(done)
        assert_diagnostics_know_it(operator, provider)
        assert_prices_are_served(operator, provider)
        assert_nowhere(KEY, up)
        assert up.stop() == 0


def let_go_step_by_step(provider: Provider, operator: Operator, job: str) -> None:
    """Answer one request after the other; once a symbol was delivered its progress is told, at once."""
    listener = Listener(operator.url, operator.token, job)
    listener.start()
    answered, asked_for = 0, None
    while True:
        wait_until(
            lambda: len(provider.site.arrived) > answered or listener.heard_the_end,  # noqa: B023
            "the next request comes, or the job ends",
        )
        if asked_for in DELIVERED:
            wait_until(lambda: listener.has_told(asked_for), f"progress is told of {asked_for}")  # noqa: B023
        if len(provider.site.arrived) == answered:
            break
        asked_for, answered = provider.waiting_for, answered + 1
        provider.let_go()
    listener.stop()
    assert all(listener.has_told(one) for one in DELIVERED)
    assert {one["total"] for one in listener.told if one["stage"] == "prices"} == {4}


def assert_every_fate_is_told(job: dict[str, Any]) -> None:
    result = job["result"]
    assert (job["state"], result["mode"], result["status"]) == ("succeeded", "smart", "partial")
    fates = {one["symbol"] + ":" + one["mic"]: one for one in result["symbols"]}
    assert {name: one["fate"] for name, one in fates.items()} == {
        NEW: "updated",
        LONDON: "updated",
        GATED: "failed",
        ECHO: "failed",
    }
    assert (fates[GATED]["reason"], fates[ECHO]["reason"]) == ("not_in_plan", "not_in_plan")
    assert fates[ECHO]["detail"] == "The key *** may not see this [/symbol] with your plan."
    assert result["unknown"] == {NOBODY: "No source that is set up knows it."}
    rates = {one["source"]: one for one in result["rates"]}
    assert rates["ecb"]["inserted"] == 10, rates


def assert_diagnostics_know_it(operator: Operator, provider: Provider) -> None:
    (one,) = operator.read("/diagnostics/providers")["providers"]
    spent = sum(provider.site.used.values())
    assert (one["name"], one["plan"], one["breaker"]) == ("twelvedata", "free", "closed")
    assert (one["credits_per_minute"], one["credits_per_day"]) == (PER_MINUTE, PER_DAY)
    assert one["credits_left_day"] == PER_DAY - spent - refused_lists(provider)
    assert 0 < one["credits_left_minute"] <= PER_MINUTE
    status = operator.read("/diagnostics/refresh-status")
    counts = {name: status[name] for name in ("universe", "total", "fresh", "empty", "needs_update")}
    assert counts == {"universe": "configured", "total": 4, "fresh": 2, "empty": 2, "needs_update": True}
    by_name = {f"{one['symbol']}:{one['mic']}": one for one in status["assets"]}
    for name in (NEW, LONDON):
        assert (by_name[name]["state"], by_name[name]["behind"]) == ("fresh", 0)
        assert by_name[name]["last"] == by_name[name]["expected"]
    assert by_name[GATED]["state"] == "empty"


def refused_lists(provider: Provider) -> int:
    """Return the credits that were set aside for requests the site refused whole."""
    lists = [one for one in provider.site.asked if "," in one]
    return sum(one.count(",") + 1 for one in lists)


def assert_prices_are_served(operator: Operator, provider: Provider) -> None:
    (symbol,) = operator.read("/symbols?text=NEWCO")["items"]
    assert (symbol["name"], symbol["sources"]) == ("New Company", ["twelvedata"])
    served = operator.read(f"/prices?symbols={NEW}&start=2000-01-01")
    known = provider.site.known("NEWCO")
    assert known is not None
    closes = {row["datetime"]: float(row["close"]) for row in known.rows}
    assert len(served["dates"]) >= 28, "all but what is not over, and holidays"
    assert served["close"] == [closes[day] for day in served["dates"]]
    (london,) = operator.read(f"/symbols?text={LONDON.partition(':')[0]}")["items"]
    assert london["currency"] == "GBP"


def test_no_request_reaches_the_provider_at_a_start_that_is_told_to_skip_it(first_start: FirstStart):
    with a_provider() as provider, new_place(first_start.data_dir) as place:
        up = place.up(**provider.settings(place, SKIP_STARTUP_REFRESH="true"))
        operator = Operator.of(up, first_start.email, first_start.password)
        assert operator.read("/jobs?type=refresh")["items"] == []
        assert "being refreshed" not in up.said
        assert provider.site.asked == []


# --- files over HTTP


def uploaded(operator: Operator, content: str) -> dict[str, Any]:
    """Upload a file; return its import when it was checked."""
    answer = operator.post("/imports/prices", params=ABOUT, content=content.encode())
    assert answer.status_code == 202, answer.text
    assert operator.ended(answer.json()["job"])["state"] == "succeeded"
    return operator.read(f"/imports/prices/{answer.json()['id']}")


def committed(operator: Operator, content: str) -> dict[str, Any]:
    record = uploaded(operator, content)
    assert record["state"] == "checked", record["report"]
    answer = operator.post(f"/imports/prices/{record['id']}/commit")
    assert answer.status_code == 202, answer.text
    done = operator.ended(answer.json()["id"])
    assert done["state"] == "succeeded", done
    return operator.read(f"/imports/prices/{record['id']}")


def prices_of(operator: Operator, **more: str) -> httpx.Response:
    query = "&".join(f"{name}={value}" for name, value in more.items())
    return operator.get(f"/prices?symbols=SAPX:XETR&source=file&start=2025-01-01&{query}").raise_for_status()


def known_of(answer: httpx.Response) -> bytes:
    """Return the bytes of an answer less the number of the state it was read at."""
    return re.sub(rb'"vintage":\d+', b'"vintage":0', answer.content)


def test_file_is_uploaded_checked_committed_and_undone_to_the_byte(operator: Operator):
    first = committed(operator, EUROPEAN)
    assert (first["state"], first["report"]["would"]) == (
        "committed",
        {"inserted": 3, "changed": 0, "unchanged": 0},
    )
    assert first["report"]["mapping"]["numbers"] == "european"
    before = prices_of(operator)
    assert before.json()["close"] == [1249.25, 1244.5, 1210.0]
    assert before.json()["volume"] == [10_000, 12_500, 9_000]

    second = committed(operator, CORRECTED)
    assert second["report"]["would"] == {"inserted": 1, "changed": 1, "unchanged": 2}
    after = prices_of(operator)
    assert after.json()["close"] == [1249.25, 1246.0, 1210.0, 1219.0]

    refused = operator.post(f"/imports/prices/{first['id']}/undo", json={"reason": "too early"})
    assert refused.status_code == 409, "another import wrote one of its bars since"
    undone = operator.post(f"/imports/prices/{second['id']}/undo", json={"reason": "the wrong file"})
    assert (undone.status_code, undone.json()["state"]) == (200, "undone")
    assert known_of(prices_of(operator)) == known_of(before)
    assert prices_of(operator).json()["vintage"] > before.json()["vintage"]
    again = operator.post(f"/imports/prices/{second['id']}/undo", json={"reason": "once more"})
    assert again.status_code == 409


def test_bad_file_is_refused_with_its_lines_and_changes_nothing(operator: Operator):
    record = uploaded(operator, BAD.replace("SAPX", "BADX"))
    assert (record["state"], record["report"]["issue_count"]) == ("refused", 2)
    told = [(one["line"], one["column"], one["value"]) for one in record["report"]["issues"]]
    assert told == [(3, "Close", "abc"), (4, "Date", "45.01.2025")]
    assert all(one["reason"] for one in record["report"]["issues"])
    commit = operator.post(f"/imports/prices/{record['id']}/commit")
    job = operator.ended(commit.json()["id"])
    assert (job["state"], job["error"]["code"]) == ("failed", "import_not_ready")
    assert operator.read("/symbols?text=BADX")["items"] == []


# --- the command line


def test_refresh_at_the_command_line_tells_each_symbols_fate(quiet_up: Running, provider: Provider):
    place = quiet_up.place
    done = place.run("refresh", "--mode", "smart", **provider.settings(place))
    assert done.returncode == 0, done.stdout + done.stderr
    for said in (
        r"NEWCO:XNAS +updated +twelvedata +\d{4}-\d\d-\d\d",
        r"GATED:XNAS +failed",
        r"ECHO:XNAS +failed .*The key \*\*\* may not see this \[/symbol\]",
        r"NOPE:XNYS: No source that is set up knows it\.",
        r"Refresh \(smart\): partial; bars: \d+ inserted, 0 changed, 0 unchanged\.",
    ):
        assert re.search(said, done.stdout), (said, done.stdout)
    assert "[debug" not in done.stdout, "logs are for services"
    assert done.stderr == ""
    again = place.run("refresh", "--mode", "smart", **provider.settings(place))
    assert re.search(r"NEWCO:XNAS +fresh", again.stdout), again.stdout
    assert KEY not in done.stdout + done.stderr + again.stdout + again.stderr


def test_refresh_with_a_key_the_provider_does_not_know_fails_for_every_symbol(
    quiet_up: Running, provider: Provider
):
    place, wrong = quiet_up.place, "f" * 32
    settings = provider.settings(place, TWELVEDATA_API_KEY=wrong, ASSET_UNIVERSE="AAPL:XNAS")
    done = place.run("refresh", "--mode", "minimal", **settings)
    assert done.returncode == 1, done.stdout
    assert re.search(r"AAPL:XNAS +failed +twelvedata +The key was refused\.", done.stdout), done.stdout
    assert "Refresh (minimal): failed; bars: 0 inserted" in done.stdout
    assert wrong not in done.stdout + done.stderr


def test_files_are_tried_imported_and_undone_at_the_command_line(quiet_up: Running, operator: Operator):
    place = quiet_up.place
    file = place.folder / "kurse.csv"
    file.write_text(EUROPEAN.replace("SAPX", "CLIX"))
    dry = place.run("import-prices", str(file), "--dry-run", *OPTIONS)
    assert dry.returncode == 0, dry.stdout + dry.stderr
    assert re.search(r"Import \S+ is checked; bars: 3 inserted, 0 changed, 0 unchanged\.", dry.stdout)
    assert operator.read("/symbols?text=CLIX")["items"] == []

    done = place.run("import-prices", str(file), *OPTIONS)
    assert (done.returncode, "is committed; bars: 3 inserted" in done.stdout) == (0, True), done.stdout
    (symbol,) = operator.read("/symbols?text=CLIX")["items"]
    assert (symbol["bars"], symbol["last"]) == (3, "2025-01-15")
    found = ID.search(done.stdout)
    assert found, done.stdout
    undone = place.run("undo-import", found[0], "--reason", "a try")
    assert (undone.returncode, undone.stdout) == (0, f"Import {found[0]} is undone.\n"), undone.stderr
    assert operator.read("/symbols?text=CLIX")["items"][0]["bars"] == 0
    again = place.run("undo-import", found[0])
    assert again.returncode == 4
    assert_one_line(again, "undone")


def test_bad_files_at_the_command_line_are_refused_line_by_line(quiet_up: Running):
    place = quiet_up.place
    file = place.folder / "schlecht.csv"
    file.write_text(BAD.replace("SAPX", "BADX"))
    done = place.run("import-prices", str(file), *OPTIONS)
    assert done.returncode == 2, done.stdout + done.stderr
    assert re.search(r"^ +line 3: ", done.stdout, re.MULTILINE), done.stdout
    assert re.search(r"^ +line 4: ", done.stdout, re.MULTILINE), done.stdout
    assert re.search(r"Import \S+ is refused; bars: ", done.stdout)
    for arguments, code, says in (
        (("import-prices", str(place.folder / "nothing.csv")), 2, "does not exist"),
        (("undo-import", "01903f6a-5c1e-7a52-9d0c-4b1f0d9e2a77"), 3, "no such import"),
        (("refresh", "--mode", "everything"), 2, "everything"),
    ):
        failed = place.run(*arguments)
        assert_one_line(failed, says)
        assert failed.returncode == code


def test_nothing_that_was_written_meanwhile_holds_the_key(quiet_up: Running):
    assert_nowhere(KEY, quiet_up)

"""`waardhaven up` and the commands beside it, as a person meets them."""

import asyncio
import math
import re
import signal
import socket
import time
from pathlib import Path
from urllib.parse import urlsplit

import psutil
import pytest
from tests.e2e.conftest import FirstStart
from tests.e2e.up_tools import (
    CURRENT,
    HISTORY,
    PASSWORD,
    Place,
    Running,
    assert_one_line,
    client,
    free_port,
    is_ready,
    lines,
    log_in,
    register,
    status,
    wait_until,
)

pytestmark = pytest.mark.timeout(180)
SESSIONS = 5_785
LOADING = ("calendars", "assets", "exchange rates", "prices", "index")


def test_first_start_publishes_the_index_and_tells_url_and_password_once(first_start: FirstStart):
    assert len(PASSWORD.findall(first_start.said)) == 1
    assert first_start.said.count("is ready at http://127.0.0.1:") == 1
    for step in LOADING:
        assert f"… {step}\n" in first_start.said
    assert first_start.complained == ""
    assert first_start.exit_code == 0
    assert len(first_start.password) >= 20
    print(f"first start: {first_start.seconds:.1f} s")  # noqa: T201 (shown by -rP)


def test_first_start_serves_the_whole_history_from_exactly_100(first_start: FirstStart):
    dates, values = first_start.history["dates"], first_start.history["values"]
    assert len(dates) == len(values) == SESSIONS
    assert values[0] == 100.0
    assert dates == sorted(set(dates))


def test_first_start_serves_weights_that_sum_to_one(first_start: FirstStart):
    weights = [one["weight"] for one in first_start.current["allocations"]]
    assert weights
    assert abs(math.fsum(weights) - 1.0) <= 1e-12


async def test_second_start_tells_no_password_and_loads_nothing(
    published_place: Place, first_start: FirstStart
):
    up = published_place.up()
    url = up.url(20)
    seconds = time.monotonic() - up.began
    assert is_ready(url)
    assert "password" not in up.said
    assert not any(f"… {step}" in up.said for step in LOADING)
    with client(url, log_in(url, first_start.email, first_start.password)) as http:
        assert http.get(HISTORY).json()["values"] == first_start.history["values"]
    rows = await published_place.sql(
        "SELECT (SELECT count(*) FROM vintage) AS vintages, (SELECT count(*) FROM build) AS builds,"
        " (SELECT count(*) FROM publication) AS publications,"
        " (SELECT count(*) FROM price_revision) AS revised"
    )
    assert (rows[0]["builds"], rows[0]["publications"], rows[0]["revised"]) == (1, 1, 0)
    assert up.stop() == 0
    print(f"second start: {seconds:.1f} s")  # noqa: T201 (shown by -rP)


def test_children_write_their_logs_beside_those_of_the_servers(shared_up: Running):
    shared_up.child("worker")
    logs = shared_up.place.data_dir / "logs"
    wait_until(lambda: "worker started" in (logs / "worker.log").read_text(), "the worker says so")
    assert "Application startup complete" in (logs / "api.log").read_text()
    assert "arq.worker" not in (logs / "worker.log").read_text()
    assert shared_up.complained == ""
    assert {(logs / name).stat().st_mode & 0o777 for name in ("api.log", "worker.log")} == {0o600}


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT], ids=["SIGTERM", "SIGINT"])
def test_signal_stops_everything_with_exit_code_0_in_spite_of_an_idle_connection(
    published_place: Place, number: signal.Signals
):
    up = published_place.up()
    address = urlsplit(up.url())
    up.child("worker")
    with socket.create_connection((address.hostname, address.port), timeout=10) as idle:
        idle.sendall(b"GET /health HTTP/1.1\r\nHost: localhost\r\n\r\n")
        assert b" 200 " in idle.recv(4096)
        began = time.monotonic()
        assert up.stop(number) == 0
        assert time.monotonic() - began < 15
    assert published_place.processes() == []
    assert not (published_place.data_dir / "state.json").exists()
    assert not (published_place.data_dir / "run").exists()
    assert up.complained == ""
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection((address.hostname, address.port), timeout=5)


@pytest.mark.parametrize("moment", ["servers", "prices"])
def test_signal_during_the_first_load_stops_everything(empty_place: Place, moment: str):
    up = empty_place.up()
    up.wait_for(f"… {moment}")
    assert up.stop() == 0
    assert empty_place.processes() == []
    assert up.complained == ""


def test_up_without_sample_is_ready_with_no_index(empty_place: Place):
    up = empty_place.up("--no-sample")
    url = up.url()
    assert is_ready(url)
    assert "No index is published yet." in up.said
    assert not any(f"… {step}" in up.said for step in LOADING)
    found = PASSWORD.search(up.said)
    assert found
    with client(url, log_in(url, *found.groups())) as http:
        assert http.get(CURRENT).status_code == 404
        assert http.get("/api/v1/indices").json()["items"] == []
    assert up.stop() == 0


def test_up_without_worker_has_no_worker(published_place: Place):
    up = published_place.up("--no-worker")
    assert is_ready(up.url())
    commands = [one.cmdline() for one in psutil.Process(up.process.pid).children()]
    assert any("serve" in words for words in commands)
    assert not any("worker" in words for words in commands)
    assert up.stop() == 0


def test_second_up_on_the_same_directory_is_refused_and_the_first_goes_on(shared_up: Running):
    second = shared_up.place.run("up", "--port", "0")
    assert_one_line(second, "is in use by process", str(shared_up.process.pid))
    assert is_ready(shared_up.url())


def test_data_dir_option_wins_over_the_environment(shared_up: Running, tmp_path: Path):
    second = shared_up.place.run(
        "up", "--port", "0", "--data-dir", str(shared_up.place.data_dir), DATA_DIR=str(tmp_path)
    )
    assert_one_line(second, "is in use by process")
    assert list(tmp_path.iterdir()) == []


def test_commands_beside_a_running_up_use_its_servers(shared_up: Running):
    place = shared_up.place
    before = {one.pid for one in place.servers("postgres")[:1]}
    outcomes = {
        command: place.run(*command.split())
        for command in ("verify autoindex", "build autoindex", "migrate", "doctor")
    }
    assert {command: done.returncode for command, done in outcomes.items()} == dict.fromkeys(outcomes, 0)
    assert all(done.stderr == "" for done in outcomes.values())
    assert "bit for bit" in outcomes["verify autoindex"].stdout
    assert "reproduced" in outcomes["verify autoindex"].stdout
    assert outcomes["build autoindex"].stdout == "autoindex is up to date.\n"
    assert re.search(r"Schema: (\d+) → \1\.", outcomes["migrate"].stdout)
    assert "wrong" not in outcomes["doctor"].stdout
    assert {one.pid for one in place.servers("postgres")[:1]} == before
    assert is_ready(shared_up.url())


def test_command_without_an_up_starts_servers_for_its_own_duration(published_place: Place):
    for command in ("verify autoindex", "build autoindex", "migrate", "doctor"):
        done = published_place.run(*command.split())
        assert (done.returncode, done.stderr) == (0, ""), command
        assert published_place.processes() == []
        assert not (published_place.data_dir / "state.json").exists()
        assert not (published_place.data_dir / "run").exists()


def test_command_that_meets_a_starting_up_waits_for_its_servers(published_place: Place):
    up = published_place.up()
    wait_until((published_place.data_dir / "run").exists, "its servers are on their way")
    done = published_place.run("migrate")
    assert (done.returncode, done.stderr) == (0, "")
    assert is_ready(up.url())


async def test_verify_names_the_first_difference_of_a_tampered_build(published_place: Place):
    up = published_place.up("--no-worker")
    up.url()
    await published_place.sql("ALTER TABLE build_column DISABLE TRIGGER USER")
    await published_place.sql(
        "UPDATE build_column SET data = set_byte(data, 8 * 1000, get_byte(data, 8 * 1000) # 1)"
        " WHERE name = 'level.level'"
    )
    done = published_place.run("verify", "autoindex")
    assert done.returncode == 1
    assert "Traceback" not in done.stderr
    found = re.search(r"first difference on (\d{4}-\d\d-\d\d): (\S+)", done.stdout)
    assert found, done.stdout
    assert found[2].startswith("level")


PARTS = {"serve": "api", "worker": "worker", "postgres": "PostgreSQL", "valkey-server": "Valkey"}


@pytest.mark.parametrize("name", PARTS)
def test_killed_part_is_brought_back_and_the_service_answers_again(sturdy_up: Running, name: str):
    def present() -> psutil.Process | None:
        if name.endswith(("postgres", "server")):
            return next(iter(sturdy_up.place.servers(name)), None)
        return sturdy_up.find(name)

    url, email = sturdy_up.url(), f"before-{name}"
    token = register(url, email)
    first = wait_until(present, f"there is a {name}")
    first.kill()
    sturdy_up.wait_for(f"{PARTS[name]} was killed by SIGKILL; restarting")
    sturdy_up.wait_for(f"{PARTS[name]} is back as process")
    wait_until(lambda: is_ready(url), "it is ready again")
    again = present()
    assert again
    assert again.pid != first.pid
    assert log_in(url, f"{email}@example.org")
    with client(url, token) as http:
        assert len(http.get(HISTORY).json()["dates"]) == SESSIONS
    assert sturdy_up.complained == ""


def test_up_ends_with_one_line_when_a_child_can_not_be_kept_alive(published_place: Place):
    up = published_place.up()
    up.url()

    def kill_api() -> bool:
        child = up.find("serve")
        if child is not None:
            child.kill()
        return up.is_over

    wait_until(kill_api, "it gives up")
    assert_one_line(up, "api", "gave up after 5 restarts", "api.log")
    assert published_place.processes() == []


def test_kill_of_up_leaves_nothing_behind_and_the_next_start_works_on_the_same_port(
    published_place: Place,
):
    port = str(free_port())
    up = published_place.up("--port", port)
    register(up.url(), "ada")
    up.child("worker")
    left = published_place.processes()
    up.kill()
    again = published_place.up("--port", port)
    assert log_in(again.url(), "ada@example.org")
    wait_until(lambda: not any(one.is_running() for one in left), "all of the first is gone", 15)
    assert again.stop() == 0
    assert published_place.processes() == []


def test_relative_secret_file_reaches_the_children(published_place: Place):
    (published_place.folder / "secret").write_text("a secret of more than thirty-two characters\n")
    up = published_place.up(SECRET_KEY_FILE="secret")
    url = up.url()
    with client(url, register(url, "ada")) as http:
        assert http.get("/api/v1/auth/me").status_code == 200
    assert up.stop() == 0


async def test_up_serves_many_readers_at_once(shared_up: Running):
    url = shared_up.url()
    token = register(url, f"reader{time.monotonic_ns()}")
    with client(url, token) as http:
        expected = http.get(HISTORY).content

    def read() -> bytes:
        with client(url, token) as http:
            return http.get(HISTORY).content

    bodies = await asyncio.gather(*(asyncio.to_thread(read) for _ in range(8)))
    assert set(bodies) == {expected}


def test_port_0_prints_the_port_it_got(shared_up: Running):
    port = urlsplit(shared_up.url()).port
    assert port
    assert status(f"http://127.0.0.1:{port}", "/health") == 200
    assert len(lines(shared_up.complained)) == 0

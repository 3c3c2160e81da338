"""Every bad start: one clear line, a non-zero exit, no traceback, no secret."""

import os
import shutil
import socket
import subprocess
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from tests.conftest import SECRET
from tests.e2e.up_tools import Place, assert_one_line, lines

import waardhaven
from waardhaven.adapters.outbound.market_data.sample import DATA

pytestmark = pytest.mark.timeout(120)
PACKAGE = Path(waardhaven.__file__).parent
CHECKOUT = PACKAGE.parents[1]
PYENV = Path("~/.pyenv/versions").expanduser()
TOO_OLD = ("python3.10", "python3.9", "python3.8", "python3.7")

BATCHES: dict[str, dict[str, str]] = {
    "nothing is what it should be": {
        "SECRET_KEY": "hunter2-hunter2",
        "ADMIN_TOKEN": "hunter2-hunter2",
        "PORT": "hunter2",
        "CONNECT_TRIES": "-1",
        "SHUTDOWN_TIMEOUT": "soon",
        "DATABASE_COMMAND_TIMEOUT": "inf",
        "LOG_LEVEL": "LOUD",
        "DEBUG": "perhaps",
        "DATABASE_URL": "mysql://u:hunter2@h/d",
        "REDIS_URL": "hunter2",
        "FRONTEND_URL": "example.org",
        "TRUSTED_PROXIES": "localhost",
        "ALLOWED_NETWORKS": "10.0.0.0/33",
        "DENIED_NETWORKS": "10.0.0.0/8, everybody",
        "ADMIN_NETWORKS": "*",
        "RATE_LIMIT_PER_MINUTE": "0",
        "RATE_LIMIT_AUTHENTICATED": "many",
        "BODY_TIMEOUT": "0",
        "REQUEST_TIMEOUT": "for ever",
    },
    "addresses lack a part": {"DATABASE_URL": "postgresql://u:hunter2@h", "REDIS_URL": "redis://"},
    "ports are words": {
        "DATABASE_URL": "postgresql://u:hunter2@h:many/d",
        "REDIS_URL": "redis://:hunter2@h:many/0",
    },
    "ports are out of range": {"PORT": "65536", "REDIS_URL": "redis://:hunter2@h:65536/0"},
    "sign-ins are half set": {"OIDC_CLIENT_ID": "hunter2", "GITHUB_CLIENT_SECRET": "hunter2"},
    "the issuer is not safe": {"OIDC_ISSUER": "http://hunter2.example"},
    "secret files can not be read": {
        "SECRET_KEY_FILE": "/nonexistent",
        "ADMIN_TOKEN_FILE": "/tmp",
        "METRICS_TOKEN_FILE": "binary",
    },
}


@pytest.mark.parametrize("case", BATCHES)
def test_malformed_settings_stop_the_start_with_one_line_that_names_each(empty_place: Place, case: str):
    (empty_place.folder / "binary").write_bytes(b"\xff\xfe" * 40)
    done = empty_place.run("up", **BATCHES[case])
    assert_one_line(done, *BATCHES[case])
    assert done.returncode == 2
    assert done.stdout == ""
    assert "hunter2" not in done.stderr
    assert not empty_place.data_dir.exists()


def test_secret_that_is_set_twice_stops_the_start_with_one_line(empty_place: Place):
    (empty_place.folder / "good").write_text(SECRET)
    done = empty_place.run("up", SECRET_KEY=SECRET, SECRET_KEY_FILE="good")
    assert_one_line(done, "SECRET_KEY: is set twice")
    assert SECRET not in done.stderr


@pytest.mark.parametrize("command", ["serve", "worker", "verify autoindex"])
def test_malformed_setting_stops_other_commands_too(empty_place: Place, command: str):
    done = empty_place.run(*command.split(), DATABASE_URL="mysql://u:hunter2@h/d", PORT="x")
    assert_one_line(done, "DATABASE_URL", "PORT")
    assert "hunter2" not in done.stderr


def test_doctor_shows_malformed_settings_and_fails(empty_place: Place):
    done = empty_place.run("doctor", SECRET_KEY="hunter2-hunter2")
    assert done.returncode == 1
    assert "SECRET_KEY" in done.stdout
    assert "hunter2" not in done.stdout
    assert done.stderr == ""


@pytest.mark.parametrize("host", ["::1", "no.such.host.invalid", "a..b", ""])
def test_doctor_survives_any_host(empty_place: Place, host: str):
    done = empty_place.run("doctor", HOST=host)
    assert done.stderr == ""
    assert "port" in done.stdout


COMMAND_LINES = {
    "unknown command": (["fly"], 2),
    "unknown option": (["up", "--fast"], 2),
    "port of letters": (["up", "--port", "x"], 2),
    "port out of range": (["up", "--port", "65536"], 2),
    "no workers": (["serve", "--workers", "0"], 2),
    "build without a slug": (["build"], 2),
    "build with a bad day": (["build", "autoindex", "--restate-from", "yesterday"], 2),
    "surplus argument": (["verify", "autoindex", "more"], 2),
    "foreign socket": (["serve", "--fd", "0"], 2),
}


@pytest.mark.parametrize("case", COMMAND_LINES)
def test_bad_command_line_is_one_line(empty_place: Place, case: str):
    arguments, code = COMMAND_LINES[case]
    done = empty_place.run(*arguments)
    assert_one_line(done, "--help")
    assert done.returncode == code


def test_unknown_index_is_one_line_for_build_and_verify(published_place: Place):
    for command in ("build", "verify"):
        done = published_place.run(command, "nosuch")
        assert_one_line(done, "nosuch")
        assert done.returncode == 3


def test_command_on_an_empty_directory_is_one_line(empty_place: Place):
    done = empty_place.run("verify", "autoindex")
    assert_one_line(done, "waardhaven migrate")
    assert empty_place.processes() == []


def test_taken_port_is_one_line_and_starts_nothing(empty_place: Place):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        for done in (
            empty_place.run("up", "--port", port),
            empty_place.run("up", PORT=port),
            empty_place.run("serve", "--port", port, "--workers", "2"),
        ):
            assert_one_line(done, port, "Address already in use")
            assert done.returncode == 2
    assert not empty_place.data_dir.exists()


@pytest.mark.parametrize("host", ["no.such.host.invalid", "256.256.256.256", "a..b", "192.0.2.1"])
def test_host_that_is_not_ours_is_one_line(empty_place: Place, host: str):
    done = empty_place.run("up", "--port", "0", "--host", host)
    assert_one_line(done, host)
    assert done.returncode == 2


def test_port_of_the_system_is_refused_to_a_plain_user_with_one_line(empty_place: Place):
    if int(Path("/proc/sys/net/ipv4/ip_unprivileged_port_start").read_text()) == 0:
        pytest.skip("every user may use every port here")
    done = _without_powers(empty_place, "up", "--port", "1")
    assert_one_line(done, "Permission denied")


def test_data_directory_that_is_a_file_is_one_line(empty_place: Place):
    empty_place.data_dir.write_text("mine")
    assert_one_line(empty_place.run("up", "--port", "0"), str(empty_place.data_dir))
    assert_one_line(empty_place.run("up", "--port", "0", "--data-dir", str(empty_place.data_dir)))
    assert_one_line(empty_place.run("verify", "autoindex"), str(empty_place.data_dir))
    assert empty_place.data_dir.read_text() == "mine"


def test_data_directory_with_foreign_files_is_one_line_and_stays_as_it_is(empty_place: Place):
    empty_place.data_dir.mkdir()
    (empty_place.data_dir / "thesis.txt").write_text("mine")
    done = empty_place.run("up", "--port", "0")
    assert_one_line(done, "not ours")
    assert [one.name for one in empty_place.data_dir.iterdir()] == ["thesis.txt"]


def test_data_directory_below_a_file_is_one_line(empty_place: Place):
    (empty_place.folder / "file").write_text("")
    assert_one_line(empty_place.run("up", "--port", "0", DATA_DIR=str(empty_place.folder / "file" / "data")))


@pytest.mark.parametrize("command", ["up --port 0", "verify autoindex", "doctor"])
def test_unwritable_data_directory_is_one_line(empty_place: Place, command: str):
    closed = empty_place.folder / "closed"
    closed.mkdir()
    closed.chmod(0o500)
    done = _without_powers(empty_place, *command.split(), DATA_DIR=str(closed / "data"))
    closed.chmod(0o700)
    if command == "doctor":
        assert done.stderr == ""
        assert "Traceback" not in done.stdout
    else:
        assert_one_line(done, str(closed))


def _without_powers(place: Place, *arguments: str, **extra: str) -> subprocess.CompletedProcess[str]:
    """Run a command with no more rights than an ordinary user has on files and ports of its own."""
    if os.geteuid() != 0:
        return place.run(*arguments, **extra)
    prefix = ("setpriv", "--bounding-set=-all", "--inh-caps=-all")
    if not shutil.which("setpriv") or subprocess.run([*prefix, "true"], check=False).returncode:
        pytest.skip("root can not give up its powers here")
    return place.run(*arguments, prefix=prefix, **extra)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give a directory away")
def test_data_directory_of_another_user_is_one_line(empty_place: Place):
    empty_place.data_dir.mkdir()
    os.chown(empty_place.data_dir, 65534, 65534)
    assert_one_line(empty_place.run("up", "--port", "0"), "belongs to user id 65534")


def _refusals(url: str) -> dict[str, str]:
    parts = urlsplit(url)
    assert parts.password
    return {
        "password": url.replace(parts.password, "hunter2"),
        "user": url.replace("://waardhaven:", "://nobody:"),
        "no database": url.replace("@/", "@/nosuch_", 1),
    }


@pytest.mark.parametrize(
    ("command", "reason"),
    [
        ("up --port 0", "password"),
        ("up --port 0", "no database"),
        ("serve --port 0", "password"),
        ("worker", "user"),
        ("migrate", "no database"),
    ],
)
def test_database_that_refuses_us_is_one_line_at_once(
    empty_place: Place, database_url: str, valkey_url: str, command: str, reason: str
):
    done = empty_place.run(
        *command.split(),
        DATABASE_URL=_refusals(database_url)[reason],
        REDIS_URL=valkey_url,
        SECRET_KEY=SECRET,
        LOG_LEVEL="ERROR",
        timeout=20,
    )
    assert_one_line(done, "refuses DATABASE_URL", reason)
    assert done.returncode == 2
    assert "hunter2" not in done.stdout + done.stderr


def test_corrupt_sample_file_is_one_line_and_a_repaired_one_is_loaded(empty_place: Place):
    copy = empty_place.folder / "copy"
    shutil.copytree(PACKAGE, copy / "src/waardhaven", ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copytree(CHECKOUT / "migrations", copy / "migrations")
    prices = copy / "src/waardhaven" / DATA.relative_to(PACKAGE) / "prices.parquet"
    good = prices.read_bytes()
    prices.write_bytes(good[:5000] + bytes([good[5000] ^ 1]) + good[5001:])
    path = {"PYTHONPATH": str(copy / "src")}
    done = empty_place.run("up", "--port", "0", **path)
    assert_one_line(done, "prices.parquet is corrupt")
    assert empty_place.processes() == []
    assert "sample market" in empty_place.run("doctor", **path).stdout
    prices.write_bytes(good)
    up = empty_place.up(**path)
    up.url()
    assert up.stop() == 0


def test_wrong_versions_cluster_is_one_line(empty_place: Place):
    assert empty_place.run("migrate").returncode == 0
    (empty_place.data_dir / "postgres/PG_VERSION").write_text("17\n")
    assert_one_line(empty_place.run("up", "--port", "0"), "PostgreSQL 17")
    assert empty_place.processes() == []


def _interpreter(name: str) -> str | None:
    version = name.removeprefix("python")
    installed = sorted(PYENV.glob(f"{version}.*/bin/{name}"))
    return str(installed[0]) if installed else shutil.which(name, path="/usr/bin:/usr/local/bin")


@pytest.mark.parametrize("name", TOO_OLD)
def test_unsupported_python_is_one_line(name: str, tmp_path: Path):
    interpreter = _interpreter(name)
    if interpreter is None:
        pytest.skip(f"this machine has no {name}")
    done = subprocess.run(
        [interpreter, "-m", "waardhaven", "up"],
        env={"PYTHONPATH": str(PACKAGE.parent), "PYTHONDONTWRITEBYTECODE": "1", "HOME": str(tmp_path)},
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert_one_line(done, "Python 3.11 or newer is needed")


def _make_venv(folder: Path, *, new: bool, venv: bool) -> subprocess.CompletedProcess[str]:
    """Run scripts/make_venv.sh where every Python is a stub that answers its two questions."""
    stub = folder / "python3"
    stub.write_text(
        "#!/bin/sh\n"
        'case "$2" in\n'
        f"*version_info*) exit {int(not new)} ;;\n*ensurepip*) exit {int(not venv)} ;;\nesac\n"
        'echo "made $*"\n'
    )
    stub.chmod(0o755)
    basename = shutil.which("basename")
    assert basename
    (folder / "basename").symlink_to(basename)
    return subprocess.run(
        ["/bin/sh", str(CHECKOUT / "scripts/make_venv.sh"), "there"],
        env={"PATH": str(folder)},
        capture_output=True,
        text=True,
        check=False,
    )


def test_make_venv_asks_for_the_venv_package_in_one_line(tmp_path: Path):
    done = _make_venv(tmp_path, new=True, venv=False)
    assert done.returncode == 1
    assert lines(done.stderr) == [
        "Python's venv module is missing: install the package python3-venv (Debian, Ubuntu)."
    ]


def test_make_venv_asks_for_a_newer_python_in_one_line(tmp_path: Path):
    done = _make_venv(tmp_path, new=False, venv=True)
    assert done.returncode == 1
    assert lines(done.stderr) == [
        "Python 3.11 or newer is needed: install the packages python3 and python3-venv."
    ]


def test_make_venv_uses_the_first_python_that_suits(tmp_path: Path):
    done = _make_venv(tmp_path, new=True, venv=True)
    assert (done.returncode, done.stdout, done.stderr) == (0, "made -m venv there\n", "")

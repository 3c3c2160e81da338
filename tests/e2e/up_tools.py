"""Starting the `waardhaven` command as a person would, and looking at what it leaves behind."""

import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path
from typing import Any, TypeVar

import asyncpg
import httpx
import psutil
from redis import Redis

from waardhaven.adapters.outbound.embedded import attach
from waardhaven.adapters.outbound.embedded.data_dir import process_tag
from waardhaven.adapters.outbound.embedded.sweep import SERVER_PROGRAMS

T = TypeVar("T")
PROGRAM = (sys.executable, "-m", "waardhaven")
READY = re.compile(r"is ready at (http://\S+)")
PASSWORD = re.compile(
    r"^Administrator (\S+) with password (\S+) \(shown this once: keep it now\)\.$", re.MULTILINE
)
HISTORY, CURRENT = "/api/v1/index/history", "/api/v1/index/current"
_CLIENTS = count()
USER_PASSWORD = "correct horse battery staple"


def wait_until(condition: Callable[[], T], what: str, seconds: float = 30.0) -> T:
    """Poll until `condition` is true and return its value; fail the test if it is not in time."""
    deadline = time.monotonic() + seconds
    while not (value := condition()):
        assert time.monotonic() < deadline, f"waited {seconds:g} s in vain until {what}"
        time.sleep(0.02)
    return value


def free_port() -> int:
    """Return a port that nobody listens on at the moment."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def environment(home: Path, data_dir: Path, extra: Mapping[str, str]) -> dict[str, str]:
    """Return an environment with nothing of ours in it."""
    return {
        "PATH": os.environ["PATH"],
        "HOME": str(home),
        "DATA_DIR": str(data_dir),
        "RATE_LIMIT_PER_MINUTE": "1000000",
        "RATE_LIMIT_AUTHENTICATED": "1000000",
        "EMAIL_VERIFICATION": "false",
        **{name: value for name, value in os.environ.items() if name.startswith("COVERAGE_")},
        **extra,
    }


@dataclass(kw_only=True)
class Place:
    """A data directory of its own in a short-lived folder, and the commands run on it."""

    folder: Path
    data_dir: Path
    running: list["Running"] = field(default_factory=list)

    def start(self, *arguments: str, **extra: str) -> "Running":
        """Start a command that goes on running."""
        number = len(self.running)
        out, err = self.folder / f"{number}.out", self.folder / f"{number}.err"
        with out.open("w") as stdout, err.open("w") as stderr:
            process = subprocess.Popen(
                [*PROGRAM, *arguments],
                env=environment(self.folder, self.data_dir, extra),
                cwd=self.folder,
                stdin=subprocess.DEVNULL,
                stdout=stdout,
                stderr=stderr,
                start_new_session=True,
            )
        one = Running(process=process, place=self, out=out, err=err, began=time.monotonic())
        self.running.append(one)
        return one

    def up(self, *arguments: str, **extra: str) -> "Running":
        """Start `waardhaven up` on a free port."""
        port = () if "--port" in arguments else ("--port", "0")
        return self.start("up", *port, *arguments, **extra)

    def run(
        self, *arguments: str, timeout: float = 60.0, prefix: Sequence[str] = (), **extra: str
    ) -> subprocess.CompletedProcess[str]:
        """Run a command to its end."""
        return subprocess.run(
            [*prefix, *PROGRAM, *arguments],
            env=environment(self.folder, self.data_dir, {"COLUMNS": "200", **extra}),
            cwd=self.folder,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=timeout,
            check=False,
        )

    def processes(self) -> list[psutil.Process]:
        """Return every living process that belongs to the data directory, whoever its parent is."""
        tag = process_tag(self.data_dir) if self.data_dir.exists() else "none"
        return [one for one in psutil.process_iter() if self._owns(one, tag)]

    def _owns(self, process: psutil.Process, tag: str) -> bool:
        try:
            if process.status() == psutil.STATUS_ZOMBIE:
                return False
            if process.name() in SERVER_PROGRAMS:
                return tag in " ".join(process.cmdline())
            return process.environ().get("DATA_DIR") == str(self.data_dir)
        except psutil.Error:
            return False

    def servers(self, name: str) -> list[psutil.Process]:
        """Return the living server processes of a name, main processes first."""
        found = [one for one in self.processes() if one.name() == name]
        pids = {one.pid for one in found}
        with suppress(psutil.Error):
            found.sort(key=lambda one: one.ppid() in pids)
        return found

    def database_url(self) -> str:
        """Return the address of the running private database."""
        endpoints = attach(self.data_dir)
        assert endpoints is not None
        assert endpoints.database_url is not None
        return endpoints.database_url

    async def sql(self, statement: str, *values: object) -> Any:
        """Run one statement on the running private database; return its rows."""
        connection = await asyncpg.connect(self.database_url())
        try:
            return await connection.fetch(statement, *values)
        finally:
            await connection.close()

    def valkey(self) -> Redis:
        """Return a client of the running private Valkey."""
        endpoints = attach(self.data_dir)
        assert endpoints is not None
        assert endpoints.redis_url is not None
        return Redis.from_url(endpoints.redis_url)

    def clear(self) -> None:
        """End whatever still runs, however the test ended."""
        for one in self.running:
            if one.process.poll() is None:
                one.process.terminate()
        for one in self.running:
            try:
                one.process.wait(20)
            except subprocess.TimeoutExpired:
                one.process.kill()
                one.process.wait()
        deadline = time.monotonic() + 10
        while left := self.processes():
            for process in left:
                with suppress(psutil.Error):
                    process.kill() if time.monotonic() > deadline else process.terminate()
            time.sleep(0.05)
        shutil.rmtree(self.folder, ignore_errors=True)


@contextmanager
def new_place(like: Path | None = None) -> Iterator[Place]:
    """Lend an empty place, or one with a copy of another data directory."""
    folder = Path(tempfile.mkdtemp(prefix="wh-e2e-"))
    folder.chmod(0o755)
    place = Place(folder=folder, data_dir=folder / "data")
    try:
        if like is not None:
            subprocess.run(["cp", "-a", str(like), str(place.data_dir)], check=True)
        yield place
    finally:
        place.clear()


@dataclass(kw_only=True)
class Running:
    """A command under way."""

    process: subprocess.Popen[bytes]
    place: Place
    out: Path
    err: Path
    began: float

    @property
    def said(self) -> str:
        return self.out.read_text()

    @property
    def complained(self) -> str:
        return self.err.read_text()

    @property
    def is_over(self) -> bool:
        return self.process.poll() is not None

    def wait_for(self, words: str, seconds: float = 60.0) -> None:
        """Wait until the words are on standard output."""
        self._wait(lambda: words in self.said, repr(words), seconds)

    def url(self, seconds: float = 60.0) -> str:
        """Return the address it says it is ready at."""
        self._wait(lambda: READY.search(self.said), "it is ready", seconds)
        found = READY.search(self.said)
        assert found
        return found[1]

    def _wait(self, condition: Callable[[], object], what: str, seconds: float) -> None:
        wait_until(lambda: condition() or self.is_over, f"{what}: {self.said}{self.complained}", seconds)
        assert condition(), f"it ended with {self.process.poll()}: {self.said}{self.complained}"

    def child(self, name: str) -> psutil.Process:
        """Return the API (`serve`) or `worker` child, waiting for it."""
        return wait_until(lambda: self.find(name), f"there is a {name} child")

    def find(self, name: str) -> psutil.Process | None:
        """Return the API (`serve`) or `worker` child, None between two lives."""
        with suppress(psutil.Error):
            for one in psutil.Process(self.process.pid).children():
                with suppress(psutil.Error):
                    if "waardhaven" in one.cmdline() and name in one.cmdline():
                        return one
        return None

    def stop(self, number: signal.Signals = signal.SIGTERM) -> int:
        """Ask it to stop and return its exit code."""
        self.process.send_signal(number)
        return self.process.wait(30)

    def kill(self) -> None:
        self.process.kill()
        self.process.wait()


def client(url: str, token: str | None = None) -> httpx.Client:
    """Return a client with an address of its own, so that one does not use up the attempts of another."""
    headers = {"Authorization": f"Bearer {token}"} if token else {}
    number = next(_CLIENTS)
    address = f"127.1.{number // 250 % 250}.{number % 250 + 1}" if psutil.LINUX else None
    transport = httpx.HTTPTransport(local_address=address)
    return httpx.Client(base_url=url, headers=headers, timeout=30, transport=transport)


def is_ready(url: str) -> bool:
    """Tell whether readiness answers 200."""
    return status(url, "/health/ready") == 200


def status(url: str, path: str) -> int | None:
    """Return the status of a GET, None when nobody answers."""
    try:
        return httpx.get(f"{url}{path}", timeout=5, trust_env=False).status_code
    except httpx.HTTPError:
        return None


def register(url: str, name: str) -> str:
    """Open an account, log in to it and return its token."""
    body = {"email": f"{name}@example.org", "password": USER_PASSWORD}
    with client(url) as http:
        answer = http.post("/api/v1/auth/register", json=body)
    assert answer.status_code == 202, answer.text
    return log_in(url, body["email"])


def log_in(url: str, email: str, password: str = USER_PASSWORD) -> str:
    with client(url) as http:
        answer = http.post("/api/v1/auth/login", json={"email": email, "password": password})
    assert answer.status_code == 200, answer.text
    return str(answer.json()["access_token"])


def lines(text: str) -> list[str]:
    return [line for line in text.splitlines() if line.strip()]


def assert_one_line(done: subprocess.CompletedProcess[str] | Running, *words: str) -> None:
    """Check that it failed with one line on standard error that says these words."""
    code = done.process.wait(1) if isinstance(done, Running) else done.returncode
    said = done.complained if isinstance(done, Running) else done.stderr
    out = done.said if isinstance(done, Running) else done.stdout
    assert code != 0, out
    assert len(lines(said)) == 1, said
    assert said.startswith("waardhaven: "), said
    assert "Traceback" not in out + said
    for word in words:
        assert word in said, said

"""The first requests of the README are what a person can type."""

import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest
from tests.e2e.conftest import FirstStart
from tests.e2e.up_tools import Place

README = Path(__file__).parents[2] / "README.md"
HERE, DATA = "http://127.0.0.1:8000", ".data"

pytestmark = pytest.mark.timeout(180)


def first_requests() -> str:
    """Return the commands that open an account and use it."""
    blocks = re.findall(r"^```sh\n(.*?)^```$", README.read_text(), re.MULTILINE | re.DOTALL)
    (found,) = [block for block in blocks if "auth/register" in block]
    return str(found)


@pytest.mark.skipif(not shutil.which("curl"), reason="curl is not installed: the examples were not tried.")
def test_first_requests_of_the_readme_work_one_after_the_other(
    published_place: Place, first_start: FirstStart
):
    up = published_place.up(EMAIL_VERIFICATION="true")
    url = up.url()
    commands = first_requests()
    assert HERE in commands
    assert f"{DATA}/mail" in commands
    script = (
        commands.replace(HERE, url)
        .replace("/tmp/", f"{up.place.folder}/")
        .replace(f"{DATA}/", f"{published_place.data_dir}/")
    )
    environ = {"PATH": os.environ["PATH"], "PASSWORD": first_start.password, "HOME": str(up.place.folder)}
    done = subprocess.run(
        ["bash", "-euo", "pipefail", "-c", script],
        env=environ,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=90,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    for said in (
        "a mail is on its way to it",
        '"is_verified":true',
        '"allocations"',
        '"dates"',
        '"momentum"',
        "event: snapshot",
        '"state":"succeeded"',
        "date,value",
        '"next_runs"',
        '"method"',
        '"estimated_volatility":{"symbol":"AAPL"',
        '"terminal":{"mean":{"estimate":',
        '"corners":{"expected_returns":',
        '"type":"backtest","state":"queued"',
        '"state":"checked"',
        '"counts"',
    ):
        assert said in done.stdout, said
    for said in ("ada@example.org", "admin@localhost", "user.email_verified"):
        assert said in done.stdout, said
    assert up.stop() == 0

"""`waardhaven jobs`: everything about jobs from the command line."""

import re
import subprocess

import pytest
from tests.e2e.up_tools import Running, assert_one_line

ID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[0-9a-f]{4}-[0-9a-f]{12}")

pytestmark = pytest.mark.timeout(180)


def jobs(up: Running, *arguments: str) -> subprocess.CompletedProcess[str]:
    return up.place.run("jobs", *arguments)


def an_id(text: str) -> str:
    found = ID.search(text)
    assert found, text
    return found[0]


def test_job_is_submitted_watched_shown_and_listed(shared_up: Running):
    done = jobs(shared_up, "submit", "report", "--params", '{"period_days": 90}', "--watch")
    assert done.returncode == 0, done.stdout + done.stderr
    job = an_id(done.stdout)
    assert f"Job {job} is succeeded." in done.stdout
    shown = jobs(shared_up, "show", job)
    assert shown.returncode == 0
    for said in ("succeeded", "performance.csv", '"period_days": 90', "period_return", "1 of 5"):
        assert said in shown.stdout, said
    listed = jobs(shared_up, "list", "--type", "report", "--state", "succeeded")
    assert job in listed.stdout
    assert "100%" in listed.stdout
    assert job not in jobs(shared_up, "list", "--state", "dead").stdout


def test_same_key_gives_the_same_job(shared_up: Running):
    first = an_id(jobs(shared_up, "submit", "compute", "--key", "nightly").stdout)
    assert an_id(jobs(shared_up, "submit", "compute", "--key", "nightly").stdout) == first
    other = jobs(shared_up, "submit", "report", "--key", "nightly")
    assert_one_line(other, "idempotency key")
    assert other.returncode == 4


def test_watching_a_job_that_fails_tells_why_and_exits_with_one(shared_up: Running):
    done = jobs(shared_up, "submit", "report", "--params", '{"index": "nothing"}', "--watch")
    assert done.returncode == 1
    job = an_id(done.stdout)
    assert f"Job {job} is failed. unknown_index: There is no index 'nothing'." in done.stdout
    again = jobs(shared_up, "requeue", job)
    assert (again.returncode, again.stdout) == (0, f"Job {job} is queued.\n")
    assert jobs(shared_up, "watch", job).returncode == 1


def test_job_that_has_ended_is_neither_cancelled_nor_requeued(shared_up: Running):
    job = an_id(jobs(shared_up, "submit", "report", "--watch").stdout)
    for command in ("cancel", "requeue"):
        refused = jobs(shared_up, command, job)
        assert refused.returncode == 4
        assert_one_line(refused)


def test_recurring_jobs_are_shown_with_their_next_runs(shared_up: Running):
    shown = jobs(shared_up, "schedules")
    assert shown.returncode == 0
    for said in ("refresh", "XNYS close + 45m", "cleanup", "weekly sun 03:00"):
        assert said in shown.stdout
    assert re.search(r"\d{4}-\d\d-\d\d \d\d:45", shown.stdout), shown.stdout
    assert re.search(r"\d{4}-\d\d-\d\d 03:00", shown.stdout), shown.stdout


@pytest.mark.parametrize(
    ("arguments", "code", "says"),
    [
        (("submit", "nothing"), 2, "There is no job of type 'nothing'"),
        (("submit", "report", "--params", "[]"), 2, "must be a JSON object"),
        (("submit", "report", "--params", "{"), 2, "must be a JSON object"),
        (("submit", "cleanup", "--params", '{"days_to_keep": 1}'), 2, "parameters of the job are not valid"),
        (("show", "01903f6a-5c1e-7a52-9d0c-4b1f0d9e2a77"), 3, "There is no such job"),
        (("watch", "01903f6a-5c1e-7a52-9d0c-4b1f0d9e2a77"), 3, "There is no such job"),
        (("cancel", "x"), 2, "is not a valid UUID"),
        (("list", "--state", "asleep"), 2, "asleep"),
    ],
)
def test_bad_input_is_one_line_and_an_exit_code(
    shared_up: Running, arguments: tuple[str, ...], code: int, says: str
):
    done = jobs(shared_up, *arguments)
    assert_one_line(done, says)
    assert done.returncode == code

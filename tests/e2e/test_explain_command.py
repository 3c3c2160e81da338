"""`waardhaven explain`, and the line that the provenance of a figure names: it computes that figure again."""

import shlex

import pytest
from tests.e2e.up_tools import Place, Running, assert_one_line, client, register

V1 = "/api/v1"
DAY = "2020-03-16"

pytestmark = pytest.mark.timeout(180)


def test_the_line_that_a_figure_names_computes_that_figure_again(shared_up: Running):
    url = shared_up.url()
    with client(url, register(url, "explainer")) as http:
        asked = {"date": DAY, "symbol": "AAPL"}
        found = http.get(f"{V1}/indices/autoindex/explain", params=asked).raise_for_status().json()
        assert (found["reproduced"], found["same_code"]) == (True, True)
        figures = [found["level"]["level"], found["level"]["parts"]["prices"], found["weight"]["weight"]]
        figures.append(found["weight"]["review"]["target"])
        lines = {}
        for one in figures:
            source = http.get(f"{V1}/provenance/{one['id']}").raise_for_status().json()
            assert source["inputs"]["digest"]
            lines.setdefault(source["command"], []).append(one)
        verify = source["verify_command"]
    for line, computed in lines.items():
        program, *arguments = shlex.split(line)
        assert program == "waardhaven"
        done = shared_up.place.run(*arguments)
        assert done.returncode == 0, done.stdout + done.stderr
        assert "reproduced bit for bit" in done.stdout
        folded = "".join(done.stdout.split())
        for one in computed:
            if one["value"] is not None and "AAPL" in line:
                assert repr(one["value"]) in folded
    done = shared_up.place.run(*shlex.split(verify)[1:])
    assert done.returncode == 0
    assert "reproduced" in done.stdout


def test_files_reviews_and_previews_of_the_published_index_are_answered(shared_up: Running):
    url = shared_up.url()
    with client(url, register(url, "reader")) as http:
        index = f"{V1}/indices/autoindex"
        sheet = http.get(f"{index}/compositions/file", headers={"Accept": "text/csv"}).raise_for_status()
        assert sheet.text.splitlines()[0].startswith("symbols,names,units,close")
        opening = http.get(f"{index}/compositions/file", params={"date": DAY, "at": "opening"})
        assert opening.raise_for_status().json()["closed_on"] == DAY
        page = http.get(f"{index}/rebalances", params={"limit": 20}).raise_for_status().json()
        for one in page["items"]:
            moved = sum(map(abs, one["changes"]["change"]))
            assert moved <= one["turnover"] + 1e-9
        coming = http.get(f"{index}/pro-forma").raise_for_status().json()
        assert sum(coming["names"]["pro_forma"]) == pytest.approx(1.0)
        body = {"schedule": {"frequency": "monthly"}}
        seen = http.post(f"{index}/preview", json=body).raise_for_status().json()
        assert sum(seen["turnover"]["own"]) < sum(seen["turnover"]["live"])


def test_what_can_not_be_explained_is_one_line(published_place: Place):
    for arguments, words in (
        (("nothing",), "nothing"),
        (("autoindex", "--date", "2020-03-15"), "no published session"),
        (("autoindex", "--symbol", "ZZZZ"), "ZZZZ"),
    ):
        done = published_place.run("explain", *arguments)
        assert done.returncode in {2, 3}
        assert_one_line(done, words)


def test_a_tearsheet_of_the_published_index_is_printed(shared_up: Running):
    done = shared_up.place.run("tearsheet", "autoindex", "--benchmark", "autoindex", "--start", "2020-01-02")
    assert done.returncode == 0, done.stdout + done.stderr
    for told in ("2020-01-03 to 2022-12-28", "252 a year", "Sharpe ratio", "autoindex: drawdown", "2021"):
        assert told in done.stdout
    beta = next(line for line in done.stdout.splitlines() if "Beta" in line)
    assert "1" in beta.split()
    wrong = shared_up.place.run("tearsheet", "nothing-like-it")
    assert (wrong.returncode, len(wrong.stderr.splitlines())) == (3, 1)

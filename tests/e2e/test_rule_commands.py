"""`waardhaven rules`: rule files and methodologies from the command line."""

from pathlib import Path

import pytest
from tests.e2e.up_tools import Running, assert_one_line

pytestmark = pytest.mark.timeout(180)


def test_rules_go_out_to_a_file_and_come_back_changed(shared_up: Running, tmp_path: Path):
    place, file = shared_up.place, tmp_path / "rules.toml"
    assert place.run("rules", "export", "autoindex", str(file)).returncode == 0
    printed = place.run("rules", "export", "autoindex")
    assert printed.stdout == file.read_text(encoding="utf-8")
    same = place.run("rules", "import", str(file))
    assert "autoindex has version" in same.stdout
    text = printed.stdout.replace('slug = "autoindex"', 'slug = "copied"').replace("lag = 1", "lag = 2")
    file.write_text(text, encoding="utf-8")
    made = place.run("rules", "import", str(file), "--reason", "a copy")
    assert (made.returncode, made.stdout) == (0, "copied has version 1 of its rules.\n"), made.stderr
    told = place.run("rules", "methodology", "copied")
    assert told.stdout.startswith("# Waardhaven AutoIndex: methodology\n")
    assert "- Version 1 of" in told.stdout
    assert "(a copy)" in told.stdout


def test_bad_rule_files_are_refused_in_one_line(shared_up: Running, tmp_path: Path):
    place, file = shared_up.place, tmp_path / "rules.toml"
    file.write_text("name = ", encoding="utf-8")
    refused = place.run("rules", "import", str(file))
    assert_one_line(refused, "The rule file can not be read.")
    assert refused.returncode == 2
    file.write_bytes(b'name = "\xff"')
    assert_one_line(place.run("rules", "import", str(file)), "is not UTF-8")
    unknown = place.run("rules", "export", "nothing")
    assert_one_line(unknown, "There is no index 'nothing'.")
    assert unknown.returncode == 3

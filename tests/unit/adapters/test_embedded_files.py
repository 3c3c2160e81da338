"""Private files, passwords, state and socket paths."""

import json
import os
import re
from pathlib import Path

import pytest

from waardhaven.adapters.outbound.embedded import EmbeddedServerError, Endpoints, attach
from waardhaven.adapters.outbound.embedded.account import Account
from waardhaven.adapters.outbound.embedded.data_dir import prepare, process_tag
from waardhaven.adapters.outbound.embedded.passwords import load_passwords
from waardhaven.adapters.outbound.embedded.place import open_socket_place
from waardhaven.adapters.outbound.embedded.private_file import write_private
from waardhaven.adapters.outbound.embedded.readable_copy import can_read
from waardhaven.adapters.outbound.embedded.scratch import new_scratch_path, remove_scratch
from waardhaven.adapters.outbound.embedded.state import write_state


def test_private_file_replaces_a_link_instead_of_following_it(tmp_path: Path) -> None:
    (tmp_path / "victim").write_text("untouched")
    (tmp_path / "file").symlink_to(tmp_path / "victim")
    write_private(tmp_path / "file", "secret")
    assert (tmp_path / "victim").read_text() == "untouched"
    assert not (tmp_path / "file").is_symlink()
    assert (tmp_path / "file").stat().st_mode & 0o777 == 0o600
    assert {path.name for path in tmp_path.iterdir()} == {"victim", "file"}


def test_passwords_are_made_once_and_need_no_quoting(tmp_path: Path) -> None:
    made = load_passwords(tmp_path, may_create=True)
    assert load_passwords(tmp_path, may_create=False) == made
    words = {made.postgres_superuser, made.postgres, made.valkey}
    assert len(words) == 3
    assert all(re.fullmatch(r"[A-Za-z0-9_-]{32}", word) for word in words)


@pytest.mark.parametrize("content", ["", "[]", '{"postgres": "x"}'])
def test_damaged_passwords_are_reported(tmp_path: Path, content: str) -> None:
    (tmp_path / "passwords.json").write_text(content)
    with pytest.raises(EmbeddedServerError, match="is damaged"):
        load_passwords(tmp_path, may_create=True)


def test_endpoints_do_not_show_their_passwords() -> None:
    assert "secret" not in repr(Endpoints("postgresql://u:secret@/d", "unix://:secret@/s"))


def test_state_counts_only_while_the_lock_is_held(tmp_path: Path) -> None:
    write_state(tmp_path, Endpoints("postgresql://", None))
    assert attach(tmp_path) is None


@pytest.mark.parametrize("content", ["", "{}", json.dumps({"pid": 2**22 + 1, "started": 0.0})])
def test_state_of_nobody_counts_as_none(tmp_path: Path, content: str) -> None:
    (tmp_path / "state.json").write_text(content)
    assert attach(tmp_path) is None


def test_prepared_directory_is_absolute_new_and_closed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert prepare(Path("new/deep")) == tmp_path / "new" / "deep"
    assert (tmp_path / "new" / "deep").stat().st_mode & 0o777 == 0o700


def test_copied_directory_has_a_tag_of_its_own(tmp_path: Path) -> None:
    (tmp_path / "one").mkdir()
    (tmp_path / "two").mkdir()
    tag = process_tag(tmp_path / "one")
    (tmp_path / "one").rename(tmp_path / "moved")
    assert process_tag(tmp_path / "moved") == tag != process_tag(tmp_path / "two")


def test_sockets_that_fit_stay_in_the_data_directory(tmp_path: Path) -> None:
    place = open_socket_place(tmp_path, None)
    place.close()
    assert place.path == tmp_path / "run"


@pytest.mark.parametrize("name", ["long" * 30, "a,b"])
def test_sockets_go_to_a_private_short_directory_otherwise(tmp_path: Path, name: str) -> None:
    data_dir = tmp_path / name
    data_dir.mkdir()
    place = open_socket_place(data_dir, None)
    place.close()
    assert place.path.stat().st_mode & 0o777 == 0o700
    assert data_dir not in place.path.parents
    remove_scratch(data_dir)
    assert not place.path.exists()


def test_scratch_is_noted_before_it_exists(tmp_path: Path) -> None:
    first = new_scratch_path(tmp_path, 100)
    second = new_scratch_path(tmp_path, 100)
    assert first is not None
    assert not first.exists()
    assert (tmp_path / "scratch").read_text().splitlines() == [str(first), str(second)]
    assert new_scratch_path(tmp_path, 5) is None


def test_file_below_a_closed_directory_cannot_be_read_by_the_account(tmp_path: Path) -> None:
    stranger = Account(name="stranger", uid=54321, gid=54321)
    assert can_read(Path("/bin/sh"), stranger)
    closed = tmp_path / "closed"
    closed.mkdir(mode=0o700)
    (closed / "file").touch(mode=0o644)
    assert not can_read(closed / "file", stranger)
    assert can_read(closed / "file", Account(name="me", uid=os.geteuid(), gid=os.getegid()))


def test_directory_that_holds_nothing_but_exported_audit_heads_is_taken(tmp_path: Path) -> None:
    (tmp_path / "audit-heads.log").touch()
    assert prepare(tmp_path) == tmp_path

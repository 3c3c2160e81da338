"""HeadExport: heads kept outside the database, at most one a minute, none lost."""

from collections.abc import Callable, Iterable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from tests.fakes.head_export import FakeHeadExport

from waardhaven.adapters.outbound.audit_files.heads import FileHeadExport
from waardhaven.application.ports.head_export import HeadExport, HeadsUnwritable, MalformedHeads
from waardhaven.domain.identity.audit import GENESIS, ChainHead

NOW = datetime(2024, 6, 3, 12, 0, 0, 5, tzinfo=UTC)
MINUTE = timedelta(minutes=1)


def head(position: int) -> ChainHead:
    return ChainHead(position=position, digest=bytes([position]) * 32)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "not" / "there" / "heads.log"


@pytest.fixture(params=["fake", "file"])
def export(request: pytest.FixtureRequest, path: Path) -> HeadExport:
    return FakeHeadExport() if request.param == "fake" else FileHeadExport(path)


@pytest.fixture
def copy(export: HeadExport, tmp_path: Path) -> Callable[[Iterable[ChainHead]], Path]:
    """Return a function that makes a copy of given heads."""

    def make(heads: Iterable[ChainHead]) -> Path:
        made = tmp_path / "copy.log"
        if isinstance(export, FakeHeadExport):
            export.copies[made] = list(heads)
        else:
            lines = [f"{NOW.isoformat()} {one.position} {one.digest.hex()}\n" for one in heads]
            made.write_text("".join(lines))
        return made

    return make


async def test_nothing_kept_is_no_heads(export: HeadExport):
    assert list(export.heads()) == []


async def test_first_head_is_kept_at_once_and_the_genesis_never(export: HeadExport):
    assert not await export.offer(GENESIS, at=NOW)
    assert await export.offer(head(1), at=NOW)
    assert list(export.heads()) == [head(1)]


async def test_changed_head_is_kept_after_a_minute_and_not_before(export: HeadExport):
    await export.offer(head(1), at=NOW)
    assert not await export.offer(head(2), at=NOW + MINUTE - timedelta(microseconds=1))
    assert await export.offer(head(3), at=NOW + MINUTE)
    assert list(export.heads()) == [head(1), head(3)]


async def test_head_that_did_not_change_is_not_kept_again(export: HeadExport):
    await export.offer(head(1), at=NOW)
    assert not await export.offer(head(1), at=NOW + 5 * MINUTE)
    assert list(export.heads()) == [head(1)]


async def test_clock_that_was_set_back_does_not_stop_the_export(export: HeadExport):
    await export.offer(head(1), at=NOW)
    assert await export.offer(head(2), at=NOW - timedelta(days=1))


async def test_copy_is_read_in_place_of_our_own(export: HeadExport, copy):
    await export.offer(head(9), at=NOW)
    assert list(export.heads(copy([head(1), head(2)]))) == [head(1), head(2)]


async def test_copy_that_does_not_exist_is_refused(export: HeadExport, tmp_path: Path):
    with pytest.raises(MalformedHeads):
        list(export.heads(tmp_path / "none"))


# --- the file alone


def mode(path: Path) -> int:
    return path.stat().st_mode & 0o777


def add(path: Path, text: str) -> None:
    with path.open("a") as file:
        file.write(text)


async def test_another_process_goes_on_where_the_first_stopped(path: Path):
    await FileHeadExport(path).offer(head(1), at=NOW)
    other = FileHeadExport(path)
    assert not await other.offer(head(1), at=NOW + MINUTE)
    assert not await other.offer(head(2), at=NOW + MINUTE / 2)
    assert await other.offer(head(2), at=NOW + MINUTE)
    assert list(other.heads()) == [head(1), head(2)]


async def test_file_and_its_directory_are_for_their_owner_alone(path: Path):
    await FileHeadExport(path).offer(head(1), at=NOW)
    assert (mode(path), mode(path.parent)) == (0o600, 0o700)
    with path.open() as file:
        assert file.read() == f"2024-06-03T12:00:00.000005+00:00 1 {'01' * 32}\n"


async def test_half_a_line_left_by_a_crash_is_ignored_and_then_removed(path: Path):
    export = FileHeadExport(path)
    await export.offer(head(1), at=NOW)
    add(path, "2024-06-03T12:0")
    assert list(export.heads()) == [head(1)]
    assert await FileHeadExport(path).offer(head(2), at=NOW + MINUTE)
    assert list(export.heads()) == [head(1), head(2)]


@pytest.mark.parametrize(
    "line", ["nonsense", f"2024-06-03 1 {'01' * 32}", f"{NOW.isoformat()} 0 {'01' * 32}", "é", ""]
)
async def test_line_of_another_form_is_named(path: Path, line: str):
    export = FileHeadExport(path)
    await export.offer(head(1), at=NOW)
    add(path, f"{line}\n")
    with pytest.raises(MalformedHeads, match="Line 2"):
        list(export.heads())


async def test_heads_added_while_others_are_read_are_left_for_the_next_time(path: Path):
    export = FileHeadExport(path)
    await export.offer(head(1), at=NOW)
    reading = export.heads()
    await export.offer(head(2), at=NOW + MINUTE)
    assert list(reading) == [head(1)]


async def test_place_that_can_not_be_written_is_unavailable(path: Path, tmp_path: Path):
    (tmp_path / "not").write_text("a file")
    with pytest.raises(HeadsUnwritable):
        await FileHeadExport(path).offer(head(1), at=NOW)


async def test_link_in_place_of_the_file_is_not_followed(tmp_path: Path):
    link = tmp_path / "heads.log"
    link.symlink_to(tmp_path / "elsewhere")
    with pytest.raises(HeadsUnwritable):
        await FileHeadExport(link).offer(head(1), at=NOW)
    assert not (tmp_path / "elsewhere").exists()

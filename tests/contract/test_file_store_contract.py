"""FileStore: what every implementation must do."""

import asyncio
import os
from collections.abc import Callable
from pathlib import Path

import pytest
from tests.fakes.file_store import FakeFileStore

from waardhaven.adapters.outbound.files.store import DirectoryFileStore
from waardhaven.application.ports.file_store import FileStore, FilesUnavailable, UnknownFile


@pytest.fixture(params=["fake", "directory"])
def files(request: pytest.FixtureRequest, tmp_path: Path) -> FileStore:
    return FakeFileStore() if request.param == "fake" else DirectoryFileStore(tmp_path / "files")


async def content(files: FileStore, key: str) -> bytes:
    return b"".join([part async for part in files.read(key)])


async def test_file_is_read_back_whole(files: FileStore):
    large = os.urandom(1_000_000)
    await files.put("jobs/1/report.json", b"{}")
    await files.put("jobs/1/large.bin", large)
    await files.put("empty", b"")
    assert await content(files, "jobs/1/report.json") == b"{}"
    assert await content(files, "jobs/1/large.bin") == large
    assert await content(files, "empty") == b""


async def test_same_key_again_replaces_the_file(files: FileStore):
    await files.put("a/b", b"longer than the next")
    await files.put("a/b", b"short")
    assert await content(files, "a/b") == b"short"


async def test_file_that_is_not_there_is_unknown_and_removing_it_is_fine(files: FileStore):
    await files.remove("a/b")
    await files.put("a/b", b"x")
    await files.remove("a/b")
    await files.remove("a/b")
    with pytest.raises(UnknownFile):
        await content(files, "a/b")


@pytest.mark.parametrize(
    "key", ["../secret", "a/../../secret", "/etc/passwd", "a/.hidden/../b", "a\\..\\b", "a\0b"]
)
async def test_no_key_leads_out_of_the_store(files: FileStore, key: str):
    with pytest.raises(UnknownFile):
        await files.put(key, b"x")
    with pytest.raises(UnknownFile):
        await content(files, key)
    with pytest.raises(UnknownFile):
        await files.remove(key)


async def test_many_writers_of_one_key_leave_one_whole_file(files: FileStore):
    contents = [bytes([n]) * 100_000 for n in range(8)]
    await asyncio.gather(*(files.put("a/b", one) for one in contents))
    assert await content(files, "a/b") in contents


@pytest.fixture(params=["fake", "directory"])
def broken(request: pytest.FixtureRequest, tmp_path: Path) -> FileStore:
    """A store whose disk refuses: a file stands where the directory should be."""
    if request.param == "fake":
        return FakeFileStore(failing=True)
    (tmp_path / "files").write_text("in the way")
    return DirectoryFileStore(tmp_path / "files")


@pytest.mark.parametrize(
    "act",
    [
        lambda files: files.put("a/b", b"x"),
        lambda files: content(files, "a/b"),
        lambda files: files.remove("a/b"),
    ],
    ids=["put", "read", "remove"],
)
async def test_disk_that_refuses_is_unavailable(broken: FileStore, act: Callable[[FileStore], object]):
    with pytest.raises(FilesUnavailable):
        await act(broken)  # type: ignore[misc]


async def test_nothing_is_left_of_a_write_that_failed(tmp_path: Path):
    files = DirectoryFileStore(tmp_path)
    (tmp_path / "a" / "b").mkdir(parents=True)
    with pytest.raises(FilesUnavailable):
        await files.put("a/b", b"x")
    assert [one.name for one in (tmp_path / "a").iterdir()] == ["b"]

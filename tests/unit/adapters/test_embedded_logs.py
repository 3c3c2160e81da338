"""Log rotation and the last words of a server."""

from pathlib import Path

from waardhaven.adapters.outbound.embedded.logs import open_log, rotate, tail


def test_full_log_is_renamed_and_three_old_ones_are_kept(tmp_path: Path) -> None:
    log = tmp_path / "server.log"
    for generation in range(5):
        log.write_text(f"{generation}" * 10)
        rotate(log, limit=10, kept=3)
    assert not log.exists()
    kept = {path.name: path.read_text()[0] for path in tmp_path.iterdir()}
    assert kept == {"server.log.1": "4", "server.log.2": "3", "server.log.3": "2"}


def test_small_or_missing_log_stays(tmp_path: Path) -> None:
    log = tmp_path / "server.log"
    rotate(log)
    log.write_text("short")
    rotate(log)
    assert [path.name for path in tmp_path.iterdir()] == ["server.log"]


def test_tail_is_one_line_of_what_was_written_since(tmp_path: Path) -> None:
    log = tmp_path / "server.log"
    log.write_bytes(b"before\n")
    since = log.stat().st_size
    assert tail(log, since) == "it wrote nothing"
    with log.open("ab") as file:
        file.write(b"first\n\n  \xff last \n")
    assert tail(log, since) == "first | \N{REPLACEMENT CHARACTER} last"
    assert tail(None) == "it wrote nothing"


def test_log_is_readable_by_its_owner_alone(tmp_path: Path) -> None:
    with open_log(tmp_path / "server.log"):
        assert (tmp_path / "server.log").stat().st_mode & 0o777 == 0o600

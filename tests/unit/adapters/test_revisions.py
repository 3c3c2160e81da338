"""The newest revision, read without alembic."""

from pathlib import Path

import pytest
from alembic.script import ScriptDirectory

from waardhaven.adapters.outbound.postgres import migrations
from waardhaven.adapters.outbound.postgres.migrations import BrokenHistory, config, head


def revisions(folder: Path, monkeypatch: pytest.MonkeyPatch, **texts: str) -> None:
    (folder / "versions").mkdir()
    for name, text in texts.items():
        (folder / "versions" / f"{name}.py").write_text(text)
    monkeypatch.setattr(migrations, "scripts", lambda: folder)


def test_the_head_is_the_one_alembic_finds() -> None:
    assert head() == ScriptDirectory.from_config(config()).get_current_head()


def test_the_head_is_the_revision_no_other_follows(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    revisions(
        tmp_path,
        monkeypatch,
        b='revision: str = "b"\ndown_revision: str | None = "a"\n',
        a="revision = 'a'\ndown_revision = None\n",
        c="# revision = 'z'\nrevision = 'c'\ndown_revision = 'b'\n",
    )
    assert head() == "c"


@pytest.mark.parametrize("follows", ["'a'", "('a', 'b')"])
def test_a_history_with_two_heads_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, follows: str
) -> None:
    revisions(
        tmp_path,
        monkeypatch,
        a="revision = 'a'\ndown_revision = None\n",
        b="revision = 'b'\ndown_revision = 'a'\n",
        c=f"revision = 'c'\ndown_revision = {follows}\n",
    )
    with pytest.raises(BrokenHistory, match="'b', 'c'"):
        head()

"""Documents keep their promises: links lead somewhere, and every figure has the section its id names."""

import re
from pathlib import Path

import pytest

from waardhaven.application.indexes.figures import DOCUMENT, FIGURES

ROOT = Path(__file__).parents[2]
DOCUMENTS = sorted([ROOT / "README.md", ROOT / "benchmarks" / "README.md", *(ROOT / "docs").rglob("*.md")])
LINK = re.compile(r"\]\((?!https?://|mailto:)([^)#\s]*)(?:#([^)\s]+))?\)")
HEADING = re.compile(r"^#+ +(.+?) *$", re.MULTILINE)


def anchors(document: Path) -> set[str]:
    """Return the anchors of the headings of a document, as its host makes them."""
    titles = HEADING.findall(document.read_text(encoding="utf-8"))
    return {re.sub(r"[^\w\- ]", "", title.lower()).replace(" ", "-") for title in titles}


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda one: str(one.relative_to(ROOT)))
def test_every_link_of_a_document_leads_somewhere(document: Path) -> None:
    for path, anchor in LINK.findall(document.read_text(encoding="utf-8")):
        target = (document.parent / path).resolve() if path else document
        assert target.exists(), f"{path} is not there"
        if anchor and target.suffix == ".md":
            assert anchor in anchors(target), f"{path}#{anchor} is not there"


def test_documents_have_links_to_check() -> None:
    assert sum(len(LINK.findall(one.read_text(encoding="utf-8"))) for one in DOCUMENTS) >= 10


@pytest.mark.parametrize("name", sorted(FIGURES))
def test_every_figure_has_the_section_that_its_id_leads_to(name: str) -> None:
    assert name.replace("_", "-") in anchors(ROOT / DOCUMENT)

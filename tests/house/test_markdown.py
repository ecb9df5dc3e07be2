"""The habits of the Markdown pages: cells that can be read, links and citations that lead somewhere."""

from __future__ import annotations

import re
from pathlib import Path

from tests.docs.markdown_pages import PAPERS, anchor, cells, headings, prose
from tests.house.source_tree import PACKAGE, ROOT, TESTS, each, name

CELL_MAX = 200
CONTRACT = "restohub/docs/contract.md"
CITED = re.compile(r'contract\.md, "([^"]+)"')
BY_NUMBER = re.compile(r"\bCONTRACT,? (section|chapter)|\bchapter \d|\bsection \d of the contract", re.IGNORECASE)
LINK = re.compile(r"\]\(([^)\s]+)\)")


@each(PAPERS)
def test_no_cell_of_a_table_is_too_long_to_be_read(paper: str) -> None:
    long = [cell for row in cells(prose(paper)) for cell in row if len(cell) > CELL_MAX]
    assert long == [], f"Say it in prose below the table: a cell of {paper} has more than {CELL_MAX} characters."


@each(PAPERS)
def test_every_link_leads_somewhere(paper: str) -> None:
    dead = []
    for link in LINK.findall(prose(paper)):
        if re.match(r"\w+:", link):
            continue
        path, _, at = link.partition("#")
        target = ROOT / paper if not path else (ROOT / paper).parent / path
        if not target.exists() or (at and at not in map(anchor, headings(name(target.resolve())))):
            dead.append(link)
    assert dead == [], f"Mend these links of {paper}."


@each([one for one in PAPERS if one.startswith("restohub/docs/")])
def test_a_served_page_links_only_to_what_is_served_beside_it(paper: str) -> None:
    links = [link for link in LINK.findall(prose(paper)) if not re.match(r"\w+:|#", link)]
    assert [link for link in links if link.startswith("../")] == []


def test_every_citation_of_the_contract_is_of_a_heading_that_it_has() -> None:
    cited = {
        (name(path), heading)
        for path in (*PACKAGE, *TESTS)
        if path != Path(__file__)
        for heading in CITED.findall(re.sub(r"\s+", " ", path.read_text("utf-8")))
    }
    assert len(cited) > 5
    assert [one for one in sorted(cited) if one[1] not in headings(CONTRACT)] == []


def test_nobody_cites_the_contract_by_a_number() -> None:
    texts = {name(path): path.read_text("utf-8") for path in (*PACKAGE, *TESTS) if path != Path(__file__)}
    texts |= {paper: (ROOT / paper).read_text("utf-8") for paper in PAPERS}
    found = [(where, one[0]) for where, text in texts.items() for one in BY_NUMBER.finditer(text)]
    assert found == [], 'Cite contract.md, "the heading".'


def test_the_layers_that_the_architecture_tells_are_those_that_hold() -> None:
    told = re.search(
        r"```text\n(__main__.*?)```", (ROOT / "restohub/docs/architecture.md").read_text("utf-8"), re.DOTALL
    )
    held = re.search(r"^layers =\n((?:    .+\n)+)", (ROOT / ".importlinter").read_text("utf-8"), re.MULTILINE)
    assert told
    assert held
    assert told[1].split() == held[1].replace("restohub.", "").split()

"""Links of the pages resolve, examples parse, and generated tables match their source."""

import json
import re
from pathlib import Path

import pytest
import tree_sitter_kotlin
import tree_sitter_swift
import yaml
from tree_sitter import Language, Parser

from docs.generate_parameters import EVENT, TemplateLoader, schedule_event, table, with_table

ROOT = Path(__file__).parent.parent.parent
PAGES = sorted(
    path
    for folder in (".", "docs", "events")
    for path in (ROOT / folder).glob("*.md")
    if path.name != "CHANGELOG.md"
)
GRAMMARS = {"swift": tree_sitter_swift, "kotlin": tree_sitter_kotlin}


def blocks(page: Path, language: str) -> list[str]:
    """Returns the code blocks of a page in one language."""
    return re.findall(rf"^ *```{language}\n(.*?)^ *```", page.read_text(), re.S | re.M)


def page_name(page: Path) -> str:
    return str(page.relative_to(ROOT))


@pytest.mark.parametrize("page", PAGES, ids=page_name)
def test_every_link_leads_to_a_file(page: Path) -> None:
    links = re.findall(r"\]\(([^)#\s]+)(?:#[^)]*)?\)", page.read_text())
    missing = [
        link
        for link in links
        if not re.match(r"https?:|mailto:", link) and not (page.parent / link).exists()
    ]
    assert missing == []


@pytest.mark.parametrize("page", PAGES, ids=page_name)
def test_every_link_into_a_page_leads_to_a_heading(page: Path) -> None:
    for link, anchor in re.findall(r"\]\(([^)#\s]*)#([^)]+)\)", page.read_text()):
        target = page.parent / link if link else page
        headings = re.findall(r"^#+ (.*)$", target.read_text(), re.M)
        anchors = {
            re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings
        }
        assert anchor in anchors, f"{link}#{anchor}"


@pytest.mark.parametrize("page", PAGES, ids=page_name)
def test_every_json_example_is_json(page: Path) -> None:
    for block in blocks(page, "json"):
        try:
            json.loads(block)
        except ValueError:
            for line in block.splitlines():  # several examples, one per line
                json.loads(line)


@pytest.mark.parametrize("page", PAGES, ids=page_name)
@pytest.mark.parametrize("language", GRAMMARS)
def test_every_swift_and_kotlin_example_parses(page: Path, language: str) -> None:
    """No compiler is available; a grammar finds syntax errors."""
    parser = Parser(Language(GRAMMARS[language].language()))
    for block in blocks(page, language):
        assert not parser.parse(block.encode()).root_node.has_error, block


def test_the_clients_page_has_examples_in_every_language() -> None:
    page = ROOT / "docs" / "clients.md"
    assert all(blocks(page, language) for language in ("js", "kotlin", "swift"))


def test_the_parameter_table_matches_the_template() -> None:
    template = yaml.load((ROOT / "template.yaml").read_text(), TemplateLoader)  # noqa: S506
    page = (ROOT / "docs" / "parameters.md").read_text()
    assert with_table(page, table(template)) == page, "run `make docs`"


def test_the_event_of_the_schedule_has_the_default_pools_of_the_template() -> None:
    template = yaml.load((ROOT / "template.yaml").read_text(), TemplateLoader)  # noqa: S506
    assert EVENT.read_text() == schedule_event(template), "run `make docs`"


def test_every_make_target_that_a_page_names_exists() -> None:
    targets = set(re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text(), re.M))
    for page in PAGES:
        named = set(re.findall(r"(?:`|^)make ([a-z]+)", page.read_text(), re.M))
        assert named <= targets, page_name(page)


def test_the_operations_page_lists_every_metric_that_the_code_reports() -> None:
    sources = "".join(path.read_text() for path in ROOT.glob("layers/opentok/**/*.py"))
    reported = set(re.findall(r'telemetry\.\w+\([^()]*"([A-Z]\w+)"', sources))
    reported |= set(re.findall(r'^ +"((?:Pool|Refill)[A-Z]\w+)": ', sources, re.M))
    page = (ROOT / "docs" / "operations.md").read_text()
    section = page.split("### Metrics")[1].split("\n## ")[0]
    assert len(reported) > 30
    assert {name for name in reported if f"`{name}`" not in section} == set()


def test_the_concepts_page_explains_scalable_video() -> None:
    assert "scalableVideo" in (ROOT / "docs" / "concepts.md").read_text()


@pytest.mark.parametrize("page", ["CONTRIBUTING.md", "docs/architecture.md"])
def test_every_file_that_a_page_for_engineers_names_exists(page: str) -> None:
    folders = [
        ROOT / folder
        for folder in (
            "", "layers/opentok", "layers/opentok/opentok_sessions", "local/emulator", "tests",
        )
    ]  # fmt: skip
    spans = re.findall(r"`([\w./-]+\.(?:py|md|yaml|json|in))`", (ROOT / page).read_text())
    missing = [
        name
        for name in spans
        if not name.startswith(".local/")  # written by the local stack
        and not any((folder / name).exists() for folder in folders)
    ]
    assert spans
    assert missing == []


def test_the_readme_shows_the_steps_of_the_demo() -> None:
    demo = (ROOT / "local" / "stack" / "demo.py").read_text()
    steps = re.findall(r'progress\.(?:step|title)\(\s*"([^"]+)"', demo)
    (shown,) = blocks(ROOT / "README.md", "text")
    assert len(steps) > 8
    assert [step for step in steps if step not in shown] == []

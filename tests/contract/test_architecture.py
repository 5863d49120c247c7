"""docs/architecture.md matches the code: the import diagram, the use cases and the time budgets."""

import re
from pathlib import Path

import grimp
import pytest

from opentok_sessions.domain import deadline

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "architecture.md").read_text(encoding="utf-8")
APPLICATION = "opentok_sessions"

#: Parts that every other part may import. The diagram does not show these arrows.
NOT_DRAWN = {"domain", "runtime", "opentok_client"}
#: Modules and packages of the application with a box of their own. Others are use cases.
BOXES = {
    "composition",
    "credentials",
    "domain",
    "http",
    "runtime",
    "scheduled_handler",
    "stream_handler",
    "storage",
    "vendor",
}


@pytest.fixture(scope="module")
def graph() -> grimp.ImportGraph:
    return grimp.build_graph("functions", APPLICATION, "opentok_client", cache_dir=None)


def part_of(module: str) -> str:
    """Returns the box of a module in the diagram."""
    package, _, rest = module.partition(".")
    if package != APPLICATION:
        return package
    name = rest.partition(".")[0]
    return name if name in BOXES else "usecases"


def drawn() -> set[tuple[str, str]]:
    """Returns the arrows of the diagram."""
    section = PAGE.split("## Packages and imports")[1].split("\n## ")[0]
    (diagram,) = re.findall(r"```mermaid\n(.*?)```", section, re.S)
    arrows = set()
    for sources, targets in re.findall(r"^ +(\w[^>\n]*?) --> (.+)$", diagram, re.M):
        arrows |= {
            (source.split("[")[0].strip(), target.split("[")[0].strip())
            for source in sources.split("&")
            for target in targets.split("&")
        }
    return arrows


def test_the_import_diagram_matches_the_code(graph: grimp.ImportGraph) -> None:
    arrows = {
        (part_of(module), part_of(imported))
        for module in graph.modules
        for imported in graph.find_modules_directly_imported_by(module)
    }
    assert drawn() == {
        (source, target)
        for source, target in arrows
        if source != target and target not in NOT_DRAWN
    }


def test_the_architecture_page_lists_every_use_case(graph: grimp.ImportGraph) -> None:
    modules = {name.partition(".")[2] for name in graph.modules if part_of(name) == "usecases"} - {
        ""
    }
    (row,) = re.findall(r"^\| the modules at the top .*$", PAGE, re.M)
    assert set(re.findall(r"`(\w+)`", row.split("use cases:")[1])) == modules


def test_the_table_of_time_budgets_matches_the_code() -> None:
    documented = dict(re.findall(r"^\| `([A-Z_]+)` \| ([^|]+) \|", PAGE, re.M))
    budgets = {name: getattr(deadline, name) for name in deadline.__all__ if name.isupper()}
    assert documented.keys() == budgets.keys()
    for name, text in documented.items():
        values = tuple(float(number) for number in re.findall(r"[\d.]+", text))
        factor = {"h": 3600, "days": 24 * 3600}.get(text.split()[-1], 1)
        expected = budgets[name] if isinstance(budgets[name], tuple) else (budgets[name],)
        assert tuple(value * factor for value in values) == tuple(map(float, expected)), name

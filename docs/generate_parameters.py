"""Writes the table in docs/parameters.md and the schedule's event from template.yaml: `make docs`.

The template's descriptions are the only source.
"""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import yaml

ROOT = Path(__file__).parent.parent
PAGE = ROOT / "docs" / "parameters.md"
EVENT = ROOT / "events" / "precreate_sessions.json"
BEGIN, END = "<!-- parameters: written by `make docs` -->", "<!-- end of parameters -->"


class TemplateLoader(yaml.SafeLoader):
    """Reads the template without resolving its intrinsic functions."""


TemplateLoader.add_multi_constructor("!", lambda loader, suffix, node: None)


def table(template: dict[str, Any]) -> str:
    """Returns the parameters as a Markdown table, in the template's order."""
    rows = ["| parameter | default | meaning |", "|---|---|---|"]
    for name, parameter in template["Parameters"].items():
        default = one_line(str(parameter.get("Default", "")))
        shown = f"`{default}`" if default else "(empty)"
        rows.append(f"| `{name}` | {shown} | {one_line(parameter['Description'])} |")
    return "\n".join(rows)


def one_line(text: str) -> str:
    """Returns a text that fits into a table cell."""
    return re.sub(r"\s+", " ", text).strip().replace("|", "\\|")


def with_table(page: str, parameters: str) -> str:
    """Returns the page with its table replaced."""
    before, rest = page.split(BEGIN)
    after = rest.split(END)[1]
    return f"{before}{BEGIN}\n\n{parameters}\n\n{END}{after}"


def schedule_event(template: dict[str, Any]) -> str:
    """Returns the event that the schedule sends with the default pools."""
    pools = json.loads(template["Parameters"]["Pools"]["Default"])
    return json.dumps({"pools": pools}, indent=2) + "\n"


def main() -> None:
    """Writes the table and the event."""
    template = yaml.load((ROOT / "template.yaml").read_text(), TemplateLoader)  # noqa: S506
    PAGE.write_text(with_table(PAGE.read_text(), table(template)))
    EVENT.write_text(schedule_event(template))


if __name__ == "__main__":
    main()

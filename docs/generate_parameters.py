"""Writes the table of parameters in README.md from template.yaml: `make docs`.

What the template says of a parameter is said once, there.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import yaml

ROOT = Path(__file__).parent.parent
BEGIN, END = "<!-- parameters: written by `make docs` -->", "<!-- end of parameters -->"


class TemplateLoader(yaml.SafeLoader):
    """Reads the template without resolving its intrinsic functions."""


TemplateLoader.add_multi_constructor("!", lambda loader, suffix, node: None)


def table(template: dict[str, Any]) -> str:
    """The parameters as a Markdown table, in the template's order."""
    rows = ["| parameter | default | what it sets |", "|---|---|---|"]
    for name, parameter in template["Parameters"].items():
        default = one_line(str(parameter.get("Default", "")))
        shown = f"`{default}`" if default else "(empty)"
        rows.append(f"| `{name}` | {shown} | {one_line(parameter['Description'])} |")
    return "\n".join(rows)


def one_line(text: str) -> str:
    """The text as it can stand in a cell."""
    return re.sub(r"\s+", " ", text).strip().replace("|", "\\|")


def with_table(readme: str, parameters: str) -> str:
    """The README with its table replaced."""
    before, rest = readme.split(BEGIN)
    after = rest.split(END)[1]
    return f"{before}{BEGIN}\n\n{parameters}\n\n{END}{after}"


def main() -> None:
    """Writes the table."""
    template = yaml.load((ROOT / "template.yaml").read_text(), TemplateLoader)  # noqa: S506
    readme = ROOT / "README.md"
    readme.write_text(with_table(readme.read_text(), table(template)))


if __name__ == "__main__":
    main()

"""Takes the picture of the console page that the README shows, from a running stack.

python -m tests.integration.console.screenshot [--stack .local/stack.json] [--output FILE]
"""

import argparse
import json
import sys
from pathlib import Path

from playwright.sync_api import Browser, expect

from tests.integration.console.browser import browser
from tests.integration.console.console_page import ConsolePage

ROOT = Path(__file__).parents[3]
WIDTH = 1280
TIMEOUT_MS = 60_000


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.integration.console.screenshot")
    parser.add_argument("--stack", type=Path, default=ROOT / ".local" / "stack.json")
    parser.add_argument("--output", type=Path, default=ROOT / "docs" / "img" / "console.png")
    arguments = parser.parse_args()
    try:
        address = json.loads(arguments.stack.read_text())["consoleUrl"]
    except FileNotFoundError:
        sys.exit(f"there is no {arguments.stack}: `make up` starts the stack")
    with browser() as running:
        take(running, address, arguments.output)


def take(running: Browser, address: str, output: Path) -> None:
    """The page after a short walk: a refusal, a room with its session, a token that connects."""
    expect.set_options(timeout=TIMEOUT_MS)
    page = running.new_page(
        viewport={"width": WIDTH, "height": 900}, color_scheme="light", locale="en-GB"
    )
    page.set_default_timeout(TIMEOUT_MS)
    console = ConsolePage(page, address).open().sign_in("bob")
    # The first call of each function starts it: the picture is to show the times of those after.
    console.create()
    console.get_token()
    console.sign_in("alice")
    expect(console.requests.get_by_text("alice")).to_have_count(2)
    console.requests.get_by_role("button", name="Clear the list").click()
    console.pools.get_by_role("button", name="Refill now").click()
    expect(console.pools.get_by_role("status")).to_contain_text("routed:")

    people = console.form.get_by_label("Expected participants")
    people.fill("0")
    console.submit()
    expect(console.form.get_by_role("alert")).to_be_visible()
    people.fill("5")
    console.create(Room="consultation-4711")
    console.token.get_by_label("Data for other clients").fill("name=alice")
    console.get_token()
    expect(console.connect()).to_contain_text("Connected")
    expect(console.token.get_by_role("timer")).to_contain_text("59 min")
    expect(console.call.get_by_role("listitem")).to_have_count(1)

    page.mouse.move(0, 0)
    output.parent.mkdir(parents=True, exist_ok=True)
    page.screenshot(path=output, full_page=True, animations="disabled")


if __name__ == "__main__":
    main()

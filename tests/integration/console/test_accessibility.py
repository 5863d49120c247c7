"""axe-core finds nothing to complain of, in any state of the page, in both colour schemes.

The combinations of scheme and width are two, or all four with `SOAK=1`.
"""

from importlib import resources
from typing import Any, Literal

from playwright.sync_api import Page, expect

from tests.integration.console.conftest import OpenConsole
from tests.integration.counts import SOAK

Scheme = Literal["light", "dark"]
ALL: list[tuple[Scheme, int]] = [("light", 1280), ("dark", 390), ("light", 390), ("dark", 1280)]
VIEWS = ALL if SOAK else ALL[:2]
AXE = (resources.files("axe_playwright_python") / "axe.min.js").read_text("utf-8")


def test_axe_finds_no_violation(open_console: OpenConsole) -> None:
    # Without movement, so that no colour is caught halfway.
    console = open_console(reduced_motion="reduce")
    require_no_violation(console.page)

    console.sign_in("alice")
    console.unfold_everything()
    console.form.get_by_label("Admit only listed participants").check()
    console.form.get_by_label("With a token").check()
    console.form.get_by_label("Expected participants").fill("many")
    console.form.get_by_label("captions").check()
    console.form.get_by_label("Media mode").select_option("relayed")
    console.form.get_by_label("Others", exact=True).fill("carol boss")
    console.submit()
    expect(console.form.get_by_role("alert")).to_be_visible()
    require_no_violation(console.page)

    console.form.get_by_role("button", name="Clear").click()
    console.form.get_by_label("With a token").check()
    console.create()
    expect(console.connect()).to_contain_text("Connected")
    console.pools.get_by_role("button", name="Refill now").click()
    expect(console.pools.get_by_role("status")).not_to_be_empty()
    console.unfold_everything()
    require_no_violation(console.page)

    console.session.get_by_role("button", name="Close the session").click()
    expect(console.badges().first).to_have_text("closed")
    console.token.get_by_role("button", name="Get a token").click()
    expect(console.token.get_by_role("alert")).to_be_visible()
    require_no_violation(console.page)


def require_no_violation(page: Page) -> None:
    """Fails if axe-core finds something in one of the views."""
    for scheme, width in VIEWS:
        page.emulate_media(color_scheme=scheme, reduced_motion="reduce")
        page.set_viewport_size({"width": width, "height": 900})
        assert violations(page) == [], (scheme, width)


def violations(page: Page, besides: str = "[data-no-such]") -> list[Any]:
    """Returns what axe-core finds, each with its element, except in the elements `besides`."""
    if page.evaluate("typeof axe") == "undefined":
        page.evaluate(AXE)
    context = {"exclude": [[besides]]}
    run = "(context) => axe.run(context, { resultTypes: ['violations'] })"
    found = page.evaluate(run, context)["violations"]
    return [
        (each["id"], node["html"], node["failureSummary"])
        for each in found
        for node in each["nodes"]
    ]

"""A call that two users join through the console page, with the vendor's SDK in Chromium."""

from contextlib import ExitStack

from playwright.sync_api import Browser, Locator, Page, expect

from tests.integration.conftest import Stack
from tests.integration.console.conftest import TIMEOUT_MS
from tests.integration.console.console_page import ConsolePage, fact
from tests.integration.console.test_accessibility import violations

PLAYS = """() => [...document.querySelectorAll(".tile video")]
    .filter((video) => video.currentTime > 0.5 && video.videoWidth > 0).length === 2"""


def join(console: ConsolePage, source: str = "test picture and tone") -> Page:
    """Presses "Join" and returns the call's tab, connected."""
    console.call.get_by_label("Picture and sound").select_option(source)
    with console.page.context.expect_page() as opened:
        console.call.get_by_role("button", name="Join").click()
    tab = opened.value
    expect(status_of(tab)).to_have_text("Connected")
    return tab


def status_of(tab: Page) -> Locator:
    return tab.get_by_role("region", name="Audio and video").get_by_role("status")


def test_two_users_join_a_call_through_the_page(media_browser: Browser, stack: Stack) -> None:
    errors: list[str] = []
    with ExitStack() as contexts:

        def opened(user: str) -> ConsolePage:
            context = media_browser.new_context(viewport={"width": 1280, "height": 900})
            contexts.callback(context.close)
            context.set_default_timeout(TIMEOUT_MS)
            context.on("weberror", lambda error: errors.append(str(error.error)))
            return ConsolePage(context.new_page(), stack.facts["consoleUrl"]).open().sign_in(user)

        alice, bob = opened("alice"), opened("bob")
        session_id = alice.create(Expected_participants="2")
        bob.mine.get_by_label("Open by room or session id").fill(session_id)
        bob.mine.get_by_role("button", name="By id").click()
        expect(bob.call).to_contain_text("Only the owner and moderators see who is connected")

        tabs = {"alice": join(alice), "bob": join(bob, "camera and microphone")}
        for tab in tabs.values():
            tab.wait_for_function(PLAYS)
            expect(
                tab.get_by_role("region", name="In the call").get_by_role("listitem")
            ).to_have_count(2)

        tabs["alice"].get_by_label("Message", exact=True).fill("hello <b>bob</b>")
        tabs["alice"].get_by_role("button", name="Send").click()
        expect(tabs["bob"].get_by_label("Messages")).to_contain_text("alice hello <b>bob</b>")
        expect(tabs["alice"].get_by_label("Messages")).to_contain_text("You hello <b>bob</b>")

        # The tiles are the SDK's own.
        assert violations(tabs["alice"], besides=".video") == []
        assert violations(alice.page) == []
        listed = alice.call.get_by_role("listitem")
        expect(listed).to_have_count(2)
        expect(alice.call).to_contain_text("2 connected")
        alice.call.get_by_label("Limit of connected clients").fill("2")
        alice.call.get_by_role("button", name="Set the limit").click()
        expect(fact(alice.session, "Connections")).to_have_text("at most 2")

        alice.call.get_by_role("button", name="Remove name=bob").click()
        expect(status_of(tabs["bob"])).to_have_text("You were removed, or the call has ended.")
        expect(listed).to_have_count(1)
        expect(tabs["alice"].locator(".tile")).to_have_count(1)

        again = join(bob)
        expect(listed).to_have_count(2)
        again.get_by_role("button", name="Leave the call").click()
        expect(status_of(again)).to_have_text("You have left the call.")
        expect(listed).to_have_count(1)

        alice.session.get_by_role("button", name="Close the session").click()
        expect(status_of(tabs["alice"])).to_have_text("You were removed, or the call has ended.")
        expect(alice.call).to_contain_text("Nobody is connected")
    assert errors == []

"""The console page in a browser: the main path and its variants."""

import base64
import json
import re
import time
import uuid
from pathlib import Path
from typing import Any

import yaml
from playwright.sync_api import Route, expect

from tests.integration.conftest import Stack
from tests.integration.console.conftest import OpenConsole
from tests.integration.console.console_page import fact

CONTRACT = Path(__file__).parents[3] / "openapi.yaml"


def test_the_page_creates_joins_and_closes_a_session(open_console: OpenConsole) -> None:
    console = open_console().sign_in("alice")

    session_id = console.create(Expected_participants="2")
    expect(console.session).to_contain_text("Relayed")
    expect(console.session).to_contain_text("Why: at most two participants")
    expect(console.badges().first).to_have_text("open")
    expect(console.session.get_by_role("heading")).to_be_focused()

    console.token.get_by_label("Data for other clients").fill("name=alice")
    console.get_token()
    expect(fact(console.token, "role")).to_have_text("publisher")
    expect(fact(console.token, "session_id")).to_have_text(session_id)
    expect(fact(console.token, "connection_data")).to_have_text("name=alice")

    timer = console.token.get_by_role("timer")
    expect(timer).to_have_text(re.compile(r"^expires in (1 h 0 min 0 s|59 min \d+ s)$"))
    expect(timer).not_to_have_text(timer.inner_text())

    connected = console.connect()
    expect(connected).to_contain_text("Connected as publisher, publishing")
    expect(connected).to_contain_text("“name=alice”")

    console.session.get_by_role("button", name="Close the session").click()
    expect(console.badges().first).to_have_text("closed")
    console.token.get_by_role("button", name="Get a token").click()
    expect(console.token.get_by_role("alert")).to_contain_text("The session is closed")
    expect(console.token.get_by_role("alert")).to_contain_text("410 · session_closed")


def test_every_validation_error_is_shown_at_its_input(open_console: OpenConsole) -> None:
    console = open_console().sign_in("alice")
    people = console.form.get_by_label("Expected participants")
    people.fill("many")
    console.unfold("Media and archiving")
    name = console.form.get_by_label("Archive name")
    name.fill("weekly")
    console.unfold("Media and archiving")
    console.form.get_by_label("With a token").check()
    console.form.get_by_label("Lifetime in seconds").fill("3600000")
    console.submit()

    problem = console.form.get_by_role("alert")
    expect(problem).to_be_focused()
    expect(problem.get_by_role("listitem")).to_have_count(3)
    expect(problem).to_contain_text("400 · invalid_request")
    expect(people).to_have_accessible_description("must be an integer")
    expect(people).to_have_attribute("aria-invalid", "true")
    expect(name, "what is wrong is never folded away").to_be_visible()
    expect(console.form.get_by_label("Lifetime in seconds")).to_have_accessible_description(
        re.compile("looks like milliseconds")
    )

    problem.get_by_role("link", name="archiveName").click()
    expect(name).to_be_focused()
    people.fill("")
    name.fill("")
    console.form.get_by_label("Lifetime in seconds").fill("60")
    console.submit()
    expect(console.token.get_by_role("timer")).to_contain_text("expires in")
    expect(problem).to_be_hidden()
    expect(console.form.locator("[aria-invalid]")).to_have_count(0)


def test_two_concurrent_users_of_a_room_get_one_session(open_console: OpenConsole) -> None:
    room = f"lobby-{uuid.uuid4()}"
    consoles = [open_console().sign_in(name) for name in ("alice", "bob")]
    for console in consoles:
        console.form.get_by_label("Room", exact=True).fill(room)
        console.form.get_by_label("With a token").check()

    for console in consoles:
        console.submit()

    ids = {console.session_id() for console in consoles}
    assert len(ids) == 1
    for console in consoles:
        expect(console.badges().last).to_have_text(f"room {room}")
        expect(console.connect()).to_contain_text("Connected as publisher")


def test_a_pool_fills_serves_and_drains(open_console: OpenConsole) -> None:
    console = open_console().sign_in("bob")
    console.pools.get_by_role("button", name="Refill now").click()
    expect(console.pools.get_by_role("status")).to_contain_text("routed:")
    before = console.ready("routed")
    assert before > 0

    console.form.get_by_label("Media mode").select_option("routed")
    console.create()

    expect(console.badges().nth(1)).to_have_text("served from the pool")
    pool = console.pools.locator("[data-pool='routed']")
    expect(pool.locator(".count")).to_contain_text(f"{before - 1} of")
    expect(pool).to_contain_text("1 taken")


def test_every_user_sees_only_permitted_data(open_console: OpenConsole) -> None:
    alice, bob = open_console().sign_in("alice"), open_console().sign_in("bob")
    room = f"board-{uuid.uuid4()}"
    session_id = alice.create(Room=room)
    expect(alice.mine.get_by_role("listitem").first).to_contain_text(room)

    search = bob.mine.get_by_label("Open by room or session id")
    search.fill(session_id)
    bob.mine.get_by_role("button", name="By id").click()
    expect(fact(bob.session, "Owner")).to_have_text("alice")
    bob.session.get_by_role("button", name="Close the session").click()
    expect(bob.session.get_by_role("alert")).to_contain_text("403 · not_owner")
    search.fill(f"nowhere-{uuid.uuid4()}")
    bob.mine.get_by_role("button", name="By room").click()
    expect(bob.mine.get_by_role("alert")).to_contain_text("no session")

    # Another user in the same tab: the session stays, with that user's permissions.
    bob.sign_in("moderator")
    bob.session.get_by_role("button", name="Close the session").click()
    expect(bob.badges().first).to_have_text("closed")


def test_late_responses_of_a_previous_user_are_ignored(open_console: OpenConsole) -> None:
    """They show nothing of the previous user or session."""
    console = open_console().sign_in("bob")
    console.create()

    held: list[Route] = []

    def hold_alices(route: Route) -> None:
        """Delays her list of sessions and the session that is shown."""
        # The page reads the connections every few seconds, and the recordings of a session.
        if len(held) < 2 and not re.search("/(connections|archives)", route.request.url):
            held.append(route)
        else:
            route.continue_()

    console.page.route("**/api/**", hold_alices)
    console.user("alice").check()
    expect(console.page.get_by_text("You are signed in as alice.")).to_be_attached()
    console.user("moderator").check()
    expect(console.requests.get_by_text("moderator")).to_have_count(2)
    listed = console.mine.get_by_role("listitem").all_inner_texts()
    session_id = console.create(Room=f"moderators-{uuid.uuid4()}")

    for route in held:
        route.continue_()

    expect(console.requests.get_by_text("alice")).to_have_count(2)
    assert console.session_id() == session_id
    expect(fact(console.session, "Owner")).to_have_text("moderator")
    expect(console.mine.get_by_role("listitem")).to_have_count(min(6, len(listed) + 1))


def test_the_form_has_every_field_of_the_contract(open_console: OpenConsole, stack: Stack) -> None:
    console = open_console()
    console.unfold_everything()
    form = console.form
    for label in ("Admit only listed participants", "With a token", "End-to-end", "captions"):
        form.get_by_label(label).check()
    filled = {
        "Room": "a", "Expected participants": "3", "Archive name": "weekly",
        "Maximum connections": "20",
        "Location": "12.34.56.78", "Opens at": "2030-01-31T12:00",
        "Closes at": "2030-01-31T13:00:30",
        "Others": "carol moderator", "Idempotency-Key": "key",
        "Register an existing session": "1_abc",
        "Lifetime in seconds": "60", "Data for other clients": "d", "Layout classes": "focus full",
    }  # fmt: skip
    for label, value in filled.items():
        form.get_by_label(re.compile(f"^{label}")).fill(value)
    chosen = {
        "Media mode": "routed", "Archive mode": "always", "Resolution": "1280x720",
        "Reuse of the room": "permanent", "bob": "subscriber", "Role": "moderator",
    }  # fmt: skip
    for label, value in chosen.items():
        form.get_by_label(label, exact=True).select_option(value)

    head, body = console.will_be_sent()

    assert head == "POST /sessions\nIdempotency-Key: key"
    schemas = yaml.safe_load(CONTRACT.read_text())["components"]["schemas"]
    assert body.keys() == schemas["CreateSession"]["properties"].keys()
    assert body["token"].keys() == schemas["IssueToken"]["properties"].keys()
    bob = stack.facts["users"]["bob"]["sub"]
    assert body["participants"] == {bob: "subscriber", "carol": "moderator"}
    assert body["expectedParticipants"] == 3
    assert body["features"] == ["captions"]
    assert body["token"]["initialLayoutClassList"] == ["focus", "full"]
    assert re.fullmatch(r"2030-01-\d\dT\d\d:00:30\.000Z", body["closesAt"])


def test_the_list_of_requests_shows_requests_and_responses(open_console: OpenConsole) -> None:
    console = open_console().sign_in("alice")
    console.form.get_by_label("Media mode").select_option("relayed")
    console.form.get_by_label("Expected participants").fill("0")
    console.submit()

    entry = console.requests.get_by_role("listitem").first
    expect(entry.locator("summary")).to_contain_text("400")
    expect(entry.locator("summary")).to_contain_text("POST /sessions")
    expect(entry.locator("summary")).to_contain_text(re.compile(r"\d+ ms"))
    entry.locator("summary").click()
    expect(entry.get_by_role("group", name="Request")).to_contain_text('"mediaMode": "relayed"')
    expect(entry.get_by_role("group", name="Response")).to_contain_text("apigw-requestid: ")
    expect(entry.get_by_role("group", name="Response")).to_contain_text("invalid_request")


def test_a_t1_token_is_decoded(open_console: OpenConsole) -> None:
    console = open_console().sign_in("alice")
    session_id = console.create()
    expires = int(time.time()) + 3
    fields = f"session_id={session_id}&role=subscriber&expire_time={expires}&connection_data=a%26b"
    text = base64.b64encode(f"partner_id=12345&sig=0af:{fields}".encode()).decode()

    def older(route: Route) -> None:
        response: dict[str, Any] = route.fetch().json()
        ends = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(expires))
        route.fulfill(
            status=201,
            content_type="application/json",
            body=json.dumps({**response, "token": f"T1=={text}", "expiresAt": ends}),
        )

    console.page.route("**/tokens", older)
    console.get_token()

    expect(fact(console.token, "partner_id")).to_have_text("12345")
    expect(fact(console.token, "connection_data")).to_have_text("a&b")
    expect(console.token.get_by_role("timer")).to_have_text("has expired")
    expect(console.connect()).to_contain_text("Refused with 1004")


def test_without_a_user_the_page_asks_to_sign_in(open_console: OpenConsole) -> None:
    console = open_console()
    console.submit()

    expect(console.form.get_by_role("alert")).to_have_text("Sign in first, at the top of the page.")
    expect(console.user("alice")).to_be_focused()
    console.sign_in("alice")
    expect(console.form.get_by_role("alert")).to_be_hidden()
    console.page.reload()
    expect(console.user("alice")).to_be_checked()


def test_the_page_works_with_the_keyboard_only(open_console: OpenConsole) -> None:
    console = open_console()
    keyboard = console.page.keyboard

    keyboard.press("Tab")
    expect(console.page.get_by_role("link", name="Skip to the main content")).to_be_focused()
    keyboard.press("Tab")
    keyboard.press("Space")
    expect(console.user("alice")).to_be_checked()
    keyboard.press("ArrowRight")
    expect(console.user("bob")).to_be_checked()
    expect(console.requests.get_by_text("bob").first).to_be_visible()

    console.page.get_by_role("link", name="Skip to the main content").focus()
    keyboard.press("Enter")
    keyboard.press("Tab")
    expect(console.form.get_by_label("Room", exact=True)).to_be_focused()
    keyboard.type(f"keys-{uuid.uuid4()}")
    keyboard.press("Enter")
    expect(console.session.get_by_role("heading")).to_be_focused()
    keyboard.press("Tab")
    keyboard.press("Tab")
    keyboard.press("Tab")
    keyboard.press("Enter")
    expect(console.badges().first).to_have_text("closed")


def test_the_page_fits_a_phone(open_console: OpenConsole) -> None:
    console = open_console(width=390, height=844).sign_in("alice")
    console.form.get_by_label("With a token").check()
    console.create(Room=f"{'long-' * 20}{uuid.uuid4()}"[:128])
    console.connect()
    console.unfold_everything()

    assert console.page.evaluate("document.documentElement.scrollWidth") == 390


def test_without_the_sdk_the_page_says_how_to_install_it(open_console: OpenConsole) -> None:
    console = open_console()
    note = "Calls require the vendor's browser SDK, which is not installed."

    def without_sdk(route: Route) -> None:
        stack: dict[str, Any] = route.fetch().json()
        route.fulfill(json={**stack, "callsUnavailable": note})

    console.page.route("**/console/stack", without_sdk)
    console.page.reload()
    console.sign_in("alice")
    console.create()

    expect(console.call.get_by_text(note)).to_be_visible()
    expect(console.call.get_by_role("button", name="Join")).to_be_hidden()

"""Drives the console page by its visible texts, as a user does."""

import json
import re
from typing import Any

from playwright.sync_api import Locator, Page, Response, expect

__all__ = ["ConsolePage"]


class ConsolePage:
    """One tab with the console in it."""

    def __init__(self, page: Page, address: str) -> None:
        self.page = page
        self._address = address
        self.form = page.get_by_role("region", name="Create a session")
        self.session = page.get_by_role("region", name="Session", exact=True)
        self.call = page.get_by_role("region", name="Call", exact=True)
        self.features = page.get_by_role("region", name="Recording and captions")
        self.token = page.get_by_role("region", name="Token", exact=True)
        self.pools = page.get_by_role("region", name="Pools")
        self.mine = page.get_by_role("region", name="Your sessions")
        self.requests = page.get_by_role("region", name="Last requests")

    def open(self) -> "ConsolePage":
        self.page.goto(self._address)
        expect(self.user("alice")).to_be_visible()
        return self

    def user(self, name: str) -> Locator:
        return self.page.get_by_role("radio", name=name)

    def sign_in(self, name: str) -> "ConsolePage":
        self.user(name).check()
        expect(self.page.get_by_text("Signed in as", exact=True)).to_be_visible()
        # The list of one's own sessions is what is read last.
        expect(self.requests.get_by_text(name).first).to_be_visible()
        return self

    def unfold(self, *parts: str) -> None:
        """Open the parts of the form that are folded away."""
        for part in parts:
            self.form.get_by_text(part, exact=True).click()

    def unfold_everything(self) -> None:
        self.page.evaluate("document.querySelectorAll('details').forEach((d) => (d.open = true))")

    def submit(self) -> None:
        self.form.get_by_role("button", name="Create or join").click()

    def create(self, **fields: str) -> str:
        """Fills in these fields, by their labels, and creates; returns the session's ID."""
        for label, value in fields.items():
            self.form.get_by_label(label.replace("_", " "), exact=True).fill(value)
        with self.page.expect_response(_answers_creation) as responded:
            self.submit()
        assert responded.value.ok, responded.value.text()
        session_id = responded.value.json()["sessionId"]
        assert isinstance(session_id, str)
        expect(fact(self.session, "Session ID")).to_have_text(session_id)
        return session_id

    def session_id(self) -> str:
        """The id of the session that is shown, once there is one."""
        return fact(self.session, "Session ID").inner_text()

    def badges(self) -> Locator:
        return self.session.locator(".badge")

    def get_token(self) -> None:
        self.token.get_by_role("button", name="Get a token").click()
        expect(self.token.get_by_role("timer")).to_be_visible()

    def connect(self) -> Locator:
        """Try the token; what came of it."""
        self.token.get_by_role("button", name="Connect with it").click()
        result = self.token.get_by_role("status")
        expect(result).not_to_be_empty()
        return result

    def ready(self, pool: str) -> int:
        """How many sessions wait in a pool, as the page shows it."""
        count = self.pools.locator(f"[data-pool='{pool}'] .count").inner_text()
        found = re.match(r"(\d+)", count)
        assert found, count
        return int(found[1])

    def will_be_sent(self) -> tuple[str, Any]:
        """The request that the form describes: its head, and its body."""
        head, _, body = self.form.locator("#preview").inner_text().partition("\n\n")
        return head, json.loads(body)


def _answers_creation(response: Response) -> bool:
    return response.request.method == "POST" and response.url.endswith("/api/sessions")


def fact(region: Locator, term: str) -> Locator:
    """The value beside a term of a definition list."""
    return region.locator("dl > div", has=region.page.get_by_text(term, exact=True)).locator("dd")

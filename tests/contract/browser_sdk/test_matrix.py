"""The SDK matrix: what each role may do, by SDK version, platform and kind of token.

The results are the table in docs/fidelity.md. `WRITE_MATRIX=1` writes it; otherwise the tests
compare it. Older SDKs and T1 tokens are tested with `SOAK=1` only.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import opentok
import pytest
from opentok import MediaModes, Roles
from playwright.sync_api import Browser

from docs.generate_fidelity import PAGE
from local import browser_sdk
from tests.contract.browser_sdk.conftest import TIMEOUT
from tests.contract.browser_sdk.tab import Tab, page_server
from tests.emulator import Emulator

HERE = Path(__file__).parent
HEAD = "| SDK | platform | token | role | publish | subscribe | signal | moderate |"
ROLES = (Roles.subscriber, Roles.publisher, Roles.publisher_only, Roles.moderator)
SOAK = os.environ.get("SOAK") == "1"
T1 = (("OpenTok", "T1"),) if SOAK else ()
TOKENS = (("OpenTok", "JWT"), *T1, ("Vonage", "JWT"))
PINNED = "2.35.2"
OLDER = ("2.28.6", "2.34.2")
VERSIONS = (PINNED, *OLDER) if SOAK else (PINNED,)

results: dict[str, list[str]] = {}


class Project:
    """The vendor's server SDK for one platform and kind of token."""

    def __init__(self, emulator: Emulator, platform: str, kind: str, directory: Path) -> None:
        vonage = platform == "Vonage"
        self.key = emulator.application_id if vonage else emulator.api_key
        self._options: dict[str, Any] = {} if vonage else {"use_jwt": kind == "JWT"}
        if vonage:
            key_file = directory / "application.key"
            key_file.write_text(emulator.private_key)
            self._sdk: Any = opentok.Client(self.key, str(key_file), timeout=TIMEOUT)
            self._sdk.endpoints.api_url = emulator.url
        else:
            self._sdk = opentok.Client(
                self.key, emulator.api_secret, api_url=emulator.url, timeout=TIMEOUT
            )
        self.session_id: str = self._sdk.create_session(media_mode=MediaModes.relayed).session_id

    def join(self, tab: Tab, role: Any) -> dict[str, Any]:
        token = self._sdk.generate_token(self.session_id, role=role, **self._options)
        joined = tab.join(self.key, self.session_id, token)
        assert "connectionId" in joined, joined
        return joined


@pytest.fixture(scope="module", params=VERSIONS)
def version(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture(scope="module")
def address(version: str, emulator: Emulator) -> Iterator[str]:
    directory = browser_sdk.HERE if version == PINNED else HERE / "older"
    package = "@opentok/client" if version == PINNED else f"opentok-client-{version}"
    try:
        browser_sdk.install(directory)
    except browser_sdk.SdkUnavailable as error:
        pytest.skip(str(error))
    with page_server(emulator.url, browser_sdk.sdk_file(package, directory)) as url:
        yield url


@pytest.fixture
def open_tab(media_browser: Browser, address: str) -> Iterator[Callable[[], Tab]]:
    context = media_browser.new_context(permissions=["camera", "microphone"])
    yield lambda: Tab(context, address)
    context.close()


@pytest.mark.parametrize(("platform", "kind"), TOKENS)
def test_roles(
    emulator: Emulator,
    open_tab: Callable[[], Tab],
    version: str,
    platform: str,
    kind: str,
    tmp_path: Path,
) -> None:
    project = Project(emulator, platform, kind, tmp_path)
    host = open_tab()
    project.join(host, Roles.publisher)
    stream = host.publish()["streamId"]
    tab = open_tab()
    for role in ROLES:
        tab.page.reload()
        capabilities = project.join(tab, role)["capabilities"]
        may = {
            "publish": "streamId" in tab.publish(),
            "subscribe": tab.subscribe(stream) == {},
            "signal": tab.signal(type="chat", data="x") == {},
            "moderate": capabilities["forceDisconnect"] == 1,
        }
        assert capabilities["publish"] == may["publish"]
        assert capabilities["subscribe"] == may["subscribe"]
        assert may == {
            "publish": role is not Roles.subscriber,
            "subscribe": role is not Roles.publisher_only,
            "signal": role is not Roles.publisher_only,
            "moderate": role is Roles.moderator,
        }
        cells = [version, platform, kind, role.value]
        cells += ["yes" if allowed else "no" for allowed in may.values()]
        results.setdefault(version, []).append(f"| {' | '.join(cells)} |")


def test_matrix_is_in_the_fidelity_page(version: str) -> None:
    rows = results.get(version, [])
    assert len(rows) == len(TOKENS) * len(ROLES), "requires the whole module"
    page = PAGE.read_text("utf-8")
    before, table, after = _table(page)
    if os.environ.get("WRITE_MATRIX"):
        assert SOAK, "the table has T1 tokens, which are tested with SOAK=1"
        others = [row for row in table if not row.startswith(f"| {version} |")]
        lines = [HEAD, "|" + "---|" * 8, *sorted(rows + others, reverse=True)]
        PAGE.write_text(before + "\n".join(lines) + after, "utf-8")
    else:
        tested = tuple(f"| {version} | {platform} | {kind} |" for platform, kind in TOKENS)
        assert [row for row in table if row.startswith(tested)] == sorted(rows, reverse=True)


def _table(page: str) -> tuple[str, list[str], str]:
    """Returns the page before the table, the rows, and the page after it."""
    before, rest = page.split(HEAD, 1)
    lines = rest.split("\n\n", 1)[0].splitlines()[2:]
    return before, lines, rest[len(rest.split("\n\n", 1)[0]) :]

"""The JavaScript of docs/clients.md, word for word, with the vendor's SDK in Chromium."""

from __future__ import annotations

from typing import Any

from opentok import MediaModes

from tests.contract.browser_sdk.conftest import OpenTab
from tests.contract.test_docs import blocks
from tests.emulator import ROOT, Emulator

JOIN_AS_DOCUMENTED = """async ([code, api]) => {
  const source = URL.createObjectURL(new Blob([code], {type: "text/javascript"}));
  const {joinRoom} = await import(source);
  const joined = await joinRoom(api, "a JWT", "standup", OT);
  return {
    sessionId: joined.sessionId,
    connectionId: joined.session.connection.connectionId,
    expiresAt: joined.expiresAt.toISOString(),
  };
}"""


def test_javascript_of_the_docs_joins_a_call(
    emulator: Emulator, server_sdk: Any, open_tab: OpenTab
) -> None:
    (code,) = [
        block
        for block in blocks(ROOT / "docs" / "clients.md", "js")
        if "export async function joinRoom" in block
    ]
    session_id = server_sdk.create_session(media_mode=MediaModes.relayed).session_id
    expires_at = "2100-01-01T00:00:00.000Z"
    token = {"token": server_sdk.generate_token(session_id), "expiresAt": expires_at}
    body = {"apiKey": emulator.api_key, "sessionId": session_id, "token": token}
    tab = open_tab()
    api = f"{tab.page.url}api"
    tab.page.route(f"{api}/sessions", lambda route: route.fulfill(status=201, json=body))
    joined = tab.page.evaluate(JOIN_AS_DOCUMENTED, [code, api])
    assert (joined["sessionId"], joined["expiresAt"]) == (session_id, expires_at)
    connections: Any = emulator.session(session_id)["connections"]
    assert [c["connectionId"] for c in connections] == [joined["connectionId"]]

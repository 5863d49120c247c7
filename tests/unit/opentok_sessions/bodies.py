"""Generates bodies of `POST /sessions` with any of the fields, valid and invalid."""

from __future__ import annotations

import base64

from hypothesis import strategies as st

from opentok_client.grant import Role
from opentok_sessions.http.create_session import CREATE_FIELDS

__all__ = ["MEMBERS", "RELAYED_ID", "ROUTED_ID", "TOKEN_MEMBERS", "WRONG_VALUES", "bodies"]

RELAYED_ID = "1_MX40NzY2NTk3MX5-MTczOTUzODg5NDk1OX5ROW1jWEcxUXJOM1RJWXU4eStwcHgvZ3N-UH5-"
ROUTED_ID = "1_" + base64.urlsafe_b64encode(
    b"1~47665971~~1739538894959~abcdefgh~~~"
).decode().rstrip("=")

WRONG_VALUES = st.sampled_from([None, "", "x", 0, -1, 1.5, True, [], {}, ["x"], {"x": "y"}])
TIMES = st.sampled_from(
    [
        "2000-01-01T00:00:00Z",
        "2030-03-18T00:00:00Z",
        "2030-03-19T00:00:00+01:00",
        "9999-12-31T23:59:59Z",
        "9999-12-31T23:59:59-01:00",
    ]
)
FEATURES = ("archiving", "broadcast", "sip", "experienceComposer", "captions", "audioConnector")
TOKEN_MEMBERS: dict[str, st.SearchStrategy[object]] = {
    "role": st.sampled_from(Role),
    "expiresIn": st.integers(50, 90_000),
    "data": st.text("a é🎥", max_size=20),
    "initialLayoutClassList": st.lists(st.text("ab", min_size=1, max_size=3), max_size=2),
}
MEMBERS: dict[str, st.SearchStrategy[object]] = {
    "mediaMode": st.sampled_from(["auto", "routed", "relayed"]),
    "expectedParticipants": st.integers(1, 4) | st.integers(1, 10_000),
    "features": st.lists(st.sampled_from(FEATURES), max_size=3),
    "archiveMode": st.sampled_from(["manual", "always"]),
    "archiveName": st.text("a1 -é🎥", min_size=1, max_size=80),
    "archiveResolution": st.sampled_from(["640x480", "1080x1920"]),
    "location": st.sampled_from(["12.34.56.78", "223.255.255.255", "10.0.0.1"]),
    "e2ee": st.booleans(),
    "room": st.text("aZ0._~-", min_size=1, max_size=5),
    "reuse": st.sampled_from(["conversation", "permanent"]),
    "opensAt": TIMES,
    "closesAt": TIMES,
    "maxConnections": st.integers(1, 3000),
    "participants": st.dictionaries(
        st.text("aZé漢 \u200b", min_size=1), st.sampled_from(Role), max_size=3
    ),
    "sessionId": st.sampled_from([ROUTED_ID, RELAYED_ID]),
    "token": st.fixed_dictionaries({}, optional=TOKEN_MEMBERS),
    "other": WRONG_VALUES,
}

assert {*CREATE_FIELDS, "other"} == MEMBERS.keys(), f"each field needs values in {__file__}"


@st.composite
def bodies(draw: st.DrawFn) -> dict[str, object]:
    """Returns some of the fields, mostly with values that are valid by themselves."""
    names = draw(st.lists(st.sampled_from(CREATE_FIELDS), unique=True, max_size=6))
    wrong = draw(st.sampled_from([None] * 6 + ["other"] + names))
    names += ["other"] if wrong == "other" else []
    return {name: draw(WRONG_VALUES if name == wrong else MEMBERS[name]) for name in names}

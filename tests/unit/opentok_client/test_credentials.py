"""The secret's shapes, and that its values are never shown."""

from __future__ import annotations

import traceback

import pytest
from hypothesis import given
from hypothesis import strategies as st

from opentok_client.credentials import (
    OpenTokCredentials,
    Platform,
    VonageCredentials,
    from_secret,
)
from opentok_client.errors import InvalidCredentials, VendorError

SECRET = "do-not-show-this-secret"
PEM = f"-----BEGIN PRIVATE KEY-----\n{SECRET}\n-----END PRIVATE KEY-----"


def test_a_key_and_a_secret_are_an_opentok_project() -> None:
    credentials = from_secret({"apiKey": "47665971", "apiSecret": SECRET})
    assert credentials == OpenTokCredentials("47665971", SECRET)
    assert credentials.platform is Platform.OPENTOK
    assert credentials.project_id == "47665971"
    assert credentials.api_url == "https://api.opentok.com"


def test_an_application_and_its_key_are_a_vonage_application() -> None:
    credentials = from_secret({"applicationId": "29f760f8", "privateKey": PEM})
    assert credentials == VonageCredentials("29f760f8", PEM)
    assert credentials.platform is Platform.VONAGE
    assert credentials.project_id == "29f760f8"
    assert credentials.api_url == "https://video.api.vonage.com"


def test_a_key_may_be_a_number() -> None:
    credentials = from_secret({"apiKey": 47665971, "apiSecret": SECRET})
    assert credentials == OpenTokCredentials("47665971", SECRET)


def test_white_space_around_values_is_no_part_of_them() -> None:
    assert from_secret({"apiKey": " 1 ", "apiSecret": f"{SECRET}\n"}) == OpenTokCredentials(
        "1", SECRET
    )
    assert from_secret({"applicationId": " a\n", "privateKey": f"\n{PEM}\n"}) == VonageCredentials(
        "a", PEM
    )


def test_a_key_pasted_on_one_line_has_its_line_ends_back() -> None:
    one_line = PEM.replace("\n", "\\n")
    assert from_secret({"applicationId": "a", "privateKey": one_line}) == VonageCredentials(
        "a", PEM
    )


def test_other_members_do_not_matter() -> None:
    secret = {"apiKey": "1", "apiSecret": SECRET, "note": "of the test project"}
    assert from_secret(secret) == OpenTokCredentials("1", SECRET)


UNUSABLE: dict[str, tuple[object, str]] = {
    "null": (None, "the secret must be a JSON object"),
    "a list": ([{"apiKey": "1", "apiSecret": SECRET}], "the secret must be a JSON object"),
    "a text": (SECRET, "the secret must be a JSON object"),
    "a number": (1, "the secret must be a JSON object"),
    "nothing": ({}, "apiKey"),
    "no key": ({"apiSecret": SECRET}, "apiKey"),
    "no secret": ({"apiKey": "1"}, "apiSecret"),
    "an empty secret": ({"apiKey": "1", "apiSecret": ""}, "apiSecret"),
    "a blank secret": ({"apiKey": "1", "apiSecret": " \n"}, "apiSecret"),
    "null for a key": ({"apiKey": None, "apiSecret": SECRET}, "apiKey"),
    "true for a key": ({"apiKey": True, "apiSecret": SECRET}, "apiKey"),
    "a broken number for a key": ({"apiKey": 1.5, "apiSecret": SECRET}, "apiKey"),
    "a number for a secret": ({"apiKey": "1", "apiSecret": 12345}, "apiSecret"),
    "names in another case": ({"apikey": "1", "apisecret": SECRET}, "apiKey"),
    "no application": ({"privateKey": PEM}, "applicationId"),
    "no private key": ({"applicationId": "a"}, "privateKey"),
    "an empty application": ({"applicationId": "", "privateKey": PEM}, "applicationId"),
    "a number for an application": ({"applicationId": 1, "privateKey": PEM}, "applicationId"),
    "a list for a private key": ({"applicationId": "a", "privateKey": [PEM]}, "privateKey"),
    "a secret without a UTF-8 form": ({"apiKey": "1", "apiSecret": SECRET + "\ud800"}, "apiSecret"),
    "a key without a UTF-8 form": (
        {"applicationId": "a", "privateKey": PEM + "\ud800"},
        "privateKey",
    ),
    "an application beside a secret": (
        {"apiKey": "1", "apiSecret": SECRET, "applicationId": "a"},
        "privateKey",
    ),
}


@pytest.mark.parametrize(("secret", "named"), UNUSABLE.values(), ids=UNUSABLE.keys())
def test_an_unusable_secret_names_the_member_and_shows_no_value(secret: object, named: str) -> None:
    with pytest.raises(InvalidCredentials) as refused:
        from_secret(secret)
    assert str(refused.value).startswith(named)
    assert SECRET not in "".join(traceback.format_exception(refused.value))
    assert SECRET not in repr(refused.value)


def test_unusable_credentials_are_an_error_of_the_client() -> None:
    assert issubclass(InvalidCredentials, VendorError)


@pytest.mark.parametrize(
    "credentials", [OpenTokCredentials("1", SECRET), VonageCredentials("1", PEM)]
)
def test_credentials_show_the_project_and_nothing_secret(
    credentials: OpenTokCredentials | VonageCredentials,
) -> None:
    for shown in (repr(credentials), str(credentials), f"{credentials}", f"{[credentials]}"):
        assert "1" in shown
        assert SECRET not in shown


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=5,
)
MEMBERS = st.sampled_from(["apiKey", "apiSecret", "applicationId", "privateKey", "other"])


@given(JSON | st.dictionaries(MEMBERS, JSON))
def test_any_secret_is_read_or_refused(secret: object) -> None:
    try:
        credentials = from_secret(secret)
    except InvalidCredentials:
        return
    assert credentials.project_id == credentials.project_id.strip() != ""

"""The secret's shapes, and that its values are never shown."""

from __future__ import annotations

import base64
import traceback

import pytest
from hypothesis import given
from hypothesis import strategies as st

from opentok_client.credentials import (
    Credentials,
    OpenTokCredentials,
    Platform,
    VonageCredentials,
    from_secret,
)
from opentok_client.errors import InvalidCredentials, VendorError

SECRET = "do+not/show+this+secret+0123456789="
PEM = f"-----BEGIN PRIVATE KEY-----\n{SECRET}\n{SECRET}\n-----END PRIVATE KEY-----"
OPENTOK = {"apiKey": "47665971", "apiSecret": SECRET}
VONAGE = {"applicationId": "29f760f8", "privateKey": PEM}
SIGNATURE = "signature-secret-that-must-stay-hidden"


def opentok(**fields: object) -> Credentials:
    return from_secret({**OPENTOK, **fields}, Platform.OPENTOK)


def vonage(**fields: object) -> Credentials:
    return from_secret({**VONAGE, **fields}, Platform.VONAGE)


def test_an_opentok_project_has_a_key_and_a_secret() -> None:
    credentials = opentok()
    assert credentials == OpenTokCredentials("47665971", SECRET)
    assert credentials.platform is Platform.OPENTOK
    assert credentials.project_id == "47665971"
    assert credentials.api_url == "https://api.opentok.com"


def test_a_vonage_application_has_an_id_and_a_private_key() -> None:
    credentials = vonage()
    assert credentials == VonageCredentials("29f760f8", PEM)
    assert credentials.platform is Platform.VONAGE
    assert credentials.project_id == "29f760f8"
    assert credentials.api_url == "https://video.api.vonage.com"


@pytest.mark.parametrize("api_key", [47665971, 47665971.0, 4.7665971e7, " 47665971\n"])
def test_an_api_key_may_be_an_integer_in_any_notation(api_key: object) -> None:
    assert opentok(apiKey=api_key) == OpenTokCredentials("47665971", SECRET)


@pytest.mark.parametrize(
    "api_key",
    [
        *(True, 1.5, -1, -1.0, 1e300, 10**400, float("inf"), float("nan")),
        *("abc", "47665971.0", "4766 5971", "٤٧", "0x10", [47665971], {}),
    ],
)
def test_an_api_key_that_is_not_an_integer_must_be_digits(api_key: object) -> None:
    with pytest.raises(InvalidCredentials, match=r"^apiKey must be digits$"):
        opentok(apiKey=api_key)


def test_white_space_around_values_is_removed() -> None:
    assert opentok(apiSecret=f" {SECRET}\n") == OpenTokCredentials("47665971", SECRET)
    assert vonage(applicationId=" 29f760f8\n") == VonageCredentials("29f760f8", PEM)


PASTED = {
    "as it is": PEM,
    "with surrounding white space": f"\n {PEM} \n",
    "with Windows line ends": PEM.replace("\n", "\r\n"),
    "on one line with \\n": PEM.replace("\n", "\\n"),
    "on one line with \\r\\n": PEM.replace("\n", "\\r\\n"),
    "on one line with \\n escaped twice": PEM.replace("\n", "\\\\n"),
    "on one line with \\n at its end": PEM.replace("\n", "\\n") + "\\n",
    "on one line with spaces": PEM.replace("\n", " "),
    "in quotes, as in a .env file": '"' + PEM.replace("\n", "\\n") + '"',
    "as base64": base64.b64encode(PEM.encode()).decode(),
    "as base64 of Windows line ends": base64.b64encode(PEM.replace("\n", "\r\n").encode()).decode(),
    "as base64 with line breaks": base64.encodebytes(PEM.encode()).decode(),
    "as base64 with \\n": base64.encodebytes(PEM.encode()).decode().replace("\n", "\\n"),
}


@pytest.mark.parametrize("private_key", PASTED.values(), ids=PASTED.keys())
def test_a_private_key_is_read_however_it_was_pasted(private_key: str) -> None:
    assert vonage(privateKey=private_key) == VonageCredentials("29f760f8", PEM)


@pytest.mark.parametrize("text", ["hunter2", "aHVudGVyMg==", "aHVudGVyMg", "//8=", "é"])
def test_a_private_key_of_no_known_form_is_kept_for_the_signer_to_refuse(text: str) -> None:
    assert vonage(privateKey=text) == VonageCredentials("29f760f8", text)


def test_unknown_fields_are_ignored() -> None:
    assert opentok(note="of the test project") == OpenTokCredentials("47665971", SECRET)


@pytest.mark.parametrize("absent", [None, "", " \n"])
def test_the_platform_decides_which_account_of_a_secret_is_used(absent: str | None) -> None:
    both = OPENTOK | VONAGE
    assert from_secret(both, Platform.OPENTOK) == opentok()
    assert from_secret(both, Platform.VONAGE) == vonage()
    assert opentok(applicationId=absent, privateKey=absent) == opentok()
    assert vonage(apiKey=absent, apiSecret=absent) == vonage()


@pytest.mark.parametrize(
    ("secret", "platform", "other"),
    [
        (VONAGE, Platform.OPENTOK, "vonage"),
        ({**VONAGE, "apiKey": "", "apiSecret": None}, Platform.OPENTOK, "vonage"),
        (OPENTOK, Platform.VONAGE, "opentok"),
        ({**OPENTOK, "applicationId": None, "privateKey": ""}, Platform.VONAGE, "opentok"),
        ({"apiSecret": SECRET}, Platform.VONAGE, "opentok"),
    ],
)
def test_a_secret_of_the_other_platform_is_refused_with_both_names(
    secret: object, platform: Platform, other: str
) -> None:
    with pytest.raises(InvalidCredentials) as refused:
        from_secret(secret, platform)
    assert str(refused.value) == (
        f"the secret contains credentials of the {other} platform, but the parameter Platform"
        f" is {platform}: change one of them"
    )


OBJECT = "the secret must be a JSON object"
UNUSABLE: dict[str, tuple[object, str]] = {
    "null": (None, OBJECT),
    "a list": ([OPENTOK], OBJECT),
    "a text": (SECRET, OBJECT),
    "a number": (1, OBJECT),
    "an empty object": ({}, "apiKey is missing"),
    "no key": ({"apiSecret": SECRET}, "apiKey is missing"),
    "no secret": ({"apiKey": "1"}, "apiSecret is missing"),
    "an empty secret": ({"apiKey": "1", "apiSecret": ""}, "apiSecret is missing"),
    "white space for a secret": ({"apiKey": "1", "apiSecret": " \n"}, "apiSecret is missing"),
    "null for a key": ({"apiKey": None, "apiSecret": SECRET}, "apiKey is missing"),
    "a number for a secret": ({"apiKey": "1", "apiSecret": 12345}, "apiSecret is missing"),
    "names in lower case": ({"apikey": "1", "apisecret": SECRET}, "apiKey is missing"),
    "a secret without a UTF-8 form": (
        {"apiKey": "1", "apiSecret": SECRET + "\ud800"},
        "apiSecret must be well-formed Unicode",
    ),
}
UNUSABLE_VONAGE: dict[str, tuple[object, str]] = {
    "an empty object": ({}, "applicationId is missing"),
    "no application": ({"privateKey": PEM}, "applicationId is missing"),
    "no private key": ({"applicationId": "a"}, "privateKey is missing"),
    "an empty application": ({"applicationId": "", "privateKey": PEM}, "applicationId is missing"),
    "a number for an application": (
        {"applicationId": 1, "privateKey": PEM},
        "applicationId is missing",
    ),
    "a list for a private key": (
        {"applicationId": "a", "privateKey": [PEM]},
        "privateKey is missing",
    ),
    "a key without a UTF-8 form": (
        {"applicationId": "a", "privateKey": PEM + "\ud800"},
        "privateKey must be well-formed Unicode",
    ),
    "an application beside an API secret": (
        {**OPENTOK, "applicationId": "a"},
        "privateKey is missing",
    ),
}


def _refused(secret: object, platform: Platform, message: str) -> None:
    with pytest.raises(InvalidCredentials) as refused:
        from_secret(secret, platform)
    assert str(refused.value).startswith(message)
    assert SECRET not in "".join(traceback.format_exception(refused.value))
    assert SECRET not in repr(refused.value)


@pytest.mark.parametrize(("secret", "message"), UNUSABLE.values(), ids=UNUSABLE.keys())
def test_an_unusable_opentok_secret_names_the_field_and_shows_no_value(
    secret: object, message: str
) -> None:
    _refused(secret, Platform.OPENTOK, message)


@pytest.mark.parametrize(
    ("secret", "message"), UNUSABLE_VONAGE.values(), ids=UNUSABLE_VONAGE.keys()
)
def test_an_unusable_vonage_secret_names_the_field_and_shows_no_value(
    secret: object, message: str
) -> None:
    _refused(secret, Platform.VONAGE, message)


class TestSignatureSecret:
    @pytest.mark.parametrize(
        ("value", "expected"),
        [
            (SIGNATURE, (SIGNATURE,)),
            (f" {SIGNATURE}\n", (SIGNATURE,)),
            (["new", "old"], ("new", "old")),
            (["new", "", None], ("new",)),
            (None, ()),
            ("", ()),
            (" ", ()),
            ([], ()),
            ([""], ()),
        ],
    )
    def test_the_signature_secret_is_optional_and_a_text_or_a_list(
        self, value: object, expected: tuple[str, ...]
    ) -> None:
        assert opentok().signature_secrets == vonage().signature_secrets == ()
        assert opentok(signatureSecret=value).signature_secrets == expected
        assert vonage(signatureSecret=value).signature_secrets == expected

    @pytest.mark.parametrize(
        "value", [1, True, {"a": "b"}, ["a", 1], [["a"]], f"{SIGNATURE}\ud800"]
    )
    def test_an_unusable_signature_secret_is_refused_and_not_shown(self, value: object) -> None:
        for make in (opentok, vonage):
            with pytest.raises(InvalidCredentials, match=r"^signatureSecret must be") as refused:
                make(signatureSecret=value)
            assert SIGNATURE not in "".join(traceback.format_exception(refused.value))


def test_unusable_credentials_are_an_error_of_the_client() -> None:
    assert issubclass(InvalidCredentials, VendorError)


def test_credentials_show_the_project_and_no_secret() -> None:
    for credentials in (opentok(signatureSecret=SIGNATURE), vonage(signatureSecret=[SIGNATURE])):
        for shown in (repr(credentials), str(credentials), f"{credentials}", f"{[credentials]}"):
            assert credentials.project_id in shown
            assert SECRET not in shown
            assert SIGNATURE not in shown


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=5,
)
FIELDS = st.sampled_from(
    ["apiKey", "apiSecret", "applicationId", "privateKey", "signatureSecret", "other"]
)


@given(JSON | st.dictionaries(FIELDS, JSON), st.sampled_from(Platform))
def test_every_secret_is_read_or_refused(secret: object, platform: Platform) -> None:
    try:
        credentials = from_secret(secret, platform)
    except InvalidCredentials:
        return
    assert credentials.platform is platform
    assert credentials.project_id == credentials.project_id.strip() != ""
    assert all(text.strip() for text in credentials.signature_secrets)

"""What a session can be created with: every rule of the vendor, alone and together."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from opentok_client.errors import Invalid, VendorError, Violation
from opentok_client.options import ARCHIVE_RESOLUTIONS, ArchiveMode, MediaMode, SessionOptions

ROUTED, RELAYED = MediaMode.ROUTED, MediaMode.RELAYED
MANUAL, ALWAYS = ArchiveMode.MANUAL, ArchiveMode.ALWAYS
SIX = ("640x480", "480x640", "1280x720", "720x1280", "1920x1080", "1080x1920")

LEGAL = {
    "nothing": SessionOptions(),
    "routed": SessionOptions(media_mode=ROUTED),
    "relayed": SessionOptions(media_mode=RELAYED),
    "always": SessionOptions(archive_mode=ALWAYS),
    "a name of one character": SessionOptions(archive_mode=ALWAYS, archive_name="a"),
    "a name of eighty": SessionOptions(archive_mode=ALWAYS, archive_name="é" * 80),
    "a routed session encrypted": SessionOptions(e2ee=True),
    "a relayed session somewhere": SessionOptions(media_mode=RELAYED, location="12.34.56.78"),
    "the lowest public address": SessionOptions(location="1.0.0.0"),
    "the highest unicast address": SessionOptions(location="223.255.255.255"),
}


@pytest.mark.parametrize("options", LEGAL.values(), ids=LEGAL.keys())
def test_every_combination_that_the_vendor_accepts_is_accepted(options: SessionOptions) -> None:
    assert options.form()["archiveMode"] == options.archive_mode.value


@pytest.mark.parametrize("resolution", SIX)
def test_the_six_archive_resolutions_are_accepted(resolution: str) -> None:
    options = SessionOptions(archive_mode=ALWAYS, archive_resolution=resolution)
    assert options.form()["archiveResolution"] == resolution


def test_other_archive_resolutions_are_refused() -> None:
    assert set(ARCHIVE_RESOLUTIONS) == set(SIX)


# What is asked for -> the members that are wrong, and those that are wrong only together.
ILLEGAL: dict[str, tuple[dict[str, object], set[str], set[str]]] = {
    "always and relayed": (
        {"media_mode": RELAYED, "archive_mode": ALWAYS},
        set(),
        {"archiveMode"},
    ),
    "a name without always": ({"archive_name": "lesson"}, set(), {"archiveName"}),
    "a resolution without always": (
        {"archive_resolution": "640x480"},
        set(),
        {"archiveResolution"},
    ),
    "encrypted and relayed": ({"media_mode": RELAYED, "e2ee": True}, set(), {"e2ee"}),
    "encrypted and archived": ({"archive_mode": ALWAYS, "e2ee": True}, set(), {"e2ee"}),
    "an empty name": ({"archive_mode": ALWAYS, "archive_name": ""}, {"archiveName"}, set()),
    "an empty name without always": ({"archive_name": ""}, {"archiveName"}, {"archiveName"}),
    "a name of 81 characters": (
        {"archive_mode": ALWAYS, "archive_name": "n" * 81},
        {"archiveName"},
        set(),
    ),
    "a name without a UTF-8 form": (
        {"archive_mode": ALWAYS, "archive_name": "lesson \ud800"},
        {"archiveName"},
        set(),
    ),
    "a seventh resolution": (
        {"archive_mode": ALWAYS, "archive_resolution": "800x600"},
        {"archiveResolution"},
        set(),
    ),
    "an empty resolution": (
        {"archive_mode": ALWAYS, "archive_resolution": ""},
        {"archiveResolution"},
        set(),
    ),
    "everything together": (
        {
            "media_mode": RELAYED,
            "archive_mode": ALWAYS,
            "archive_name": "n" * 81,
            "archive_resolution": "1x1",
            "location": "10.0.0.1",
            "e2ee": True,
        },
        {"archiveName", "archiveResolution", "location"},
        {"archiveMode", "e2ee"},
    ),
}


@pytest.mark.parametrize(("asked", "values", "combinations"), ILLEGAL.values(), ids=ILLEGAL.keys())
def test_every_field_that_breaks_a_rule_is_named(
    asked: dict[str, object], values: set[str], combinations: set[str]
) -> None:
    with pytest.raises(Invalid) as refused:
        SessionOptions(**asked)  # type: ignore[arg-type]
    violations = refused.value.violations
    assert {v.field for v in violations if not v.combination} == values
    assert {v.field for v in violations if v.combination} == combinations
    for member in values | combinations:
        assert member in str(refused.value)


def test_encrypted_relayed_and_archived_breaks_both_rules_of_encryption() -> None:
    with pytest.raises(Invalid) as refused:
        SessionOptions(media_mode=RELAYED, archive_mode=ALWAYS, e2ee=True)
    assert [v.field for v in refused.value.violations] == ["archiveMode", "e2ee", "e2ee"]


@pytest.mark.parametrize(
    ("location", "reason"),
    [
        ("127.0.0.1", "a loopback"),
        ("224.0.0.1", "a multicast"),
        ("239.255.255.255", "a multicast"),
        ("169.254.169.254", "a link-local"),
        ("10.1.2.3", "a private or reserved"),
        ("172.16.0.1", "a private or reserved"),
        ("192.168.1.1", "a private or reserved"),
        ("100.64.0.1", "a private or reserved"),
        ("192.0.2.1", "a private or reserved"),
        ("0.0.0.1", "a private or reserved"),
        ("240.0.0.1", "a private or reserved"),
        ("255.255.255.255", "a private or reserved"),
        ("", "an IPv4 address"),
        ("null", "an IPv4 address"),
        ("localhost", "an IPv4 address"),
        ("eu", "an IPv4 address"),
        ("1", "an IPv4 address"),
        ("12.34.56", "an IPv4 address"),
        ("12.34.56.256", "an IPv4 address"),
        ("12.34.56.078", "an IPv4 address"),
        ("12.34.56.78 ", "an IPv4 address"),
        ("12.34.56.78/32", "an IPv4 address"),
        ("0x7f.1", "an IPv4 address"),
        ("١٢.34.56.78", "an IPv4 address"),
        ("2001:4860:4860::8888", "an IPv4 address"),
    ],
)
def test_a_location_is_a_public_ipv4_address(location: str, reason: str) -> None:
    with pytest.raises(Invalid) as refused:
        SessionOptions(location=location)
    [violation] = refused.value.violations
    assert violation.field == "location"
    assert not violation.combination
    assert reason in violation.message


def test_the_form_contains_exactly_the_options_that_are_set() -> None:
    assert SessionOptions().form() == {"p2p.preference": "disabled", "archiveMode": "manual"}
    assert SessionOptions(media_mode=RELAYED).form()["p2p.preference"] == "enabled"
    assert SessionOptions(
        archive_mode=ALWAYS,
        archive_name="lesson",
        archive_resolution="1280x720",
        location="12.34.56.78",
    ).form() == {
        "p2p.preference": "disabled",
        "archiveMode": "always",
        "archiveName": "lesson",
        "archiveResolution": "1280x720",
        "location": "12.34.56.78",
    }


def test_encryption_is_requested_in_lower_case() -> None:
    assert SessionOptions(e2ee=True).form()["e2ee"] == "true"


def test_equal_options_are_interchangeable() -> None:
    assert SessionOptions(location="12.34.56.78") == SessionOptions(location="12.34.56.78")
    assert len({SessionOptions(), SessionOptions(), SessionOptions(e2ee=True)}) == 2
    with pytest.raises(AttributeError):
        SessionOptions().e2ee = True  # type: ignore[misc]


def test_an_invalid_choice_is_an_error_of_the_client_and_a_value_error() -> None:
    invalid = Invalid([Violation("location", "must be an IPv4 address")])
    assert isinstance(invalid, VendorError)
    assert isinstance(invalid, ValueError)
    assert str(invalid) == "location: must be an IPv4 address"


@given(
    media_mode=st.sampled_from(MediaMode),
    archive_mode=st.sampled_from(ArchiveMode),
    archive_name=st.none() | st.text(max_size=90),
    archive_resolution=st.none() | st.sampled_from([*SIX, "", "1x1"]),
    location=st.none() | st.ip_addresses(v=4).map(str) | st.text(max_size=16),
    e2ee=st.booleans(),
)
def test_no_forbidden_combination_reaches_the_vendor(
    media_mode: MediaMode,
    archive_mode: ArchiveMode,
    archive_name: str | None,
    archive_resolution: str | None,
    location: str | None,
    e2ee: bool,
) -> None:
    always, relayed = archive_mode is ALWAYS, media_mode is RELAYED
    forbidden = (
        (always and relayed)
        or (e2ee and (always or relayed))
        or (not always and (archive_name is not None or archive_resolution is not None))
    )
    try:
        form = SessionOptions(
            media_mode, archive_mode, archive_name, archive_resolution, location, e2ee
        ).form()
    except Invalid as invalid:
        assert any(v.combination for v in invalid.violations) is forbidden
        return
    assert not forbidden
    assert archive_name is None or 1 <= len(form["archiveName"]) <= 80
    assert archive_resolution is None or form["archiveResolution"] in SIX
    assert form.get("e2ee", "true") == "true"
    assert form["p2p.preference"] == ("enabled" if relayed else "disabled")

"""The choice of the media mode, and the reason that the caller gets."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from opentok_client.options import MediaMode
from opentok_sessions.domain.media_mode import ADAPTIVE_ROUTING_SINCE, Feature, choose

ROUTED, RELAYED = MediaMode.ROUTED, MediaMode.RELAYED
EVERY_FEATURE = tuple(Feature)


def test_the_features_are_those_that_need_the_router() -> None:
    assert {feature.value for feature in Feature} == {
        "archiving",
        "broadcast",
        "sip",
        "experienceComposer",
        "captions",
        "audioConnector",
    }


def test_the_versions_from_which_on_clients_adapt() -> None:
    assert ADAPTIVE_ROUTING_SINCE == {"web": "2.24.7", "native": "2.27.0"}


@pytest.mark.parametrize(
    ("participants", "features", "archived", "e2ee", "expected", "reason"),
    [
        (None, (), False, False, ROUTED, "the number of participants is unknown"),
        (1, (), False, False, RELAYED, "at most two participants"),
        (2, (), False, False, RELAYED, "at most two participants"),
        (3, (), False, False, ROUTED, "required for 3 participants"),
        (10_000, (), False, False, ROUTED, "required for 10000 participants"),
        (2, (Feature.ARCHIVING,), False, False, ROUTED, "required for archiving"),
        (2, (Feature.SIP, Feature.CAPTIONS), False, False, ROUTED, "required for sip, captions"),
        (2, (), True, False, ROUTED, "required for archiveMode 'always'"),
        (2, (), False, True, ROUTED, "required for e2ee"),
        (
            5,
            (Feature.BROADCAST,),
            True,
            False,
            ROUTED,
            "required for broadcast and archiveMode 'always' and 5 participants",
        ),
        (None, (Feature.ARCHIVING,), False, False, ROUTED, "required for archiving"),
    ],
)
def test_auto_chooses_a_media_mode_and_gives_the_reason(
    participants: int | None,
    features: tuple[Feature, ...],
    archived: bool,
    e2ee: bool,
    expected: MediaMode,
    reason: str,
) -> None:
    choice = choose(None, participants, features, archived, e2ee)
    assert choice.media_mode is expected
    assert reason in choice.reason


@pytest.mark.parametrize("feature", Feature)
def test_each_feature_needs_the_router(feature: Feature) -> None:
    choice = choose(None, 2, (feature,))
    assert choice.media_mode is ROUTED
    assert choice.needs_router == {"features"}
    assert feature.value in choice.reason


@pytest.mark.parametrize("asked", MediaMode)
def test_a_requested_media_mode_is_used(asked: MediaMode) -> None:
    for participants in (None, 1, 100):
        choice = choose(asked, participants, EVERY_FEATURE, archived=True, e2ee=True)
        assert choice.media_mode is asked
        assert choice.reason == "as requested"


def test_the_fields_that_require_the_router_are_named() -> None:
    assert choose(None).needs_router == set()
    assert choose(None, 2).needs_router == set()
    assert choose(None, 3).needs_router == {"expectedParticipants"}
    assert choose(None, archived=True).needs_router == {"archiveMode"}
    assert choose(None, e2ee=True).needs_router == {"e2ee"}
    assert choose(RELAYED, 3, EVERY_FEATURE, archived=True, e2ee=True).needs_router == {
        "features",
        "archiveMode",
        "e2ee",
        "expectedParticipants",
    }


@given(
    participants=st.none() | st.integers(1, 10_000),
    features=st.lists(st.sampled_from(Feature), unique=True).map(tuple),
    archived=st.booleans(),
    e2ee=st.booleans(),
)
def test_auto_never_relays_what_needs_the_router(
    participants: int | None, features: tuple[Feature, ...], archived: bool, e2ee: bool
) -> None:
    choice = choose(None, participants, features, archived, e2ee)
    needed = bool(features) or archived or e2ee or (participants or 0) > 2
    assert bool(choice.needs_router) is needed
    relayed = not needed and participants is not None
    assert choice.media_mode is (RELAYED if relayed else ROUTED)
    assert choice.reason

"""Key rotation, with a clock that the test controls."""

from __future__ import annotations

import pytest

from local.emulator.projects import InvalidCredentials, Platform, Projects, generated_credentials


class Clock:
    def __init__(self) -> None:
        self.now = 1_800_000_000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def projects(clock: Clock) -> Projects:
    projects = Projects(clock)
    projects.load({"opentok": {"apiKey": "1234", "apiSecret": "first"}})
    return projects


def _keys(projects: Projects, api_key: str = "1234") -> list[object] | None:
    project = projects.find(Platform.OPENTOK, api_key)
    return None if project is None else list(project.keys(projects.clock()))


def test_old_key_expires_immediately_by_default(projects: Projects) -> None:
    projects.change(Platform.OPENTOK, {"apiSecret": "second"})
    assert _keys(projects) == ["second"]


def test_old_key_expires_after_the_requested_time(projects: Projects, clock: Clock) -> None:
    projects.change(Platform.OPENTOK, {"apiSecret": "second"}, old_valid_seconds=60)
    assert _keys(projects) == ["second", "first"]
    clock.now += 59.9
    assert _keys(projects) == ["second", "first"]
    clock.now += 0.1
    assert _keys(projects) == ["second"]


def test_later_rotation_does_not_extend_an_old_key(projects: Projects, clock: Clock) -> None:
    projects.change(Platform.OPENTOK, {"apiSecret": "second"}, old_valid_seconds=60)
    projects.change(Platform.OPENTOK, {"apiSecret": "third"}, old_valid_seconds=3600)
    clock.now += 61
    assert _keys(projects) == ["third", "second"]


def test_former_project_expires(projects: Projects, clock: Clock) -> None:
    projects.change(Platform.OPENTOK, {"apiKey": "99", "apiSecret": "x"}, old_valid_seconds=60)
    assert (_keys(projects), _keys(projects, "99")) == (["first"], ["x"])
    clock.now += 60
    assert (_keys(projects), _keys(projects, "99")) == (None, ["x"])


def test_switching_back_to_a_former_project(projects: Projects) -> None:
    projects.change(Platform.OPENTOK, {"apiKey": "99", "apiSecret": "x"})
    projects.change(Platform.OPENTOK, {"apiKey": "1234", "apiSecret": "again"})
    assert (_keys(projects), _keys(projects, "99")) == (["again"], None)


def test_secrets_are_in_no_repr(projects: Projects) -> None:
    assert "first" not in repr(projects)


def test_generated_credentials_can_be_loaded(clock: Clock) -> None:
    projects = Projects(clock)
    credentials = generated_credentials()
    projects.load(credentials)
    assert projects.find(Platform.OPENTOK, credentials["opentok"]["apiKey"])
    assert projects.find(Platform.VONAGE, credentials["vonage"]["applicationId"])


@pytest.mark.parametrize(
    "credentials",
    [
        None,
        [],
        {},
        {"opentok": None},
        {"opentok": []},
        {"opentok": {"apiKey": "1234"}},
        {"opentok": {"apiKey": "letters", "apiSecret": "x"}},
        {"vonage": {"applicationId": "a"}},
        {"vonage": {"applicationId": "a", "privateKey": "no PEM"}},
    ],
)
def test_invalid_credentials_are_rejected(clock: Clock, credentials: object) -> None:
    with pytest.raises(InvalidCredentials):
        Projects(clock).load(credentials)

"""Switches for what the vendor's sources contradict each other about, or leave open.

Each switch selects one of the documented or reported forms, so that a client can be tested with
both. The default is the likelier form.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, fields, replace
from typing import Any

__all__ = ["InvalidVariant", "Variants"]


class InvalidVariant(ValueError):
    """A switch is unknown or has an invalid value; the message names it."""


@dataclass(frozen=True, slots=True)
class Variants:
    """The selected form of each open question.

    Attributes:
        data_in_destroyed: whether ``connectionDestroyed`` repeats the connection data.
        project_field: name of the project in session events.
        project_number: whether the project is a number in session events (OpenTok only).
        session_destroyed_after_ms: time between the last leave and ``sessionDestroyed``.
        session_destroyed_reason: of the normal end; None omits it.
        network_disconnected_after_ms: time that a browser has to reconnect.
        end_reports_connections: whether a rotation or failure reports each connection, too.
        connection_destroyed_first: whether the connection's end precedes its streams'.
        retries_signed_again: whether a retry has a new ``iat`` and ``jti``.
        success_statuses: ``200`` or ``2xx``.
        retries_after_4xx: whether a 4xx is retried.
        api_key_claim: whether callbacks have the claim ``api_key``.
        application_id_claim: whether callbacks of Vonage have the claim ``application_id``.
        archive_event_field: whether archive callbacks have ``event``.
        archive_project_field: name of the project in archive callbacks.
        archive_size_text: whether archive callbacks have ``size`` as text.
        archive_updated_at: whether archive callbacks have ``updatedAt``.
        archive_uploaded_first: whether a stopped archive is reported as ``uploaded`` to a storage
            of the customer, and only then as ``stopped``.
        captions_id_field: name of the id in captions callbacks.
        connection_created_at_text: whether listed connections have ``createdAt`` as text.
        excluded_streams_field: the field that mute-all honours.
        audio_connector_status: HTTP status of a started audio connector.
        render_stop_status: HTTP status of a stopped render.
        archive_available_after_ms: time until a stopped archive is available; 0: never.
        archive_without_clients: HTTP status of an archive start without connected clients.
        broadcast_without_clients: HTTP status of a broadcast start without connected clients.
        captions_lookup: whether captions can be looked up.
        connection_list_lag_ms: how far the list of connections lags behind.
    """

    data_in_destroyed: bool = True
    project_field: str = "projectId"
    project_number: bool = False
    session_destroyed_after_ms: int = 0
    session_destroyed_reason: str | None = None
    network_disconnected_after_ms: int = 30_000
    end_reports_connections: bool = True
    connection_destroyed_first: bool = False
    retries_signed_again: bool = True
    success_statuses: str = "2xx"
    retries_after_4xx: bool = True
    api_key_claim: bool = True
    application_id_claim: bool = True
    archive_event_field: bool = True
    archive_project_field: str = "partnerId"
    archive_size_text: bool = False
    archive_updated_at: bool = True
    archive_uploaded_first: bool = False
    captions_id_field: str = "captionId"
    connection_created_at_text: bool = False
    excluded_streams_field: str = "both"
    archive_without_clients: int = 404
    broadcast_without_clients: int = 404
    captions_lookup: bool = True
    connection_list_lag_ms: int = 0
    audio_connector_status: int = 200
    render_stop_status: int = 204
    archive_available_after_ms: int = 0

    def changed(self, value: object) -> Variants:
        """Returns the variants with the given switches changed.

        Args:
            value: an object of switches in camel case.

        Raises:
            InvalidVariant: naming the first unknown or invalid switch.
        """
        if not isinstance(value, dict):
            raise InvalidVariant("variants must be a JSON object")
        changes: dict[str, Any] = {}
        for name, setting in value.items():
            field = _BY_JSON_NAME.get(name)
            if field is None:
                raise InvalidVariant(f"unknown variant: {name}")
            if not _VALID[field](setting):
                raise InvalidVariant(f"{name} must be {_DESCRIPTION[field]}")
            changes[field] = setting
        return replace(self, **changes)

    def to_json(self) -> dict[str, object]:
        return {name: getattr(self, field) for name, field in _BY_JSON_NAME.items()}


_CHOICES: dict[str, tuple[object, ...]] = {
    "project_field": ("projectId", "applicationId"),
    "success_statuses": ("200", "2xx"),
    "archive_project_field": ("partnerId", "projectId", "applicationId"),
    "captions_id_field": ("captionId", "captionsId"),
    "excluded_streams_field": ("excludedStreamIds", "excludedStreams", "both"),
    "archive_without_clients": (404, 400),
    "broadcast_without_clients": (404, 400),
    "audio_connector_status": (200, 202),
    "render_stop_status": (204, 200),
    "session_destroyed_reason": (None, "clientDisconnected"),
}


def _camel_case(name: str) -> str:
    first, *others = name.split("_")
    return first + "".join(word.capitalize() for word in others)


def _check(name: str, default: object) -> tuple[Callable[[object], bool], str]:
    if name in _CHOICES:
        choices = _CHOICES[name]
        return lambda value: value in choices, "one of " + ", ".join(map(str, choices))
    if isinstance(default, bool):
        return lambda value: isinstance(value, bool), "true or false"
    return (
        lambda value: isinstance(value, int) and not isinstance(value, bool) and value >= 0,
        "a non-negative integer",
    )


_BY_JSON_NAME = {_camel_case(field.name): field.name for field in fields(Variants)}
_CHECKS = {field.name: _check(field.name, field.default) for field in fields(Variants)}
_VALID = {name: check for name, (check, _) in _CHECKS.items()}
_DESCRIPTION = {name: description for name, (_, description) in _CHECKS.items()}

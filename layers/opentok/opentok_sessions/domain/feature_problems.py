"""The failures that only features of routed sessions have. Other functions do not load them."""

from __future__ import annotations

from .problems import FieldError, InvalidRequest, Problem, ProblemType, Unavailable

__all__ = [
    "FeatureAlreadyRunning",
    "FeatureCannotBeDeleted",
    "FeatureCannotBeStopped",
    "FeatureNotFound",
    "FeatureStartUncertain",
    "FeatureStreamsAutomatic",
    "NobodyConnected",
    "NotAvailableWithE2ee",
    "RoutedSessionRequired",
    "values_rejected",
]


class FeatureNotFound(Problem):
    """The session has no such feature, or the vendor has no such operation: the same response."""

    type = ProblemType(404, "feature_not_found", "Feature not found")

    def __init__(self) -> None:
        super().__init__("There is no such feature.")


class RoutedSessionRequired(Problem):
    """The session is relayed."""

    type = ProblemType(409, "routed_session_required", "A routed session is required")

    def __init__(self) -> None:
        super().__init__("This feature requires a routed session, and the session is relayed.")


class NotAvailableWithE2ee(Problem):
    """The session is end-to-end encrypted."""

    type = ProblemType(409, "not_available_with_e2ee", "Not available with end-to-end encryption")

    def __init__(self) -> None:
        super().__init__("This feature is not available with e2ee.")


class NobodyConnected(Problem):
    """The vendor starts the feature only while a client is connected to the session."""

    type = ProblemType(409, "nobody_connected", "No client is connected")

    def __init__(self) -> None:
        super().__init__("No client is connected to the session.")


class FeatureAlreadyRunning(Problem):
    """The session has as many features of the family as it may have at the same time."""

    type = ProblemType(409, "feature_already_running", "The feature is already running")

    def __init__(self, feature_id: str | None = None) -> None:
        named = f": {feature_id}" if feature_id else ""
        super().__init__(f"The feature is already running{named}.")
        self.extension = {"featureId": feature_id} if feature_id else {}


class FeatureCannotBeStopped(Problem):
    """The feature has ended already, or the session's options keep it running."""

    type = ProblemType(409, "feature_cannot_be_stopped", "The feature cannot be stopped")


class FeatureCannotBeDeleted(Problem):
    """The feature is running, or its recording is not stored yet."""

    type = ProblemType(409, "feature_cannot_be_deleted", "The feature cannot be deleted")

    def __init__(self) -> None:
        super().__init__("The archive is still running or being processed.")


class FeatureStreamsAutomatic(Problem):
    """The feature was started with `streamMode` `auto`."""

    type = ProblemType(409, "feature_streams_automatic", "The streams are chosen automatically")

    def __init__(self) -> None:
        super().__init__("The streams can only be changed with streamMode: manual.")


def values_rejected() -> InvalidRequest:
    """Returns the problem of values that only the vendor can judge, such as a language.

    They are no failure of this service, so no alarm follows.
    """
    message = "was rejected by the video platform"
    return InvalidRequest(f"The body {message}.", [FieldError("body", message)])


class FeatureStartUncertain(Unavailable):
    """The response of a start was lost, and it is not known whether the feature is running."""

    type = ProblemType(
        503,
        "feature_start_uncertain",
        "It is unknown whether the feature was started",
        "VendorUnavailable",
    )

    def __init__(self, retry_after: float) -> None:
        detail = "It is unknown whether the feature was started."
        super().__init__(f"{detail} Check whether it is running before you retry.", retry_after)

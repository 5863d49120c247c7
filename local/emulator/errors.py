"""Error responses of the service.

VendorError
├── Forbidden      403, OpenTok's authentication
├── Unauthorized   401, the gateway in front of Vonage
├── BadRequest     400
├── NotFound       404
├── MethodNotAllowed  405
├── InvalidStream  408
├── Conflict       409
└── TooLarge       413
"""

from __future__ import annotations

__all__ = [
    "BadRequest",
    "Conflict",
    "Forbidden",
    "InvalidStream",
    "MethodNotAllowed",
    "NotFound",
    "TooLarge",
    "Unauthorized",
    "VendorError",
]


class VendorError(Exception):
    """An error response: HTTP status, vendor code and message.

    Attributes:
        status: HTTP status of the response.
        code: number in the body: the HTTP status, -1, or a five-digit vendor code.
        message: text in the body.
    """

    status = 500

    def __init__(self, message: str, code: int | None = None, *, status: int | None = None) -> None:
        super().__init__(message)
        if status is not None:
            self.status = status
        self.message = message
        self.code = self.status if code is None else code


class Forbidden(VendorError):
    """OpenTok rejects the credentials."""

    status = 403

    def __init__(self, message: str) -> None:
        super().__init__(message, -1)


class Unauthorized(VendorError):
    """The Vonage gateway rejects the credentials."""

    status = 401


class BadRequest(VendorError):
    """The parameters are invalid."""

    status = 400


class NotFound(VendorError):
    """No such session, stream, connection or archive, or no client is connected."""

    status = 404


class MethodNotAllowed(VendorError):
    """The mode of the archive or broadcast does not allow the call."""

    status = 405


class InvalidStream(VendorError):
    """The stream id is malformed; the service uses 408 for this."""

    status = 408


class Conflict(VendorError):
    """The state of the session or archive does not allow the call."""

    status = 409


class TooLarge(VendorError):
    """The signal exceeds the size limit."""

    status = 413

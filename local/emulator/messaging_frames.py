"""Binary frames of the messaging protocol between the vendor's browser SDK and its servers.

A frame is a 32-bit length of the rest, two reserved bytes, the kind, a counted list of addresses,
a counted list of headers, and the payload. Texts in lists are UTF-8 with a 16-bit length; all
numbers are big-endian.
"""

from __future__ import annotations

import struct
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import IntEnum

__all__ = ["Frame", "Kind", "MalformedFrame"]

_HEAD = struct.Struct(">IHB")


class MalformedFrame(ValueError):
    """The bytes are not a frame."""


class Kind(IntEnum):
    """Kinds of frames."""

    SUBSCRIBE = 0
    UNSUBSCRIBE = 1
    MESSAGE = 2
    CONNECT = 3
    DISCONNECT = 4
    PING = 7
    PONG = 8
    STATUS = 9


@dataclass(frozen=True, slots=True)
class Frame:
    """One frame."""

    kind: Kind
    addresses: tuple[str, ...] = ()
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    payload: str = ""

    def encode(self) -> bytes:
        parts = [bytes([len(self.addresses)])]
        parts += [_text(address) for address in self.addresses]
        parts.append(bytes([len(self.headers)]))
        parts += [_text(name) + _text(value) for name, value in self.headers.items()]
        rest = b"".join(parts) + self.payload.encode()
        return _HEAD.pack(3 + len(rest), 0, self.kind) + rest

    @classmethod
    def decode(cls, raw: bytes) -> Frame:
        """Parses a frame.

        Raises:
            MalformedFrame: if the bytes are none.
        """
        try:
            _, _, kind = _HEAD.unpack_from(raw)
            reader = _Reader(raw, _HEAD.size)
            addresses = tuple(reader.text() for _ in range(reader.byte()))
            headers = {reader.text(): reader.text() for _ in range(reader.byte())}
            return cls(Kind(kind), addresses, headers, reader.rest())
        except (struct.error, IndexError, ValueError) as error:
            raise MalformedFrame(str(error)) from error


class _Reader:
    def __init__(self, raw: bytes, offset: int) -> None:
        self._raw = raw
        self._offset = offset

    def byte(self) -> int:
        value = self._raw[self._offset]
        self._offset += 1
        return value

    def text(self) -> str:
        (length,) = struct.unpack_from(">H", self._raw, self._offset)
        start = self._offset + 2
        self._offset = start + length
        if self._offset > len(self._raw):
            raise ValueError("a text is longer than the frame")
        return self._raw[start : self._offset].decode()

    def rest(self) -> str:
        return self._raw[self._offset :].decode()


def _text(text: str) -> bytes:
    encoded = text.encode()
    return struct.pack(">H", len(encoded)) + encoded

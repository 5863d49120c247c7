"""Creates the trust stores of the layer from certifi's bundle.

Reading certifi's bundle of more than a hundred roots takes longer than the TLS handshake itself,
and urllib3 does it for every new connection. Two ways round, one for each side:

* `ca/aws.pem` holds the roots of Amazon Trust Services alone, for calls to AWS (botocore takes
  only a file);
* `ca/vendor/` holds **all** roots, one file each, named by the hash of its subject as `openssl
  rehash` names it: OpenSSL then reads the one that it needs. It is for the video platform, whose
  certificates may come from any server.

The hash is computed here, because not every machine that builds has `openssl`.
"""

from __future__ import annotations

import hashlib
import re
import ssl
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

#: SHA-256 of the roots as published on https://www.amazontrust.com/repository/, in DER.
AMAZON_ROOTS = {
    "8ecde6884f3d87b1125ba31ac3fcb13d7016de7f57cc904fe1cb97c6ae98196e": "Amazon Root CA 1",
    "1ba5b2aa8c65401a82960118f80bec4f62304d83cec4713a19c39c011ea46db4": "Amazon Root CA 2",
    "18ce6cfe7bf14e60b2e347b8dfe868cb31d02ebb3ada271569f50343b46db3a4": "Amazon Root CA 3",
    "e35d28419ed02025cfa69038cd623962458da5c695fbdea3c22b0bfb25897092": "Amazon Root CA 4",
    "568d6905a2c88708a4b3025190edcfedb1974a606a13c6e5290fcb2ae63edab5": "Starfield Services G2",
}

CERTIFICATE = re.compile("-----BEGIN CERTIFICATE-----.+?-----END CERTIFICATE-----\n", re.DOTALL)

#: Tags of ASN.1's text types, and the encoding of each.
TEXTS = {
    0x0C: "utf-8",  # UTF8String
    0x13: "ascii",  # PrintableString
    0x14: "latin-1",  # T61String, as OpenSSL reads it
    0x16: "ascii",  # IA5String
    0x1A: "ascii",  # VisibleString
    0x1C: "utf-32-be",  # UniversalString
    0x1E: "utf-16-be",  # BMPString
}


def write_trust_stores(bundle: Path, folder: Path) -> None:
    """Writes `aws.pem` and `vendor/` into `folder`.

    Raises `ValueError` when the bundle lacks one of Amazon's roots.
    """
    certificates = CERTIFICATE.findall(bundle.read_text(encoding="utf-8"))
    by_digest = {
        hashlib.sha256(ssl.PEM_cert_to_DER_cert(pem)).hexdigest(): pem for pem in certificates
    }
    missing = [name for digest, name in AMAZON_ROOTS.items() if digest not in by_digest]
    if missing:
        raise ValueError(f"{bundle} has no {', '.join(missing)}: compare with Amazon's repository")
    vendor = folder / "vendor"
    vendor.mkdir(parents=True)
    (folder / "aws.pem").write_text("".join(by_digest[digest] for digest in AMAZON_ROOTS))
    write_hashed(certificates, vendor)


def write_hashed(certificates: list[str], folder: Path) -> None:
    """Writes each certificate (PEM) under OpenSSL's name for it: `<subject hash>.<number>`."""
    numbers: Counter[str] = Counter()
    for pem in certificates:
        name = subject_hash(ssl.PEM_cert_to_DER_cert(pem))
        (folder / f"{name}.{numbers[name]}").write_text(pem)
        numbers[name] += 1


def subject_hash(certificate: bytes) -> str:
    """Returns OpenSSL's hash (`X509_NAME_hash`, since 1.0) of a DER certificate's subject, in hex.

    It is the start of the SHA-1 of the name in a canonical form: every text as UTF-8, its ASCII
    letters in lower case, without outer and with single inner spaces, and the whole without its
    outermost header.
    """
    (_, whole), *_ = elements(certificate)
    (_, to_be_signed), *_ = elements(whole)
    fields = [field for field in elements(to_be_signed) if field[0] != 0xA0]  # without the version
    _, subject = fields[4]  # serial number, algorithm, issuer, validity, subject
    canonical = b""
    for tag, relative_name in elements(subject):
        pairs = [element(0x30, canonical_pair(pair)) for _, pair in elements(relative_name)]
        canonical += element(tag, b"".join(sorted(pairs)))
    start = hashlib.sha1(canonical, usedforsecurity=False).digest()[:4]
    return f"{int.from_bytes(start, 'little'):08x}"


def canonical_pair(pair: bytes) -> bytes:
    """Returns an attribute's type and its value in the form that OpenSSL compares."""
    (kind, name), (tag, value) = elements(pair)
    if encoding := TEXTS.get(tag):
        text = value.decode(encoding).encode()
        tag, value = 0x0C, b" ".join(text.split()).lower()
    return element(kind, name) + element(tag, value)


def elements(der: bytes) -> Iterator[tuple[int, bytes]]:
    """Yields the elements (tag, content) of a DER content."""
    while der:
        tag, length, start = der[0], der[1], 2
        if length & 0x80:
            start += length & 0x7F
            length = int.from_bytes(der[2:start])
        yield tag, der[start : start + length]
        der = der[start + length :]


def element(tag: int, content: bytes) -> bytes:
    """Returns the DER element with this tag and content."""
    size = len(content)
    if size < 0x80:
        return bytes([tag, size]) + content
    digits = size.to_bytes((size.bit_length() + 7) // 8)
    return bytes([tag, 0x80 | len(digits)]) + digits + content

"""Small trust stores instead of the full bundle: they may be smaller, never different."""

from __future__ import annotations

import datetime
import re
import ssl
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from tests.unit.layer.builds import Built
from trust_store import AMAZON_ROOTS, write_hashed, write_trust_stores

# Some of the world's roots have serial numbers that are no longer allowed.
pytestmark = pytest.mark.filterwarnings("ignore::cryptography.utils.CryptographyDeprecationWarning")

PEM = re.compile(rb"-----BEGIN CERTIFICATE-----.+?-----END CERTIFICATE-----\n", re.DOTALL)
NOW = datetime.datetime.now(datetime.UTC)
DAY = datetime.timedelta(days=1)


def certificates(path: Path) -> list[x509.Certificate]:
    return [x509.load_pem_x509_certificate(pem) for pem in PEM.findall(path.read_bytes())]


def full_bundle(built: Built) -> list[x509.Certificate]:
    """The bundle that the layer was built from; an environment's may have a machine's own roots."""
    return certificates(built.python / "certifi" / "cacert.pem")


def test_calls_to_aws_trust_amazons_roots_as_the_full_bundle_has_them(built: Built) -> None:
    ours = certificates(built.python / "ca" / "aws.pem")
    assert {root.fingerprint(hashes.SHA256()).hex() for root in ours} == set(AMAZON_ROOTS)
    assert set(ours) <= set(full_bundle(built))


def test_amazons_roots_verify_and_will_for_a_while(built: Built) -> None:
    context = ssl.create_default_context(cafile=str(built.python / "ca" / "aws.pem"))
    assert context.cert_store_stats()["x509_ca"] == len(AMAZON_ROOTS)
    for root in certificates(built.python / "ca" / "aws.pem"):
        root.verify_directly_issued_by(root)
        assert root.not_valid_before_utc < NOW < root.not_valid_after_utc - 180 * DAY


def test_a_bundle_without_one_of_amazons_roots_stops_the_build(
    built: Built, tmp_path: Path
) -> None:
    bundle = tmp_path / "bundle.pem"
    others = [
        root
        for root in full_bundle(built)
        if "Amazon Root CA 1" not in root.subject.rfc4514_string()
    ]
    bundle.write_bytes(b"".join(root.public_bytes(serialization.Encoding.PEM) for root in others))
    with pytest.raises(ValueError, match="Amazon Root CA 1"):
        write_trust_stores(bundle, tmp_path / "ca")


def test_calls_to_the_vendor_trust_every_root_of_the_full_bundle(built: Built) -> None:
    files = list((built.python / "ca" / "vendor").iterdir())
    assert {root for file in files for root in certificates(file)} == set(full_bundle(built))


def test_openssl_finds_each_root_under_the_name_that_we_gave_its_file(
    built: Built, tmp_path: Path
) -> None:
    # A look-alike per root, with its subject and a key of this test, signs a server's certificate;
    # a handshake succeeds only if OpenSSL finds the look-alike by the hash in its file's name.
    for number, root in enumerate(full_bundle(built)):
        folder = tmp_path / str(number)
        folder.mkdir()
        key = ec.generate_private_key(ec.SECP256R1())
        authority = issue(root.subject, key, root.subject, key, authority=True)
        server = server_context(folder / "server.pem", root.subject, key)
        hashed = folder / "hashed"
        hashed.mkdir()
        with pytest.raises(ssl.SSLCertVerificationError):
            shake_hands(server, hashed)

        write_hashed([authority.public_bytes(serialization.Encoding.PEM).decode()], hashed)

        shake_hands(server, hashed)


def test_two_roots_of_one_name_get_two_files(tmp_path: Path) -> None:
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "The Same")])
    keys = [ec.generate_private_key(ec.SECP256R1()) for _ in range(2)]
    roots = [issue(name, key, name, key, authority=True) for key in keys]
    pems = [root.public_bytes(serialization.Encoding.PEM).decode() for root in roots]

    write_hashed(pems, tmp_path)

    for key in keys:
        shake_hands(server_context(tmp_path.with_suffix(".pem"), name, key), tmp_path)


def issue(
    subject: x509.Name,
    key: ec.EllipticCurvePrivateKey,
    issuer: x509.Name,
    issuer_key: ec.EllipticCurvePrivateKey,
    *,
    authority: bool,
) -> x509.Certificate:
    builder = x509.CertificateBuilder(issuer, subject, key.public_key())
    builder = builder.serial_number(x509.random_serial_number())
    builder = builder.not_valid_before(NOW - DAY).not_valid_after(NOW + DAY)
    constraints = x509.BasicConstraints(ca=authority, path_length=None)
    builder = builder.add_extension(constraints, critical=True)
    issuer_id = x509.AuthorityKeyIdentifier.from_issuer_public_key(issuer_key.public_key())
    builder = builder.add_extension(issuer_id, critical=False)
    key_id = x509.SubjectKeyIdentifier.from_public_key(key.public_key())
    builder = builder.add_extension(key_id, critical=False)
    names = x509.SubjectAlternativeName([x509.DNSName("localhost")])
    return builder.add_extension(names, critical=False).sign(issuer_key, hashes.SHA256())


def server_context(
    file: Path, authority: x509.Name, authority_key: ec.EllipticCurvePrivateKey
) -> ssl.SSLContext:
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "localhost")])
    certificate = issue(subject, key, authority, authority_key, authority=False)
    pem = serialization.Encoding.PEM
    private = key.private_bytes(
        pem, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    file.write_bytes(private + certificate.public_bytes(pem))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(file)
    return context


def shake_hands(server: ssl.SSLContext, trusted: Path) -> None:
    """A handshake in memory; raises when the client does not trust the server."""
    client = ssl.create_default_context(capath=str(trusted))
    to_server, to_client = ssl.MemoryBIO(), ssl.MemoryBIO()
    ends = [
        client.wrap_bio(to_client, to_server, server_hostname="localhost"),
        server.wrap_bio(to_server, to_client, server_side=True),
    ]
    waiting = list(ends)
    while waiting:
        for end in list(waiting):
            try:
                end.do_handshake()
            except ssl.SSLWantReadError:
                continue
            waiting.remove(end)

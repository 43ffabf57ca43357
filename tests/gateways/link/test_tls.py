"""TLS on a box whose clock was never set: the certificate's chain and name are checked, its dates cannot be."""

import ssl
import threading
from collections.abc import Iterator
from contextlib import closing, contextmanager
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, HTTPServer
from ipaddress import ip_address
from pathlib import Path

import pytest
import requests
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from gateways.clock import Clock, rfc3339
from gateways.link.api import Server, UnreachableError

NOW = datetime.now(UTC)
UNSET = datetime(1970, 1, 1, 0, 5, tzinfo=UTC)


def certificate(folder: Path, begins: datetime, name: str = "127.0.0.1") -> Path:
    """A self-signed certificate with its key, in one file."""
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "test")])
    made = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(begins)
        .not_valid_after(begins + timedelta(days=30))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ip_address(name))]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    path = folder / f"{begins:%Y%m%d}-{name}.pem"
    secret = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    path.write_bytes(made.public_bytes(Encoding.PEM) + secret)
    return path


class Times(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        content = f'{{"server_time": "{rfc3339(datetime.now(UTC))}"}}'.encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, *_args: object) -> None:
        pass


class Quiet(HTTPServer):
    def handle_error(self, *_args: object) -> None:
        """A client that does not trust us hangs up."""


@contextmanager
def served(file: Path) -> Iterator[str]:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(file)
    server = Quiet(("127.0.0.1", 0), Times)
    server.socket = context.wrap_socket(server.socket, server_side=True)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield f"https://127.0.0.1:{server.server_address[1]}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def ask(url: str, trusted: Path | None, wall: datetime | None) -> Clock:
    clock = Clock() if wall is None else Clock(wall=lambda: wall)
    with closing(Server(url, clock, ca_file=trusted, timeout_s=2)) as server:
        server.learn_time()
        server.learn_time()  # once more, by what was learnt
    return clock


# To the system, whose clock is right, this certificate is what every one is to a box in 1970: not yet valid.
LATER, VALID, ENDED = NOW + timedelta(days=300), NOW - timedelta(days=1), NOW - timedelta(days=300)


def test_a_box_whose_clock_was_never_set_learns_the_time_over_tls(tmp_path: Path) -> None:
    file = certificate(tmp_path, LATER)
    with served(file) as url:
        clock = ask(url, file, UNSET)
    assert clock.now().quality == "synced"


@pytest.mark.parametrize("begins", [LATER, ENDED])
def test_a_box_whose_clock_can_be_right_takes_no_certificate_of_another_time(tmp_path: Path, begins: datetime) -> None:
    file = certificate(tmp_path, begins)
    with served(file) as url, pytest.raises(UnreachableError, match="SSLError"):
        ask(url, file, None)


@pytest.mark.parametrize("wall", [None, UNSET])
def test_the_districts_own_authority_stands_instead_of_those_that_the_system_trusts(
    tmp_path: Path, wall: datetime | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    of_system, of_district = certificate(tmp_path, VALID), certificate(tmp_path, VALID - timedelta(days=1))
    monkeypatch.setenv("SSL_CERT_FILE", str(of_system))  # OpenSSL's place for the system's authorities
    with served(of_system) as url, pytest.raises(UnreachableError, match="SSLError"):
        ask(url, of_district, wall)


def test_a_box_whose_clock_was_never_set_trusts_the_public_authorities_unless_told_otherwise(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file, other = certificate(tmp_path, VALID), certificate(tmp_path, VALID - timedelta(days=1))
    monkeypatch.setattr(requests.adapters, "DEFAULT_CA_BUNDLE_PATH", str(file))
    with served(file) as url:
        assert ask(url, None, UNSET).has_learnt
    with served(other) as url, pytest.raises(UnreachableError, match="SSLError"):
        ask(url, None, UNSET)


def test_a_valid_certificate_of_the_districts_own_authority_is_taken(tmp_path: Path) -> None:
    file = certificate(tmp_path, VALID)
    with served(file) as url:
        assert ask(url, file, None).has_learnt


@pytest.mark.parametrize("wall", [None, UNSET])
def test_a_certificate_of_somebody_else_is_never_taken(tmp_path: Path, wall: datetime | None) -> None:
    file, other = certificate(tmp_path, VALID), certificate(tmp_path, VALID - timedelta(days=1))
    with served(file) as url, pytest.raises(UnreachableError, match="SSLError"):
        ask(url, other, wall)


@pytest.mark.parametrize("wall", [None, UNSET])
def test_a_certificate_for_another_host_is_never_taken(tmp_path: Path, wall: datetime | None) -> None:
    file = certificate(tmp_path, VALID, name="127.0.0.2")
    with served(file) as url, pytest.raises(UnreachableError, match="SSLError"):
        ask(url, file, wall)

"""Over https a search goes on through the server's own certificate, and trusts no other one."""

import importlib.util
import ssl
import threading
import urllib.error
import urllib.request
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest

ROOT = Path(__file__).absolute().parents[1]
CERTIFICATES = ROOT / "tests" / "certificates"


def trusting(name: str) -> ssl.SSLContext:
    """From its file: the package that it is in needs a ComfyUI."""
    spec = importlib.util.spec_from_file_location("certificate", ROOT / "nodes" / "tools" / "certificate.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module.trusting(str(CERTIFICATES / f"{name}.pem"))


class Hello(BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200)
        self.end_headers()
        self.wfile.write(b"hello")

    def log_message(self, *_):
        pass


@pytest.fixture(params=["own", "signed"])
def served(request):
    """A server with a certificate of the kind, by its address; the certificate names another host."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(CERTIFICATES / f"{request.param}.pem", CERTIFICATES / f"{request.param}.key")
    with HTTPServer(("127.0.0.1", 0), Hello) as server:
        server.socket = context.wrap_socket(server.socket, server_side=True)
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        yield request.param, f"https://127.0.0.1:{server.server_port}/"
        server.shutdown()
        thread.join()


def get(url: str, context: ssl.SSLContext | None) -> bytes:
    handlers = [urllib.request.ProxyHandler({}), urllib.request.HTTPSHandler(context=context)]
    with urllib.request.build_opener(*handlers).open(url, timeout=30) as answer:
        return answer.read()


def test_its_own_certificate_is_trusted(served):
    name, url = served
    assert get(url, trusting(name)) == b"hello"
    with pytest.raises(urllib.error.URLError, match="CERTIFICATE_VERIFY_FAILED"):
        get(url, None)  # what a context of the system's says


def test_another_certificate_is_not_even_with_the_same_name(served):
    _, url = served
    with pytest.raises(urllib.error.URLError, match="CERTIFICATE_VERIFY_FAILED"):
        get(url, trusting("other"))


def test_a_file_without_a_certificate_is_an_error():
    with pytest.raises(OSError):
        trusting("missing")

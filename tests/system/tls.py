"""A server that speaks TLS with a certificate of its own authority, in front of a simulated cloud."""

import contextlib
import http.client
import http.server
import pathlib
import ssl
import subprocess
import tempfile
import threading

# No name server knows it.
NAME = "dcs.cloud.example"


class _Relay(http.server.BaseHTTPRequestHandler):
    """Passes a request on as it came: its Host header is signed."""

    cloud = None

    def do_GET(self):
        connection = http.client.HTTPConnection(self.cloud, timeout=20)
        with contextlib.closing(connection):
            connection.putrequest("GET", self.path, skip_host=True, skip_accept_encoding=True)
            for name, value in self.headers.items():
                connection.putheader(name, value)
            connection.endheaders()
            answer = connection.getresponse()
            body = answer.read()
        self.send_response_only(answer.status)
        for name, value in answer.getheaders():
            if name.lower() not in ("transfer-encoding", "content-length", "connection"):
                self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass


class _Server(http.server.ThreadingHTTPServer):
    def handle_error(self, *_):
        """That a client does not trust it is told by the client."""


def _openssl(*arguments):
    subprocess.run(["openssl", *map(str, arguments)], check=True, capture_output=True, timeout=30)


@contextlib.contextmanager
def relay(cloud):
    """In front of the cloud at this URL; gives its port, and the file of its authority's certificate."""
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        # The container's user reads it.
        folder.chmod(0o755)
        authority, certificate, key = folder / "authority.pem", folder / "server.pem", folder / "server.key"
        new = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-x509", "-days", "2"]
        _openssl("req", *new, "-subj", "/CN=authority", "-keyout", folder / "authority.key", "-out", authority)
        signed = ["-CA", authority, "-CAkey", folder / "authority.key", "-addext", "basicConstraints=critical,CA:FALSE"]
        named = ["-subj", f"/CN={NAME}", "-addext", f"subjectAltName=DNS:{NAME}"]
        _openssl("req", *new, *signed, *named, "-keyout", key, "-out", certificate)
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(certificate, key)
        handler = type("RelayToCloud", (_Relay,), {"cloud": cloud.removeprefix("http://")})
        with _Server(("127.0.0.1", 0), handler) as server:
            server.socket = context.wrap_socket(server.socket, server_side=True, do_handshake_on_connect=False)
            thread = threading.Thread(target=server.serve_forever, daemon=True)
            thread.start()
            try:
                yield server.server_port, authority
            finally:
                server.shutdown()
                thread.join(5)

"""A web configuration in the hands of two: the exporter, and a server on exporter-toolkit's own package."""

import contextlib
import pathlib
import socket
import ssl
import subprocess

from program import EXPORTER, ROOT, Server, tool, wait_for

PROMTOOL = ROOT / "target/tools/newest"

# Nobody listens there: the exporter is up all the same.
CONFIGURATION = """
projects: [{ name: a, project_id: b, endpoint: "http://127.0.0.1:9", credentials: c, instances: [{ id: d }] }]
credentials: { c: { access_key: a, secret_key: b } }
"""


def certificates(folder):
    """Certificates of every kind, and a configuration of the exporter."""
    subprocess.run([tool("toolkit"), "certificates", folder], check=True)
    (folder / "config.yml").write_text(CONFIGURATION)


def run(*command):
    """Exit code and what was printed."""
    done = subprocess.run(command, capture_output=True, text=True, timeout=60)
    return done.returncode, done.stdout + done.stderr


def exporter_verdict(folder, file):
    """0 or 3, and what it says."""
    return run(EXPORTER, "check-config", f"--config.file={folder}/config.yml", f"--web.config.file={file}")


def toolkit_verdict(file):
    """0 or 1, and what it says."""
    return run(tool("toolkit"), "check", file)


def promtools():
    """Those that are there, the newest one first; each with whether it knows all keys."""
    newest = sorted(PROMTOOL.glob("prometheus-*/promtool"))
    return [(path, True) for path in newest] + [(pathlib.Path(tool("promtool")), False)]


class Peer:
    """A running server and how to ask it."""

    def __init__(self, name, server, port, folder):
        self.name, self.server, self.port, self.folder = name, server, port, folder

    def context(self, client=None, version=None, ciphers=None, curve=None, alpn=None):
        """How a client of TLS goes about it."""
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.load_verify_locations(self.folder / "ca.pem")
        if version:
            # The system may forbid old ones by itself; the server is to do so.
            context.set_ciphers("ALL:@SECLEVEL=0")
            context.minimum_version = context.maximum_version = version
        if ciphers:
            context.set_ciphers(ciphers)
        if curve:
            context.set_ecdh_curve(curve)
        if alpn:
            context.set_alpn_protocols(alpn)
        if client:
            context.load_cert_chain(self.folder / f"{client}.pem", self.folder / f"{client}.key")
        return context

    def ask(self, head="GET /-/healthy HTTP/1.1", headers=(), tls=None):
        """Status, headers with names in lower case, and body; or `refused` where there is no answer."""
        try:
            with self.connect(tls) as stream:
                lines = [head, "Host: localhost", "Connection: close", *headers]
                stream.sendall(("\r\n".join(lines) + "\r\n\r\n").encode())
                answer = read_all(stream)
        except (ssl.SSLError, ConnectionError):
            return "refused"
        return parse(answer) if answer else "refused"

    @contextlib.contextmanager
    def connect(self, tls=None):
        """A connection, over TLS where a context is given."""
        with socket.create_connection(("127.0.0.1", self.port), timeout=20) as plain:
            if tls is None:
                yield plain
            else:
                with tls.wrap_socket(plain, server_hostname="localhost") as stream:
                    yield stream

    def agreed(self, tls):
        """Version and protocol that a handshake comes to, and the serial number of the server's certificate."""
        try:
            with self.connect(tls) as stream:
                # What the server thinks of the handshake comes after it.
                stream.sendall(b"GET /-/healthy HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
                if stream.selected_alpn_protocol() != "h2" and not read_all(stream):
                    return "refused"
                return stream.version(), stream.selected_alpn_protocol(), stream.getpeercert()["serialNumber"]
        except (ssl.SSLError, ConnectionError):
            return "refused"


def read_all(stream):
    """Everything until the other side has enough."""
    parts = []
    while part := stream.recv(65536):
        parts.append(part)
    return b"".join(parts)


def parse(answer):
    """Status, headers and body of bytes."""
    head, _, body = answer.partition(b"\r\n\r\n")
    lines = head.decode().split("\r\n")
    headers = dict(line.split(": ", 1) for line in lines[1:])
    return int(lines[0].split(" ")[1]), {name.lower(): value for name, value in headers.items()}, body.decode()


@contextlib.contextmanager
def peers(folder, text):
    """Both, with copies of their own of a web configuration; what is said to `write` is written for both."""
    with contextlib.ExitStack() as stack:
        files, started = [], []
        for name in ("exporter", "toolkit"):
            file = folder / f"web-{name}.yml"
            file.write_text(text)
            files.append(file)
            if name == "exporter":
                command = (EXPORTER, f"--config.file={folder}/config.yml", "--web.listen-address=127.0.0.1:0")
                server = stack.enter_context(Server(*command, f"--web.config.file={file}"))
                said = server.says(r"msg=listening .*\baddress=127\.0\.0\.1:(\d+)")
            else:
                server = stack.enter_context(Server(tool("toolkit"), "serve", file, "127.0.0.1:0"))
                said = server.says(r'msg="TLS is \w+\." .*address=127\.0\.0\.1:(\d+)')
            started.append(Peer(name, server, int(said.group(1)), folder))
        yield Peers(*started, files)


class Peers:
    """Two servers that ought to answer alike."""

    def __init__(self, exporter, toolkit, files):
        self.exporter, self.toolkit, self._files = exporter, toolkit, files

    def write(self, text):
        """Another content for both."""
        for file in self._files:
            file.write_text(text)

    def both(self, ask):
        """What each says."""
        return ask(self.exporter), ask(self.toolkit)

    def logged(self, pattern):
        """Waits for a line of the exporter's log."""
        return wait_for(f"the exporter logs {pattern}", lambda: pattern in self.exporter.server.output)

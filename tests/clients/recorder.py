"""Stands between a client and the simulated cloud, and writes down every request byte for byte as it came.

It passes requests on with their own `Host`, so that signatures stay good: a signature covers it.
"""

import collections
import contextlib
import http.client
import http.server
import threading
import urllib.parse

Request = collections.namedtuple("Request", "method path query headers body status")


class Recorder:
    """What has come so far; `base` is where it listens."""

    def __init__(self, base):
        self.base = base
        self._requests = []
        self._lock = threading.Lock()

    def note(self, request):
        with self._lock:
            self._requests.append(request)

    @property
    def requests(self):
        """All requests so far, in the order of their answers."""
        with self._lock:
            return list(self._requests)

    def clear(self):
        with self._lock:
            self._requests.clear()


@contextlib.contextmanager
def recording(target):
    """A recorder in front of `target`, such as http://127.0.0.1:1234, on a free port of loopback."""
    upstream = urllib.parse.urlsplit(target).netloc

    class Handler(http.server.BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def relay(self):
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            connection = http.client.HTTPConnection(upstream, timeout=30)
            with contextlib.closing(connection):
                connection.putrequest(self.command, self.path, skip_host=True, skip_accept_encoding=True)
                for name, value in self.headers.items():
                    if name.lower() != "connection":
                        connection.putheader(name, value)
                connection.endheaders(body or None)
                answer = connection.getresponse()
                content = answer.read()
            # Before the answer: whoever has it may look here at once.
            path, _, query = self.path.partition("?")
            recorder.note(Request(self.command, path, query, list(self.headers.items()), body, answer.status))
            self.send_response_only(answer.status)
            for name, value in answer.getheaders():
                if name.lower() not in ("content-length", "transfer-encoding", "connection"):
                    self.send_header(name, value)
            self.send_header("Content-Length", str(len(content)))
            # Whoever stops while it waits is no failure.
            with contextlib.suppress(ConnectionError):
                self.end_headers()
                self.wfile.write(content)

        do_GET = do_POST = do_PUT = relay

        def log_message(self, *_):
            pass

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        recorder = Recorder(f"http://127.0.0.1:{server.server_port}")
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        try:
            yield recorder
        finally:
            server.shutdown()
            thread.join(5)

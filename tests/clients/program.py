"""Starts the exporter and other servers on loopback, and talks to them as a client does.

Nothing here waits for a fixed time: `wait_for` asks again until a deadline, and says at the end what it last saw.
Every server is a context manager that stops what it started, also where a test fails.
"""

import collections
import contextlib
import http.client
import json
import os
import pathlib
import re
import shutil
import socket
import subprocess
import threading
import time
import urllib.error
import urllib.parse
import urllib.request

ROOT = pathlib.Path(__file__).resolve().parents[2]
EXPORTER = pathlib.Path(os.environ.get("DCS_BACKUP_EXPORTER", ROOT / "target/debug/dcs-backup-exporter"))

# No proxy of the environment stands between loopback and loopback.
os.environ["NO_PROXY"] = os.environ["no_proxy"] = "127.0.0.1,localhost"
_opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))


def wait_for(what, ask, seconds=60.0):
    """Calls `ask` until it answers with something true, and returns that. An exception counts as not yet."""
    deadline = time.monotonic() + seconds
    while True:
        try:
            answer = ask()
            seen = f"last answer: {answer!r}"
        except (AssertionError, OSError, http.client.HTTPException, LookupError, ValueError) as error:
            answer, seen = None, f"last answer: {type(error).__name__}: {error}"
        if answer:
            return answer
        if time.monotonic() > deadline:
            raise AssertionError(f"not within {seconds:.0f} s: {what}; {seen}")
        time.sleep(0.1)


def get(url, accept=None, timeout=20):
    """Status, headers and text of a page; also of an error page."""
    request = urllib.request.Request(url, headers={"Accept": accept} if accept else {})
    try:
        with _opener.open(request, timeout=timeout) as answer:
            return answer.status, answer.headers, answer.read().decode()
    except urllib.error.HTTPError as error:
        with error:
            return error.code, error.headers, error.read().decode(errors="replace")


def get_json(url, **query):
    """An answer in JSON."""
    status, _, text = get(f"{url}?{urllib.parse.urlencode(query)}" if query else url)
    assert status == 200, f"{url} answers {status}: {text[:500]}"
    return json.loads(text)


def free_port():
    """A port of loopback that nobody listens on just now; somebody may a moment later."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return listener.getsockname()[1]


def tool(name):
    """Path of a program that `tests/run` gets; where it could not, the test says so and fails."""
    path = shutil.which(name)
    assert path, f"{name} is not there: tests/run gets it, or says why it could not"
    return path


class Server:
    """A program that runs until the end of a `with`; its output is read all the time and kept."""

    def __init__(self, *command, environment=None):
        assert pathlib.Path(command[0]).is_file(), f"{command[0]} is not there: tests/run builds it"
        self.name = pathlib.Path(command[0]).name
        self._lines = []
        self._process = subprocess.Popen(
            [str(part) for part in command],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
            env={**os.environ, **(environment or {})},
        )
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def _read(self):
        for line in self._process.stdout:
            self._lines.append(line)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.stop()

    def stop(self):
        """Ends it as systemd would; returns its exit code."""
        if self._process.poll() is None:
            self._process.terminate()
            try:
                self._process.wait(15)
            except subprocess.TimeoutExpired:
                self._process.kill()
                self._process.wait()
        self._reader.join(5)
        self._process.stdout.close()
        return self._process.returncode

    def kill(self):
        """Ends it as a lack of memory would: at once, in the middle of whatever it does."""
        self._process.kill()
        self.stop()

    @property
    def ended(self):
        """Whether it has ended by itself."""
        return self._process.poll() is not None

    @property
    def output(self):
        """What it has printed so far, on both streams."""
        return "".join(self._lines)

    def says(self, pattern, seconds=30.0):
        """Waits for a line that matches; returns the match."""

        def ask():
            match = re.search(pattern, self.output)
            if match is None and self.ended:
                raise SystemError(f"{self.name} ended with {self._process.returncode}:\n{self.output[-3000:]}")
            return match

        try:
            return wait_for(f"{self.name} prints {pattern!r}", ask, seconds)
        except (AssertionError, SystemError) as error:
            raise AssertionError(f"{error}\n{self.output[-3000:]}") from None


def base_url(server):
    """Where a daemon listens, by its own word."""
    return "http://" + server.says(r"msg=listening .*\baddress=(127\.0\.0\.1:\d+)").group(1)


def wait_until_ready(url):
    """Waits for the first listing of every project."""
    wait_for(f"{url}/-/ready answers 200", lambda: get(f"{url}/-/ready")[0] == 200)


@contextlib.contextmanager
def demo(*flags):
    """`dcs-backup-exporter demo` on a free port, ready; gives its URL and the server."""
    with Server(EXPORTER, "demo", "--web.listen-address=127.0.0.1:0", *flags) as server:
        url = base_url(server)
        wait_until_ready(url)
        yield url, server


@contextlib.contextmanager
def daemon(*flags, environment=None):
    """The daemon on a free port, ready; gives its URL and the server."""
    with Server(EXPORTER, "--web.listen-address=127.0.0.1:0", *flags, environment=environment) as server:
        url = base_url(server)
        wait_until_ready(url)
        yield url, server


# What `simulate` prints: where it listens, and with what one signs in.
BANNER = [
    r"(http://127\.0\.0\.1:\d+)",
    r"project_id\W+([0-9a-f]{32})",
    r"access_key\W+(\w+)",
    r"secret_key\W+([\w-]+)",
]
Cloud = collections.namedtuple("Cloud", "endpoint project_id access_key secret_key")


@contextlib.contextmanager
def simulate(*flags):
    """`dcs-backup-exporter simulate` on a free port; gives how to reach it, as it prints it, and the server."""
    with Server(EXPORTER, "simulate", "--listen=127.0.0.1:0", *flags) as server:
        said = [server.says(pattern).group(1) for pattern in BANNER]
        yield Cloud(*said), server

"""An Alertmanager with the shipped configuration, and a receiver that keeps what it is sent.

Only what must differ differs: each of the four receivers is a webhook of its own on loopback, and times may be divided.
"""

import contextlib
import http.server
import json
import pathlib
import re
import threading

import program
from program import get, wait_for

SHIPPED = program.ROOT / "deploy/alertmanager/alertmanager.yml"
UNITS = {"ms": 1, "s": 1000, "m": 60_000, "h": 3_600_000, "d": 86_400_000, "w": 604_800_000, "y": 31_536_000_000}


def divided(duration, by):
    """`15m` divided by 150 is `6000ms`; never less than a millisecond."""
    parts = re.findall(r"(\d+)(ms|[smhdwy])", duration)
    assert parts and "".join(map("".join, parts)) == duration, f"{duration} is no duration"
    milliseconds = sum(int(number) * UNITS[unit] for number, unit in parts)
    return f"{max(1, round(milliseconds / by))}ms" if milliseconds else duration


def with_working_hours(text):
    """The shipped configuration with what it has in comments about working hours."""
    head, commented = text.split("# time_intervals:\n")
    assert "# mute_time_intervals:" in head
    head = head.replace("# mute_time_intervals:", "mute_time_intervals:")
    return head + "time_intervals:\n" + re.sub(r"^# ", "", commented, flags=re.MULTILINE)


def configuration(webhooks, by=1):
    """The shipped configuration, its receivers replaced by webhooks below this URL, its times divided."""
    import yaml

    config = yaml.safe_load(SHIPPED.read_text())
    for receiver in config["receivers"]:
        kinds = [kind for kind in receiver if kind != "name"]
        resolved = [entry.get("send_resolved", True) for kind in kinds for entry in receiver.pop(kind)]
        # An empty one stays empty: nobody is told.
        if resolved:
            entry = {"url": f"{webhooks}/{receiver['name']}", "send_resolved": all(resolved)}
            receiver["webhook_configs"] = [entry]
    del config["global"]
    _divide(config["route"], by)
    return yaml.safe_dump(config)


def _divide(route, by):
    for key in ("group_wait", "group_interval", "repeat_interval"):
        if key in route:
            route[key] = divided(route[key], by)
    for child in route.get("routes", []):
        _divide(child, by)


@contextlib.contextmanager
def alertmanager(text):
    """An Alertmanager with this configuration, ready; gives its URL and the server."""
    import tempfile

    with contextlib.ExitStack() as stack:
        folder = pathlib.Path(stack.enter_context(tempfile.TemporaryDirectory()))
        (folder / "alertmanager.yml").write_text(text)
        while True:
            url = f"http://127.0.0.1:{program.free_port()}"
            server = program.Server(
                program.tool("alertmanager"),
                f"--config.file={folder}/alertmanager.yml",
                f"--storage.path={folder}/data",
                f"--web.listen-address={url.removeprefix('http://')}",
                "--cluster.listen-address=",
                "--log.level=warn",
            )
            stack.enter_context(server)
            wait_for("Alertmanager is ready", lambda: server.ended or get(f"{url}/-/ready")[0] == 200, 30)
            if not server.ended:
                break
            # Where somebody else was quicker to take the port, the next one will do.
            assert "address already in use" in server.output, server.output
        yield url, server


class Inbox:
    """What has come so far; `url` is where it listens. A notification has its receiver's name as `receiver`."""

    def __init__(self, url):
        self.url = url
        self._notifications = []
        self._lock = threading.Lock()

    def note(self, notification):
        with self._lock:
            self._notifications.append(notification)

    @property
    def notifications(self):
        """All of them so far, in the order of their arrival."""
        with self._lock:
            return list(self._notifications)

    def alerts(self, receiver=None, status=None, **labels):
        """The alerts in them, each as often as it was sent."""
        return [
            alert
            for notification in self.notifications
            for alert in notification["alerts"]
            if (receiver is None or notification["receiver"] == receiver)
            and (status is None or alert["status"] == status)
            and all(alert["labels"].get(label) == value for label, value in labels.items())
        ]


@contextlib.contextmanager
def inbox():
    """A receiver of webhooks on a free port of loopback."""

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_POST(self):
            notification = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            assert self.path == f"/{notification['receiver']}", self.path
            box.note(notification)
            self.send_response(200)
            self.end_headers()

        def log_message(self, *_):
            pass

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        box = Inbox(f"http://127.0.0.1:{server.server_port}")
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        try:
            yield box
        finally:
            server.shutdown()
            thread.join(5)

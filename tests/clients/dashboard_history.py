"""A Prometheus that holds two and a half days of a simulated fleet, and what a Grafana would ask it.

The samples are those of the daemon itself, which `tests/dashboards/history.rs` runs on a virtual clock. They are of the
past, so every query says when it is asked: at the last scrape.
"""

import atexit
import contextlib
import functools
import pathlib
import re
import shutil
import subprocess
import tempfile

import program
from program import get_json
from test_prometheus import started as prometheus_started

HISTORY = program.EXPORTER.parent / "examples/history"
# Of the history: the time between two scrapes, as somebody would tell it to Grafana's data source.
SCRAPE_INTERVAL = 600


@functools.cache
def scrapes():
    """The history as a file in OpenMetrics with time stamps, made once for all tests."""
    assert HISTORY.is_file(), f"{HISTORY} is not there: tests/run builds it"
    folder = tempfile.mkdtemp(prefix="dcs-history-")
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    file = pathlib.Path(folder) / "history.om"
    subprocess.run([HISTORY, file], check=True, timeout=900)
    return file


def last_moment(file):
    """When the last scrape was."""
    with file.open("rb") as history:
        history.seek(-1000, 2)
        *_, line, end = history.read().decode().splitlines()
    assert end == "# EOF", end
    return int(line.rsplit(" ", 1)[1])


class Prometheus:
    """One that serves blocks; `now` is the last moment they know."""

    def __init__(self, url, now):
        self.url, self.now = url, now

    def _ask(self, path, **query):
        answer = get_json(f"{self.url}/api/v1/{path}", **query)
        assert answer["status"] == "success" and not answer.get("warnings"), answer
        return answer["data"]

    def raw(self, query, over=None):
        """The series as Prometheus gives them, now or over the last so many seconds in steps."""
        if over is None:
            return self._ask("query", query=query, time=self.now)["result"]
        return self._ask("query_range", query=query, start=self.now - over[0], end=self.now, step=over[1])["result"]

    def instant(self, query):
        """The series now: labels and value."""
        return [(series["metric"], float(series["value"][1])) for series in self.raw(query)]

    def over(self, query, seconds, step):
        """The series of the last while: labels and values."""
        found = self.raw(query, (seconds, step))
        return [(series["metric"], [float(value) for _, value in series["values"]]) for series in found]

    def label_values(self, label, selector, seconds):
        """What Grafana's `label_values` asks for."""
        return self._ask(f"label/{label}/values", **{"match[]": selector}, start=self.now - seconds, end=self.now)


@contextlib.contextmanager
def serving(file):
    """A Prometheus on a free port with the samples of a file."""
    with contextlib.ExitStack() as stack:
        folder = pathlib.Path(stack.enter_context(tempfile.TemporaryDirectory()))
        command = ["tsdb", "create-blocks-from", "openmetrics", "--quiet", "--max-block-duration=720h", file, "data"]
        subprocess.run(
            [program.tool("promtool"), *command], check=True, cwd=folder, timeout=300, stdout=subprocess.DEVNULL
        )
        (folder / "prometheus.yml").write_text("{}\n")
        # Each moment sees the scrape before it and no older one.
        flags = ["--storage.tsdb.retention.time=10y", f"--query.lookback-delta={SCRAPE_INTERVAL + 5}s"]
        url, _ = prometheus_started(stack, folder, *flags)
        yield Prometheus(url, last_moment(file))


def seconds_of(text):
    """`now-2d` as seconds before now."""
    count, unit = re.fullmatch(r"now-(\d+)([hd])", text).groups()
    return int(count) * {"h": 3600, "d": 86_400}[unit]


def filled(query, chosen, seconds, step):
    """A query as Grafana's data source sends it. `chosen` has a list of values, or None for All, by variable."""

    def value(name):
        if name == "__rate_interval":
            return f"{max(step + SCRAPE_INTERVAL, 4 * SCRAPE_INTERVAL)}s"
        if name == "__range":
            return f"{seconds}s"
        if name == "__interval":
            return f"{step}s"
        if name not in chosen:
            return f"${name}"
        values = chosen[name]
        if values is None:
            return ".+"
        # Escaped for the regular expression, and that for the string in which it stands.
        escaped = [re.sub(r"[\\^$*+?.()|\[\]{}]", r"\\\\\g<0>", one) for one in values]
        return escaped[0] if len(escaped) == 1 else f"({'|'.join(escaped)})"

    return re.sub(r"\$(\w+)|\$\{(\w+)\}", lambda found: value(found[1] or found[2]), query)

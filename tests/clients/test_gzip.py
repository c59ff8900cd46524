"""A large scrape, compressed, read back by curl, Go, Python and Chromium: all of it, as one file.

A fleet of some size is compressed in parts that are joined. Readers differ in what they forgive there: Chromium and
Node's `zlib` see the first member of several only, curl stops, Go and Python's `gzip` read on. So beside the clients
themselves `zlib` is asked whether there is anything after the first member.
"""

import contextlib
import gzip
import html
import pathlib
import re
import subprocess
import tempfile
import unittest
import urllib.request
import zlib

import program
from program import get, wait_for

INSTANCES = 300
CONFIGURATION = """
projects:
  - name: large
    project_id: {project}
    endpoint: {endpoint}
    limits: {{ requests_per_second: 1000, burst: 1000, concurrency: 16 }}
polling: {{ idle_interval: 1h, window_interval: 1h, active_interval: 1h, policy_interval: 1h }}
"""


def series(text):
    """The series of the fleet; their values move."""
    return set(re.findall(r"^(dcs_(?!exporter_)\w+\{.*\}) \S+$", text, re.MULTILINE))


class Gzip(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        stack = contextlib.ExitStack()
        cls.addClassCleanup(stack.close)
        cloud, _ = stack.enter_context(program.simulate(f"--instances={INSTANCES}", "--speed=1"))
        folder = pathlib.Path(stack.enter_context(tempfile.TemporaryDirectory()))
        file = folder / "exporter.yml"
        file.write_text(CONFIGURATION.format(project=cloud.project_id, endpoint=cloud.endpoint))
        environment = {"HUAWEICLOUD_SDK_AK": cloud.access_key, "HUAWEICLOUD_SDK_SK": cloud.secret_key}
        url, _ = stack.enter_context(program.daemon(f"--config.file={file}", environment=environment))
        cls.url = f"{url}/metrics"

        def all_polled():
            text = get(cls.url)[2]
            return text.count("\ndcs_poll_success{") == 3 * INSTANCES and text

        cls.text = wait_for("all instances have been polled", all_polled, 120)
        assert len(cls.text) > 1_000_000, f"{len(cls.text)} bytes are no large scrape"

    def is_whole(self, text):
        self.assertEqual(series(text), series(self.text))
        self.assertTrue(text.startswith("# HELP dcs_") and text.endswith("\n"), text[-100:])
        # The exporter's own metrics come last.
        self.assertIn("\nprocess_start_time_seconds ", text)

    def compressed(self):
        request = urllib.request.Request(self.url, headers={"Accept-Encoding": "gzip"})
        with urllib.request.urlopen(request, timeout=20) as answer:
            self.assertEqual(answer.headers["Content-Encoding"], "gzip")
            return answer.read()

    def output_of(self, *command):
        ended = subprocess.run(command, capture_output=True, timeout=60, check=False)
        self.assertEqual(ended.returncode, 0, ended.stderr.decode(errors="replace"))
        return ended.stdout.decode()

    def test_python_reads_one_member(self):
        compressed = self.compressed()
        self.assertLess(len(compressed), len(self.text) // 5)
        self.is_whole(gzip.decompress(compressed).decode())
        decoder = zlib.decompressobj(wbits=zlib.MAX_WBITS | 16)
        self.is_whole(decoder.decompress(compressed).decode())
        self.assertTrue(decoder.eof and not decoder.unused_data, "more than one gzip member")

    def test_curl_reads_all(self):
        self.is_whole(self.output_of(program.tool("curl"), "--silent", "--show-error", "--compressed", self.url))

    def test_go_reads_all(self):
        self.is_whole(self.output_of(program.tool("fetch"), self.url))

    def test_chromium_reads_all(self):
        with tempfile.TemporaryDirectory() as profile:
            # Its sandbox needs rights that root and containers do not have; the page is our own.
            flags = ("--headless", "--no-sandbox", "--disable-gpu", f"--user-data-dir={profile}", "--dump-dom")
            page = self.output_of(program.tool("chromium"), *flags, self.url)
        shown = re.fullmatch(r"<html>.*<pre[^>]*>(.*)</pre>.*</html>\n?", page, re.DOTALL)
        self.assertTrue(shown, page[:300])
        self.is_whole(html.unescape(shown.group(1)))

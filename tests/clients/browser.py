"""A Chromium without a window, driven by its DevTools protocol over a pipe; nothing but the standard library.

What it says of a page's errors (scripts, policies, addresses that fail) is collected in `complaints`.
"""

import base64
import fcntl
import json
import os
import select
import signal
import subprocess
import tempfile
import time

import program

# Its sandbox needs rights that root and containers do not have; the pages are our own.
FLAGS = ["--headless", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--hide-scrollbars", "--no-first-run"]


class Browser:
    """One page in a browser of its own, until the end of a `with`."""

    def __enter__(self):
        self._folder = tempfile.TemporaryDirectory(ignore_cleanup_errors=True)
        reads, self._to = os.pipe()
        self._from, writes = os.pipe()
        # Chromium reads commands from 3 and answers on 4. Above 9, one does not overwrite the other on the way.
        ends = [fcntl.fcntl(end, fcntl.F_DUPFD, 10) for end in (reads, writes)]
        os.close(reads)
        os.close(writes)
        command = [program.tool("chromium"), *FLAGS, "--lang=en-US", "--remote-debugging-pipe", f"--user-data-dir={self._folder.name}"]
        self._process = subprocess.Popen(
            ["bash", "-c", f'exec "$@" 3<&{ends[0]} 4>&{ends[1]}', "bash", *command, "about:blank"],
            pass_fds=ends,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            env={**os.environ, "TZ": "UTC", "HOME": self._folder.name},
            start_new_session=True,
        )
        for end in ends:
            os.close(end)
        self._number, self._rest, self._session, self._events = 0, b"", None, []
        self.complaints = []
        target = self.ask("Target.createTarget", url="about:blank")["targetId"]
        self._session = self.ask("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
        for domain in ("Page", "Runtime", "Log", "Network", "Audits"):
            self.ask(f"{domain}.enable")
        return self

    def __exit__(self, *_):
        os.close(self._to)
        os.close(self._from)
        # It has started others, all in the session that was made for it.
        os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait()
        self._folder.cleanup()

    def ask(self, method, **parameters):
        """Asks one thing and returns the answer."""
        self._number += 1
        message = {"id": self._number, "method": method, "params": parameters}
        if self._session:
            message["sessionId"] = self._session
        data = json.dumps(message).encode() + b"\0"
        while data:
            data = data[os.write(self._to, data) :]
        while True:
            answer = self._next()
            if answer.get("id") == self._number:
                assert "error" not in answer, f"{method}: {answer['error']}"
                return answer["result"]
            self._events.append(answer)

    def _next(self, seconds=60):
        deadline = time.monotonic() + seconds
        while b"\0" not in self._rest:
            ready, _, _ = select.select([self._from], [], [], max(0, deadline - time.monotonic()))
            assert ready, f"Chromium says nothing for {seconds} s"
            part = os.read(self._from, 1 << 20)
            assert part, "Chromium has ended"
            self._rest += part
        message, _, self._rest = self._rest.partition(b"\0")
        message = json.loads(message)
        self._hear(message)
        return message

    def _hear(self, message):
        method, said = message.get("method"), message.get("params", {})
        if method == "Log.entryAdded" and said["entry"]["level"] in ("error", "warning"):
            self.complaints.append(f"{said['entry']['text']} {said['entry'].get('url', '')}")
        elif method == "Runtime.consoleAPICalled":
            self.complaints.append(f"console: {said['args']}")
        elif method == "Runtime.exceptionThrown":
            self.complaints.append(f"exception: {said['exceptionDetails']}")
        elif method == "Audits.issueAdded" and said["issue"]["code"] in ("ContentSecurityPolicyIssue", "QuirksModeIssue"):
            self.complaints.append(f"issue: {said['issue']}")

    def loads(self, act):
        """Does something that leads to another page, and waits until that is there."""
        self._events.clear()
        act()
        while not any(event.get("method") == "Page.loadEventFired" for event in self._events):
            self._events.append(self._next())

    def open(self, url):
        self.loads(lambda: self.ask("Page.navigate", url=url))

    def value(self, expression):
        """What an expression of JavaScript gives; the page's own policy does not concern it."""
        answer = self.ask("Runtime.evaluate", expression=expression, returnByValue=True, awaitPromise=True)
        assert "exceptionDetails" not in answer, answer["exceptionDetails"]
        return answer["result"].get("value")

    def follow(self, selector):
        """Clicks a link or a button."""
        self.loads(lambda: self.value(f"document.querySelector({json.dumps(selector)}).click()"))

    def key(self, name, text="", shift=False):
        codes = {"Tab": 9, "Enter": 13}
        key = {"key": name, "code": name, "windowsVirtualKeyCode": codes[name], "modifiers": 8 if shift else 0}
        self.ask("Input.dispatchKeyEvent", type="keyDown" if text else "rawKeyDown", text=text, **key)
        self.ask("Input.dispatchKeyEvent", type="keyUp", **key)

    def screen(self, width, height=900, dark=False, phone=False):
        """How large the window is, and what its user likes."""
        self.ask("Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=1, mobile=phone)
        scheme = {"name": "prefers-color-scheme", "value": "dark" if dark else "light"}
        self.ask("Emulation.setEmulatedMedia", features=[scheme])

    def picture(self, file, whole=False):
        """Writes what is seen as PNG."""
        answer = self.ask("Page.captureScreenshot", format="png", captureBeyondViewport=whole)
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(base64.b64decode(answer["data"]))

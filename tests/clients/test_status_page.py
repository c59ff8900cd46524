"""The status page in a browser: no complaint, filters and orders, keyboard, a phone, light and dark, ten thousand instances.

The pictures lie in `target/tests/status-*.png`. With KEEP_PICTURES in the environment the README's is kept in
`dashboards/pictures/status.png` (`dashboards/make pictures`).
"""

import contextlib
import os
import pathlib
import tempfile
import time
import unittest
import urllib.request

import program
from browser import Browser
from program import get, get_json, wait_for

TARGET = pathlib.Path(os.environ.get("CARGO_TARGET_DIR", program.ROOT / "target"))
PICTURES = TARGET / "tests"
KEPT = program.ROOT / "dashboards/pictures/status.png"
AXE = TARGET / "tools/axe/node_modules/axe-core/axe.min.js"
MANY = 10_000
CONFIGURATION = """
projects:
  - name: {name}
    project_id: {project}
    endpoint: {endpoint}
    limits: {{ requests_per_second: 5, burst: 20, concurrency: 2 }}
"""
NAMES = "[...document.querySelectorAll('tbody th a')].map(link => link.textContent)"
# What a keyboard reaches, in the order of the document.
REACHED = "[...document.querySelectorAll('a[href], button, input:not([type=hidden]), select, summary')]"


class StatusPage(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        stack = contextlib.ExitStack()
        cls.addClassCleanup(stack.close)
        cls.url, _ = stack.enter_context(program.demo())
        cls.browser = stack.enter_context(Browser())
        cls.browser.screen(1280)

        def all_polled():
            told = get_json(f"{cls.url}/api/v1/instances")
            return told["total"] > 5 and not told["verdicts"]["not_polled"]

        wait_for("all instances have been polled", all_polled)

    def setUp(self):
        self.browser.screen(1280)
        self.browser.complaints.clear()
        self.browser.open(f"{self.url}/")

    def tearDown(self):
        self.assertEqual(self.browser.complaints, [])

    def names(self):
        return self.browser.value(NAMES)

    def told(self, **query):
        told = get_json(f"{self.url}/api/v1/instances", **query)
        return [instance["instance_name"] for instance in told["instances"]]

    def test_it_shows_what_the_api_tells(self):
        self.assertEqual(sorted(self.names()), sorted(self.told()))
        self.assertRegex(self.browser.value("document.querySelector('h1').textContent"), r"\w+ instances? ")
        link = self.browser.value("document.querySelector('footer li:nth-child(2) a').href")
        self.assertEqual(len(get_json(link)["instances"]), len(self.told()))

    def test_the_form_filters_and_keeps_what_was_chosen(self):
        name = self.told(sort="name")[0]
        self.browser.value("document.querySelector('#search').focus()")
        self.browser.ask("Input.insertText", text=name[1:].upper())
        self.browser.loads(lambda: self.browser.key("Enter", "\r"))
        self.assertIn(name, self.names())
        self.assertEqual(self.names(), self.told(search=name[1:]))
        self.assertEqual(self.browser.value("document.querySelector('#search').value"), name[1:].upper())
        self.browser.value("document.querySelector('#search').value = ''; document.querySelector('#verdict').value = 'fresh'")
        self.browser.value("document.querySelector('#sort').value = 'size'")
        self.browser.follow("form button")
        self.assertEqual(self.names(), self.told(verdict="fresh", sort="size"))
        chosen = "[...document.querySelectorAll('select')].map(select => select.value)"
        self.assertEqual(self.browser.value(chosen), ["", "fresh", "size"])
        self.browser.follow(".buttons a")
        self.assertEqual(len(self.names()), len(self.told()))

    def test_headings_sort_and_turn_round(self):
        sorted_by = "document.querySelector('[aria-sort]').textContent.trim() + ' ' + document.querySelector('[aria-sort]').ariaSort"
        self.assertEqual(self.browser.value(sorted_by), "State ↑ ascending")
        self.browser.follow("thead th:nth-child(2) a")
        self.assertEqual((self.browser.value(sorted_by), self.names()), ("Instance ↑ ascending", self.told(sort="name")))
        self.browser.follow("thead th:nth-child(2) a")
        self.assertEqual(self.names(), self.told(sort="name", order="desc"))
        self.assertEqual(self.browser.value(sorted_by), "Instance ↓ descending")
        self.browser.follow("thead th:nth-child(5) a")
        self.assertEqual(self.browser.value(sorted_by), "Size ↓ descending")

    def test_a_count_leads_to_those_it_counts(self):
        links = self.browser.value("[...document.querySelectorAll('.verdicts a')].map(link => link.textContent)")
        self.assertGreater(len(links), 2)
        for place, words in enumerate(links, start=1):
            self.browser.open(f"{self.url}/")
            # Backups succeed and fail all the time: the count is that of the page one comes from, give or take.
            self.browser.follow(f".verdicts li:nth-child({place}) a")
            current = self.browser.value("document.querySelector('.verdicts [aria-current]').textContent")
            number = int("".join(filter(str.isdigit, current)))
            self.assertEqual(len(self.names()), number, words)

    def test_an_instance_tells_all_and_leads_back(self):
        name = self.names()[0]
        self.browser.follow("tbody th a")
        self.assertIn(name, self.browser.value("document.querySelector('h1').textContent"))
        headings = self.browser.value("[...document.querySelectorAll('h2')].map(heading => heading.textContent)")
        self.assertEqual(headings, ["Backups", "Plan", "Restores", "Asking the cloud", "Instance"])
        self.browser.picture(PICTURES / "status-instance.png", whole=True)
        self.browser.follow("main p a")
        self.assertIn(name, self.names())

    def test_a_running_backup_has_a_bar(self):
        def runs():
            self.browser.open(f"{self.url}/")
            return self.browser.value("document.querySelector('progress')?.getAttribute('aria-label')")

        self.assertRegex(wait_for("something runs", runs), r"^(Backup|Restore) of \S+")
        position = self.browser.value("document.querySelector('progress').position")
        self.assertTrue(0 <= position <= 1, position)

    def test_it_refreshes_itself_only_when_asked_to(self):
        self.assertIsNone(self.browser.value("document.querySelector('meta[http-equiv=refresh]')?.content"))
        self.browser.follow(".bar a")
        self.assertEqual(self.browser.value("document.querySelector('meta[http-equiv=refresh]').content"), "30")
        self.browser.follow(".bar a")
        self.assertIsNone(self.browser.value("document.querySelector('meta[http-equiv=refresh]')?.content"))

    def test_the_keyboard_reaches_everything_in_order_and_one_sees_where_one_is(self):
        count = self.browser.value(f"{REACHED}.length")
        self.assertGreater(count, 30)
        for place in range(count):
            self.browser.key("Tab")
            found = self.browser.value(f"{REACHED}.indexOf(document.activeElement)")
            self.assertEqual(found, place)
            outline = self.browser.value("getComputedStyle(document.activeElement).outlineStyle")
            self.assertEqual(outline, "solid", f"{place}: nobody sees the focus")
        self.browser.open(f"{self.url}/")
        self.browser.key("Tab")
        visible = "document.activeElement.getBoundingClientRect().left >= 0 && document.activeElement.textContent"
        self.assertEqual(self.browser.value(visible), "Skip to the content")
        self.browser.key("Enter", "\r")
        wait_for("the content is the target", lambda: self.browser.value("location.hash") == "#main")

    def test_a_phone_scrolls_in_one_direction(self):
        one = self.browser.value("document.querySelector('tbody th a').getAttribute('href')")
        for name, path in [("phone", ""), ("phone-instance", one), ("phone-refused", "?verdict=x")]:
            for width in (320, 360, 640, 900, 1000):
                self.browser.screen(width, 800, phone=True)
                self.browser.complaints.clear()
                self.browser.open(f"{self.url}/{path}")
                self.assertLessEqual(self.browser.value("document.documentElement.scrollWidth"), width, f"{name} {width}")
                if width == 360:
                    self.browser.picture(PICTURES / f"status-{name}.png", whole=True)
                    self.browser.screen(width, 800, phone=True, dark=True)
                    self.browser.picture(PICTURES / f"status-{name}-dark.png", whole=True)
                    fingers = "[...document.querySelectorAll('.chip, button, select, input:not([type=hidden])')].every(one => one.offsetHeight >= 32)"
                    self.assertTrue(self.browser.value(fingers), "too small for a finger")
        self.browser.complaints = [one for one in self.browser.complaints if "400" not in one]

    def test_light_and_dark_pass_the_checks_of_axe(self):
        self.assertTrue(AXE.is_file(), f"{AXE} is not there: tests/run gets it, or says why it could not")
        one = self.browser.value("document.querySelector('tbody th a').getAttribute('href')")
        grounds = set()
        for name, path in [("fleet", ""), ("instance", one), ("nothing", "?search=nothing-is-called-so")]:
            for dark in (False, True):
                for width in (1280, 360):
                    self.browser.screen(width, dark=dark)
                    self.browser.open(f"{self.url}/{path}")
                    self.browser.value(AXE.read_text(encoding="utf-8") + "; 0")
                    found = self.browser.value("axe.run(document).then(found => found.violations.map(one => one.id + ': ' + one.nodes[0].html + ' ' + one.nodes[0].failureSummary))")
                    self.assertEqual(found, [], f"{name}, dark: {dark}, {width}")
                    grounds.add(self.browser.value("getComputedStyle(document.body).backgroundColor"))
                    if width == 1280:
                        self.browser.picture(PICTURES / f"status-{name}-{'dark' if dark else 'light'}.png")
        self.assertEqual(len(grounds), 2, "dark is another colour than light")

    def test_the_page_s_policy_holds_and_this_test_would_hear_of_it(self):
        self.browser.value("document.body.setAttribute('style', 'color: red')")
        self.browser.value("document.body.append(Object.assign(document.createElement('script'), {textContent: 'window.ran = 1'}))")
        self.browser.value("document.body.append(Object.assign(document.createElement('img'), {src: './metrics'}))")
        wait_for("three complaints", lambda: self.browser.value("0") == 0 and len({one[:60] for one in self.browser.complaints}) >= 3)
        self.assertIsNone(self.browser.value("window.ran"))
        self.browser.complaints.clear()

    def test_its_picture_is_small(self):
        from PIL import Image

        self.browser.screen(1280, 860)
        self.browser.open(f"{self.url}/")
        picture = PICTURES / "status.png"
        self.browser.picture(picture)
        with Image.open(picture) as image:
            small = image.convert("RGB").quantize(256, method=Image.Quantize.FASTOCTREE, dither=Image.Dither.NONE)
        small.save(picture, optimize=True)
        self.assertLess(picture.stat().st_size, 120_000)
        if "KEEP_PICTURES" in os.environ:
            KEPT.write_bytes(picture.read_bytes())


class ManyInstances(unittest.TestCase):
    """Behind a prefix, as a reverse proxy would serve it, links are the same; so it is enough that none is absolute."""

    @classmethod
    def setUpClass(cls):
        stack = contextlib.ExitStack()
        cls.addClassCleanup(stack.close)
        cloud, _ = stack.enter_context(program.simulate(f"--instances={MANY}", "--speed=1"))
        folder = pathlib.Path(stack.enter_context(tempfile.TemporaryDirectory()))
        file = folder / "exporter.yml"
        file.write_text(CONFIGURATION.format(name="a-project-with-a-very-long-name" * 2, project=cloud.project_id, endpoint=cloud.endpoint))
        environment = {"HUAWEICLOUD_SDK_AK": cloud.access_key, "HUAWEICLOUD_SDK_SK": cloud.secret_key}
        cls.url, _ = stack.enter_context(program.daemon(f"--config.file={file}", environment=environment))
        wait_for("all are listed", lambda: get_json(f"{cls.url}/api/v1/instances", limit=1)["total"] == MANY)

    def test_they_are_paged(self):
        with Browser() as browser:
            browser.screen(360, 800, phone=True)
            browser.open(f"{self.url}/?sort=name")
            self.assertLessEqual(browser.value("document.documentElement.scrollWidth"), 360)
            first = browser.value(NAMES)
            self.assertEqual(len(first), 100)
            seen = [first]
            for words in ("Next", "Last", "Previous", "First"):
                place = browser.value(f"[...document.querySelectorAll('.pager li')].findIndex(one => one.textContent === '{words}') + 1")
                browser.follow(f".pager li:nth-child({place}) a")
                seen.append(browser.value(NAMES))
            told = get_json(f"{self.url}/api/v1/instances", sort="name")["instances"]
            names = [instance["instance_name"] for instance in told]
            self.assertEqual(seen, [names[start : start + 100] for start in (0, 100, 9900, 9800, 0)])
            self.assertEqual(browser.complaints, [])

    def test_a_page_is_small_and_quick(self):
        request = urllib.request.Request(f"{self.url}/?offset=5000", headers={"Accept-Encoding": "gzip"})
        begun = time.monotonic()
        with urllib.request.urlopen(request, timeout=20) as answer:
            self.assertEqual(answer.headers["Content-Encoding"], "gzip")
            size = len(answer.read())
        print(f"a page of {MANY}: {1000 * (time.monotonic() - begun):.0f} ms, {size} bytes compressed")
        self.assertLess(size, 40_000)
        self.assertLess(len(get(f"{self.url}/")[2]), 250_000)

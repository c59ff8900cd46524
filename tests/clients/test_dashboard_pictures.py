"""The dashboards drawn with Grafana's own packages: every panel shows something, and the README's pictures are made so.

With KEEP_PICTURES in the environment the pictures are kept in `dashboards/pictures/` (`dashboards/make pictures`).
"""

import contextlib
import os
import pathlib
import tempfile
import unittest

import dashboard_drawing as drawing
import dashboard_history as history
import program
from test_dashboard_queries import ALL
from test_dashboards import read

KEPT = program.ROOT / "dashboards/pictures"
# Large enough to be read, small enough for a page that shows them.
LARGEST = 150_000


class DashboardPictures(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        stack = contextlib.ExitStack()
        cls.addClassCleanup(stack.close)
        cls.folder = pathlib.Path(stack.enter_context(tempfile.TemporaryDirectory()))
        cls.prometheus = stack.enter_context(history.serving(history.scrapes()))
        drawing.bundle(cls.folder)

    def drawn(self, name, rows, mode, keep=False, **chosen):
        """Draws the first rows of a dashboard; returns what was drawn in each panel."""
        from PIL import Image

        dashboard = read(name)
        told = drawing.answers(dashboard, self.prometheus, {**ALL, **chosen}, rows)
        picture = self.folder / f"{name}.png"
        panels = drawing.draw(self.folder, told, rows, mode, picture)
        wanted = [panel["title"] for panel in dashboard["panels"] if panel["id"] in told["answers"]]
        self.assertEqual(list(panels), wanted)
        with Image.open(picture) as image:
            colours = image.convert("RGB")
            # Not the one colour of an empty page: text has many shades, and no shade fills the whole.
            found = sorted(colours.getcolors(1 << 24), reverse=True)
            self.assertGreater(len(found), 500, name)
            self.assertLess(found[0][0], 0.9 * image.width * image.height, name)
            small = colours.quantize(256, method=Image.Quantize.FASTOCTREE, dither=Image.Dither.NONE)
            small.save(picture, optimize=True)
        self.assertLess(picture.stat().st_size, LARGEST, name)
        if keep and "KEEP_PICTURES" in os.environ:
            KEPT.mkdir(exist_ok=True)
            (KEPT / f"{name}.png").write_bytes(picture.read_bytes())
        return panels

    def test_the_fleet(self):
        panels = self.drawn("fleet", 26, "dark", keep=True)
        table = panels["Instances, worst first"]
        headings = ["Instance", "Project", "State", "Newest backup", "RPO", "Age / RPO", "Restorable", "Size"]
        self.assertEqual(table["columns"], [*headings, "Next backup", "Facts", "Id"])
        # One row for each instance, and the worst on top, as the transformations of Grafana itself make it.
        self.assertEqual(table["rows"], [17])
        states = [row[2] for row in table["cells"]]
        self.assertEqual(states[:3], ["never backed up", "never backed up", "out of RPO"])
        self.assertEqual(states[-1], "cannot be backed up")
        self.assertEqual(table["cells"][0][3:5], ["never", "no RPO"])
        self.assertEqual(table["links"], 17)

    def test_an_instance(self):
        series = self.prometheus.instant('dcs_poll_success{project="shop", instance_name="geo-index"}')
        self.drawn("instance", 35, "dark", keep=True, instance_id=[series[0][0]["instance_id"]])

    def test_the_exporter(self):
        self.drawn("exporter", 36, "light", keep=True)

    def test_every_panel_can_be_drawn(self):
        for name in ("fleet", "instance", "exporter"):
            dashboard = read(name)
            rows = max(panel["gridPos"]["y"] + panel["gridPos"]["h"] for panel in dashboard["panels"])
            told = drawing.answers(dashboard, self.prometheus, ALL, rows)
            panels = drawing.draw(self.folder, told, rows, "light", self.folder / "all.png")
            self.assertEqual(len(panels), len(dashboard["panels"]), name)
            empty = [title for title, panel in panels.items() if not sum(panel["rows"])]
            self.assertEqual(empty, [], name)

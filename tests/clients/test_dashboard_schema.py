"""The dashboards by Grafana's own types: its schema, the options of each panel, its units and transformations."""

import copy
import json
import os
import pathlib
import subprocess
import tempfile
import unittest

import dashboard_drawing as drawing
import dashboard_linter
from test_dashboards import NAMES, read

# Where the schema keeps the options of a panel.
OPTIONS = {
    "bargauge": "BarGauge",
    "heatmap": "Heatmap",
    "stat": "Stat",
    "state-timeline": "StateTimeline",
    "table": "Table",
    "timeseries": "TimeSeries",
}
# What an annotation has for Prometheus beyond the schema, which knows no data source.
OF_PROMETHEUS = ("expr", "step", "textFormat", "titleFormat", "useValueForTime")
# Literals are checked against enums by their values; everything may be left out that Grafana fills in.
LOOSE = """
type Loose<T> = T extends string ? `${T}` : T extends (infer U)[] ? Loose<U>[]
  : T extends object ? { [K in keyof T]: Loose<T[K]> } : T;
"""


def checked(dashboard):
    """A program that compiles only if the dashboard has the schema's form."""
    dashboard = copy.deepcopy(dashboard)
    for annotation in dashboard["annotations"]["list"]:
        for key in OF_PROMETHEUS:
            annotation.pop(key, None)
    kinds = sorted({panel["type"] for panel in dashboard["panels"]})
    lines = ["import type { Dashboard, Panel } from '@grafana/schema';"]
    for kind in kinds:
        file = f"composable/{kind.replace('-', '')}/panelcfg/x/{OPTIONS[kind]}PanelCfg_types.gen"
        lines.append(f"import type {{ Options as {OPTIONS[kind]} }} from '@grafana/schema/dist/esm/raw/{file}';")
    lines.append(LOOSE)
    lines.append(f"export const dashboard = {json.dumps(dashboard)} satisfies Loose<Dashboard>;")
    for panel in dashboard["panels"]:
        lines.append(f"({json.dumps(panel)}) satisfies Loose<Panel>;")
        lines.append(f"({json.dumps(panel['options'])}) satisfies Loose<Partial<{OPTIONS[panel['type']]}>>;")
    return "\n".join(lines) + "\n"


class DashboardSchema(unittest.TestCase):
    def compiled(self, *dashboards):
        """What TypeScript has to say."""
        with tempfile.TemporaryDirectory() as folder:
            folder = pathlib.Path(folder)
            (folder / "node_modules").symlink_to(drawing.package(""))
            for number, dashboard in enumerate(dashboards):
                (folder / f"{number}.ts").write_text(checked(dashboard), encoding="utf-8")
            command = [drawing.package(".bin") / "tsc", "--noEmit", "--strict", "--skipLibCheck"]
            command += ["--moduleResolution", "bundler", "--module", "esnext", "--target", "es2022"]
            command += [f"{number}.ts" for number in range(len(dashboards))]
            ended = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=120, check=False)
            return ended.stdout + ended.stderr

    def test_the_dashboards_have_the_form_of_the_schema(self):
        self.assertEqual(self.compiled(*(read(name) for name in NAMES)), "")

    def test_what_the_schema_does_not_have_is_found(self):
        def changed(change):
            dashboard = read("fleet")
            change(dashboard)
            return dashboard

        wrong = [
            changed(lambda d: d.update(titel="Fleet")),
            changed(lambda d: d["panels"][0]["gridPos"].update(w="4")),
            changed(lambda d: d["panels"][0]["fieldConfig"]["defaults"].update(units="s")),
            changed(lambda d: d["panels"][0]["options"].update(graphMode="lines")),
            changed(lambda d: d["templating"]["list"][0].update(auto=True)),
        ]
        said = self.compiled(*wrong)
        for number in range(len(wrong)):
            self.assertIn(f"{number}.ts(", said)

    def test_units_and_transformations_are_grafanas(self):
        program = """
            globalThis.navigator ??= { language: 'en-US', languages: ['en-US'] };
            const { getValueFormats, standardTransformers } = require('@grafana/data');
            const units = getValueFormats().flatMap(({ submenu }) => submenu.map(({ value }) => value));
            const transformations = Object.values(standardTransformers).map(({ id }) => id);
            console.log(JSON.stringify({ units, transformations }));
        """
        environment = {**os.environ, "NODE_PATH": str(drawing.package(""))}
        ended = subprocess.run(
            ["node", "-e", program], capture_output=True, text=True, check=True, timeout=60, env=environment
        )
        known = json.loads(ended.stdout.splitlines()[-1])
        self.assertLessEqual(dashboard_linter.UNITS, set(known["units"]))
        used = {
            transformation["id"]
            for name in NAMES
            for panel in read(name)["panels"]
            for transformation in panel.get("transformations", [])
        }
        self.assertTrue(used)
        self.assertLessEqual(used, set(known["transformations"]))

"""Draws dashboards with Grafana's own packages in a browser without a window.

A Grafana cannot be had from where tests run, but its frontend's packages can: field options, units, mappings and
transformations are Grafana's, and so are all panels but the state timeline and the heatmap (`standins.jsx`).
"""

import json
import os
import pathlib
import re
import shutil
import subprocess

import dashboard_history as history
import program

SOURCE = program.ROOT / "tests/dashboards/pictures"
PACKAGES = pathlib.Path(os.environ.get("NODE_PACKAGES", program.ROOT / "target/tools/node/node_modules"))
WIDTH = 1400
PAGE = """<!doctype html><meta charset="utf-8"><link rel="stylesheet" href="app.css">
<body style="margin:0"><div id="root"></div><script src="answers.js"></script><script src="app.js"></script>"""


def package(name):
    """The folder of a package of npm; where it is not there, the test says so and fails."""
    folder = PACKAGES / name
    assert folder.is_dir(), f"{name} is not there: tests/run gets it, or says why it could not"
    return folder


def browser():
    for name in ("chromium", "chromium-browser", "google-chrome"):
        if path := shutil.which(name):
            return path
    raise AssertionError("there is no Chromium: tests/run gets it, or says why it could not")


def bundle(folder):
    """The program that draws, as one script in this folder."""
    command = [package(".bin") / "esbuild", SOURCE / "main.jsx", "--bundle", "--format=iife", "--jsx=automatic"]
    command += ["--loader:.svg=dataurl", "--loader:.ttf=empty", "--minify", "--log-level=warning"]
    command += ['--define:process.env.NODE_ENV="production"', f"--outfile={folder}/app.js"]
    subprocess.run(command, check=True, timeout=120, env={**os.environ, "NODE_PATH": str(PACKAGES)})
    (folder / "index.html").write_text(PAGE, encoding="utf-8")


def answers(dashboard, prometheus, chosen, rows):
    """What the page is told: the dashboard and Prometheus' answers to the queries of its first rows."""
    seconds = history.seconds_of(dashboard["time"]["from"])
    step = seconds // 288
    found = {}
    for panel in dashboard["panels"]:
        if panel["gridPos"]["y"] + panel["gridPos"]["h"] > rows:
            continue
        for target in panel["targets"]:
            query = history.filled(target["expr"], chosen, seconds, step)
            series = prometheus.raw(query, None if target["instant"] else (seconds, step))
            found.setdefault(panel["id"], {})[target["refId"]] = series
    span = {"from": 1000 * (prometheus.now - seconds), "to": 1000 * prometheus.now, "step": step}
    return {"dashboard": dashboard, "answers": found, **span}


def draw(folder, told, rows, mode, picture):
    """Writes a picture; returns for each panel what was drawn in it."""
    height = 38 * rows + 8
    page = {**told, "rows": rows, "mode": mode, "width": WIDTH}
    # The browser's clock, which words such as "in 3 hours" lean on, is that of the history.
    (folder / "answers.js").write_text(f"window.PICTURE = {json.dumps(page)};\n", encoding="utf-8")
    command = [browser(), "--headless", "--no-sandbox", "--disable-gpu", "--hide-scrollbars"]
    command += ["--enable-logging=stderr", "--force-device-scale-factor=1", "--lang=en-US", "--no-first-run"]
    command += ["--disable-dev-shm-usage", f"--user-data-dir={folder}/browser", "--allow-file-access-from-files"]
    command += [f"--window-size={WIDTH},{height}", "--virtual-time-budget=15000", f"--screenshot={picture}"]
    environment = {**os.environ, "TZ": "UTC", "HOME": str(folder)}
    command = [*command, (folder / "index.html").as_uri()]
    ended = subprocess.run(command, capture_output=True, text=True, timeout=120, env=environment, check=False)
    said = re.search(r"DRAWN (\{.*\}) END", ended.stderr)
    assert said, f"nothing was drawn (exit code {ended.returncode}):\n{ended.stderr[-4000:]}"
    result = json.loads(json.loads(f'"{said[1]}"') if said[1].startswith('{\\"') else said[1])
    assert "error" not in result, result["error"]
    return {panel["title"]: panel for panel in result["panels"]}

"""Writes the dashboards' JSON, into `dashboards/` or the folder given.

dashboards/make
"""

import json
import pathlib
import sys

from exporter import exporter
from fleet import fleet
from grafana_foundation_sdk.cog.encoder import JSONEncoder
from instance import instance

DASHBOARDS = {"fleet": fleet, "instance": instance, "exporter": exporter}


def text_of(dashboard):
    """The JSON of a dashboard, as it is committed."""
    model = json.loads(JSONEncoder().encode(dashboard))
    for variable in model["templating"]["list"]:
        # What the SDK adds for other kinds of variables and Grafana's own schema does not have.
        for key in [key for key in variable if key.startswith("auto")]:
            del variable[key]
    # The SDK would hide these in a menu; they belong where everybody sees them.
    for shown in [*model["links"], *model["annotations"]["list"]]:
        del shown["placement"]
    for panel in model["panels"]:
        # Of panels that repeat, which none does, and of tables before Grafana 12.
        panel.pop("repeatDirection", None)
        panel["options"].pop("footer", None)
    return json.dumps(model, indent=2, sort_keys=True, ensure_ascii=False) + "\n"


def main():
    folder = pathlib.Path(sys.argv[1]) if len(sys.argv) > 1 else pathlib.Path(__file__).resolve().parents[1]
    for name, build in DASHBOARDS.items():
        (folder / f"{name}.json").write_text(text_of(build()), encoding="utf-8")


if __name__ == "__main__":
    main()

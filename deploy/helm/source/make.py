"""Writes what is made of other files: see deploy/helm/make. `--check` names what would change, and exits with 1."""

import pathlib
import sys

import kubernetes
import schema
import values
import yaml

ROOT = pathlib.Path(__file__).resolve().parents[3]
CHART = ROOT / "deploy/helm/dcs-backup-exporter"
KUBERNETES = ROOT / "deploy/kubernetes"
BEGIN, END = "<!-- values: written by deploy/helm/make -->\n", "<!-- end of values -->"


def shown(default):
    """A default as one would type it."""
    if default == "" or default is None:
        return ""
    text = yaml.safe_dump(default, default_flow_style=True, width=1000, sort_keys=False)
    # What YAML puts behind a bare scalar.
    return f"`{text.strip().removesuffix('...').strip()}`"


def table(found):
    """The values as a table in Markdown."""
    rows = ["| value | default | meaning |", "|---|---|---|"]
    rows += [
        f"| `{value.path}` | {shown(value.default)} | {value.help.replace('|', chr(92) + '|')} |" for value in found
    ]
    return "\n".join(rows) + "\n"


def readme(found):
    """The chart's README with that table."""
    text = (CHART / "README.md").read_text()
    before, begin, rest = text.partition(BEGIN)
    _, end, after = rest.partition(END)
    assert begin and end, f"{CHART}/README.md has no place for the table of values"
    return before + BEGIN + table(found) + END + after


def copies():
    """What the chart takes along, because Helm reads no file outside of it."""
    for folder, pattern, target in (("dashboards", "*.json", "dashboards"), ("dashboards/rules", "*.yml", "rules")):
        for file in sorted((ROOT / folder).glob(pattern)):
            yield CHART / "files" / target / file.name, file.read_text()


def main(helm, check):
    """Writes, or looks."""
    found = values.read((CHART / "values.yaml").read_text())
    wanted = dict(copies())
    wanted[CHART / "values.schema.json"] = schema.written(found, (ROOT / "src/config/keys.rs").read_text())
    wanted[CHART / "README.md"] = readme(found)
    old = {file for file in (CHART / "files").rglob("*") if file.is_file()}

    def write():
        changed = [file for file, text in wanted.items() if not file.exists() or file.read_text() != text]
        changed += sorted(old - wanted.keys())
        for file in [] if check else changed:
            if file in wanted:
                file.parent.mkdir(parents=True, exist_ok=True)
                file.write_text(wanted[file])
            else:
                file.unlink()
        return changed

    # The manifests are made of the rest: that must be right first.
    changed = write()
    if not (check and changed):
        rendered = kubernetes.written(helm, CHART, yaml.safe_dump)
        wanted = {KUBERNETES / path: text for path, text in rendered.items()}
        made = (file for folder in kubernetes.RENDERINGS for file in (KUBERNETES / folder).glob("*.yaml"))
        old = {file for file in made if file.read_text().startswith(kubernetes.HEADER)}
        changed += write()
    for file in changed:
        print(file.relative_to(ROOT))
    return 1 if check and changed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1], sys.argv[2:] == ["--check"]))

"""The tables about the rules in dashboards/README.md, made from the rules: `tables.py --write` writes them anew."""

import re
import sys

import promtool

README = promtool.FOLDER.parent / "README.md"
SEVERITIES = ("critical", "warning", "info", "none")


def alerts():
    rows = ["| alert | severity | for | says |", "|---|---|---|---|"]
    for rule in promtool.rules():
        if "alert" in rule:
            name, severity = rule["alert"], rule["labels"]["severity"]
            assert severity in SEVERITIES, f"{name} has the severity {severity}"
            rows.append(f"| `{name}` | {severity} | {rule.get('for', 'at once')} | {rule['annotations']['summary']} |")
    return "\n".join(rows)


def thresholds():
    """Of each threshold its value and the comment above it."""
    rows = ["| threshold | value | for |", "|---|---|---|"]
    comment, shared = [], ""
    for line in (promtool.FOLDER / promtool.FILES[0]).read_text().splitlines():
        line = line.strip()
        if line.startswith("#"):
            comment.append(line.removeprefix("#").strip())
        elif not line:
            comment = []
        elif match := re.fullmatch(r"- record: (dcs_threshold:\S+)", line):
            name = match[1]
        elif match := re.fullmatch(r"expr: vector\((.+)\)", line):
            # One comment may stand above several.
            shared, comment = " ".join(comment) or shared, []
            rows.append(f"| `{name}` | `{match[1]}` | {shared} |")
    return "\n".join(rows)


def written():
    """The README as it ought to be."""
    text = README.read_text()
    for name, table in (("alerts", alerts()), ("thresholds", thresholds())):
        begin, end = f"<!-- {name}: written by tests/rules/tables.py --write -->\n", f"<!-- end of {name} -->"
        before, found, rest = text.partition(begin)
        assert found, f"{README} has no place for the table of {name}"
        text = before + begin + table + "\n" + end + rest.partition(end)[2]
    return text


if __name__ == "__main__":
    if sys.argv[1:] == ["--write"]:
        README.write_text(written())
    sys.exit(README.read_text() != written())

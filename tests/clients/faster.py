"""The shipped rules with all their times divided by one number, so that a night passes within minutes.

Divided are `for`, `keep_firing_for`, a group's `interval`, ranges (`[15m]`) and offsets in expressions, and the
thresholds whose names say that they are seconds. Nothing else is touched: expressions, labels, annotations and all
other thresholds are those that are shipped. What is measured in real seconds, whatever the test, stays: the clock's skew.

A number of a minute or more anywhere else in an expression would be a time that nobody divides: that is refused.
"""

import re

from alertmanager import divided

import program

RULES = program.ROOT / "dashboards/rules"
REAL = {"dcs_threshold:clock_skew:seconds"}
TEXT = re.compile(r'("(?:[^"\\]|\\.)*")')


def files(by):
    """Name and text of each file of rules, its times divided."""
    import yaml

    found = {}
    for file in sorted([*RULES.glob("*.rules.yml"), *RULES.glob("*.alerts.yml")]):
        tree = yaml.safe_load(file.read_text())
        for group in tree["groups"]:
            if "interval" in group:
                group["interval"] = divided(group["interval"], by)
            for rule in group["rules"]:
                _divide(rule, by)
        found[file.name] = yaml.safe_dump(tree, sort_keys=False, width=1000)
    return found


def _divide(rule, by):
    for key in ("for", "keep_firing_for"):
        if key in rule:
            rule[key] = divided(rule[key], by)
    name = rule.get("record", "")
    if not name.startswith("dcs_threshold:"):
        rule["expr"] = expression(rule["expr"], by)
    elif name.endswith(":seconds") and name not in REAL:
        rule["expr"] = re.sub(r"^vector\((.*)\)$", rf"vector((\1) / {by})", rule["expr"])
        assert f"/ {by}" in rule["expr"], rule


def expression(promql, by):
    """An expression with its ranges and offsets divided; what stands within quotes is left alone."""
    parts = TEXT.split(promql)
    parts[::2] = [_outside_of_texts(part, by) for part in parts[::2]]
    return "".join(parts)


def _outside_of_texts(promql, by):
    def each(match):
        return re.sub(r"[0-9][0-9a-z]*", lambda time: divided(time[0], by), match[0])

    times = r"\[[^\]]*\]|\boffset\s+-?[0-9a-z]+"
    for number in re.findall(r"(?<![\w:.])[0-9.]+(?:e[0-9]+)?(?![\w:.])", re.sub(times, "", promql)):
        assert float(number) < 60, f"{number} seems to be a time that is not among the thresholds: {promql}"
    return re.sub(times, each, promql)

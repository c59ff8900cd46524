"""Runs promtool's unit tests of rules, as few rules at a time as a test needs."""

import dataclasses
import json
import os
import pathlib
import re
import shutil
import subprocess
import tempfile

import yaml

FOLDER = pathlib.Path(__file__).resolve().parents[2] / "dashboards/rules"
FILES = ("dcs-backup.rules.yml", "dcs-backup.alerts.yml")


@dataclasses.dataclass(frozen=True)
class Case:
    """At some minutes, the severities with which an alert must fire, and those alone: `""` is none. Instead of an alert, a
    recorded series, and its value or its series by their labels."""

    alert: str
    title: str
    series: list
    at: dict
    # Labels of the alert besides its severity.
    labels: dict = dataclasses.field(default_factory=lambda: {"project": "p", "instance_id": "i"})
    # At one of these minutes, what the description must be.
    says: str | None = None
    # The recorded series that is not there.
    without: str | None = None
    # Minutes between two scrapes, and between two evaluations.
    step: int = 5

    def named(self, name):
        """The same case of an alert that is called otherwise."""
        return dataclasses.replace(self, alert=name)

    @property
    def end(self):
        """The last minute that is looked at."""
        return max(self.at)


def rules():
    """The shipped rules, in the order of their evaluation."""
    found = []
    for file in FILES:
        for group in yaml.safe_load((FOLDER / file).read_text())["groups"]:
            found.extend(group["rules"])
    return found


def name_of(rule):
    return rule.get("record") or rule["alert"]


def reads(rule):
    """Names of the recorded series that a rule looks at."""
    text = rule["expr"] + rule.get("annotations", {}).get("description", "")
    return set(re.findall(r"[a-z_]+:[a-z_]+(?::[a-z_]+)?", text))


def needed(all_rules, alert):
    """The rules that an alert needs, itself included, in their order."""
    by_name = {}
    for rule in all_rules:
        by_name.setdefault(name_of(rule), []).append(rule)
    wanted, found = [alert], set()
    while wanted:
        name = wanted.pop()
        if name not in found and name in by_name:
            found.add(name)
            for rule in by_name[name]:
                wanted.extend(reads(rule))
    return [rule for rule in all_rules if name_of(rule) in found]


def test_of(case, all_rules):
    """A case as promtool reads it."""
    labels = {"alertname": case.alert, "alertstate": "firing", **case.labels}
    expressions = []
    if ":" in case.alert:
        for minute, values in case.at.items():
            samples = []
            for labels, value in values if isinstance(values, list) else [(case.labels, values)]:
                text = ",".join(f'{label}="{worth}"' for label, worth in labels.items())
                if value is not None:
                    samples.append({"labels": f"{case.alert}{{{text}}}", "value": value})
            expressions.append({"expr": case.alert, "eval_time": f"{minute}m", "exp_samples": samples})
        return {
            "name": f"{case.alert}: {case.title}",
            "interval": f"{case.step}m",
            "input_series": case.series,
            "promql_expr_test": expressions,
        }
    for minute, severities in case.at.items():
        samples = []
        for severity in severities.split():
            text = ",".join(f'{label}="{value}"' for label, value in {**labels, "severity": severity}.items())
            samples.append({"labels": f"ALERTS{{{text}}}", "value": 1})
        expression = f'ALERTS{{alertname="{case.alert}",alertstate="firing"}}'
        expressions.append({"expr": expression, "eval_time": f"{minute}m", "exp_samples": samples})
    test = {
        "name": f"{case.alert}: {case.title}",
        "interval": f"{case.step}m",
        "input_series": case.series,
        "promql_expr_test": expressions,
    }
    if case.says is not None:
        minute = max(minute for minute, severities in case.at.items() if severities)
        expected = []
        for rule in all_rules:
            if name_of(rule) == case.alert and rule["labels"]["severity"] in case.at[minute].split():
                expected.append(
                    {
                        "exp_labels": {**case.labels, **rule["labels"]},
                        "exp_annotations": {**rule["annotations"], "description": case.says},
                    }
                )
        test["alert_rule_test"] = [{"eval_time": f"{minute}m", "alertname": case.alert, "exp_alerts": expected}]
    return test


def run(cases, with_rules):
    """What promtool has to say against these cases with these rules; nothing where all is as expected."""
    missing = {case.without for case in cases}
    kept = [rule for rule in with_rules if name_of(rule) not in missing]
    return run_tests([test_of(case, with_rules) for case in cases], kept)


def run_tests(tests, with_rules, timeout=600):
    """The same of tests in promtool's own words, which have one interval."""
    promtool = shutil.which("promtool")
    assert promtool, "promtool is not there: tests/run gets it, or says why it could not"
    with tempfile.TemporaryDirectory() as folder:
        groups = [{"name": "g", "rules": with_rules}]
        pathlib.Path(folder, "rules.json").write_text(json.dumps({"groups": groups}))
        body = {"rule_files": ["rules.json"], "evaluation_interval": tests[0]["interval"], "tests": tests}
        pathlib.Path(folder, "tests.json").write_text(json.dumps(body))
        result = subprocess.run(
            [promtool, "test", "rules", "tests.json"],
            cwd=folder,
            # It lives for a second: collecting garbage as usual would be a fifth of that.
            env={**os.environ, "GOGC": "400"},
            capture_output=True,
            text=True,
            timeout=timeout,
            check=False,
        )
        output = result.stdout + result.stderr
        return None if result.returncode == 0 and "SUCCESS" in output else output

"""Runs the unit tests against every mutant of the rules; each must make one of them fail: `mutate.py [WORD…]`.

Words choose among the rules. Most of a test is what all mutants share, so promtool evaluates many of them at once: each
mutant with whatever follows from it, under names of its own, beside the shipped rules. Case after case is tried, and who
is killed by one takes no part in the next.
"""

import concurrent.futures
import json
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile
import time

import check
import mutants
import promtool

# promtool is as fast as one processor.
AT_ONCE = 2
# Mutants in one run.
TOGETHER = 60
# The alert whose cases go through lost scrapes, restarts, outages and replicas in every way.
FIRST = "DcsBackupStale"


class Mutant:
    """A changed rule, under a number."""

    def __init__(self, number, place, rule, what, changed):
        self.tag, self.place, self.what, self.changed = f"_m{number}", place, what, changed
        self.name = f"{promtool.name_of(rule)} {rule.get('labels', {}).get('severity', '')}".strip()
        self.killed = False

    def rules(self, shipped, alert):
        """The mutant and what follows from it up to the alert, under names of their own."""
        needed = promtool.needed(shipped, alert)
        names = {promtool.name_of(shipped[self.place]), alert}
        grown = True
        while grown:
            more = {promtool.name_of(rule) for rule in needed if promtool.reads(rule) & names} - names
            names |= more
            grown = bool(more)
        pattern = re.compile(r"(?<![\w:])(" + "|".join(map(re.escape, names)) + r")(?![\w:])")

        def renamed(text):
            return pattern.sub(lambda match: match[1] + self.tag, text)

        mine = []
        for rule in needed:
            if promtool.name_of(rule) not in names:
                continue
            mutated = dict(self.changed if rule is shipped[self.place] else rule)
            key = "record" if "record" in mutated else "alert"
            mutated[key] += self.tag
            mutated["expr"] = renamed(mutated["expr"])
            if "annotations" in mutated:
                mutated["annotations"] = {
                    word: renamed(text) if word == "description" else text
                    for word, text in mutated["annotations"].items()
                }
            mine.append(mutated)
        return mine


def unreadable(all_mutants):
    """Those that Prometheus would not load: their death is no merit of a test."""
    with tempfile.TemporaryDirectory() as folder:
        groups = [{"name": mutant.tag, "rules": [mutant.changed]} for mutant in all_mutants]
        path = pathlib.Path(folder, "rules.json")
        path.write_text(json.dumps({"groups": groups}))
        command = [shutil.which("promtool"), "check", "rules", "--lint=none", str(path)]
        result = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
    bad = set(re.findall(r'group "(_m\d+)"', result.stdout + result.stderr))
    assert bad or result.returncode == 0, result.stdout + result.stderr
    return {mutant for mutant in all_mutants if mutant.tag in bad}


def kill(case, shipped, batch):
    """Marks the mutants that fail the case."""
    shared = [rule for rule in promtool.needed(shipped, case.alert) if promtool.name_of(rule) != case.alert]
    batch = list(batch)
    while batch:
        rules, tests = list(shared), []
        for mutant in batch:
            own = mutant.rules(shipped, case.alert)
            rules += [rule for rule in own if promtool.name_of(rule) != f"{case.without}{mutant.tag}"]
            tests.append(promtool.test_of(case.named(case.alert + mutant.tag), own))
        # One test of all: they share the series.
        test = {**tests[0], "promql_expr_test": sum((test["promql_expr_test"] for test in tests), [])}
        test["alert_rule_test"] = sum((test.get("alert_rule_test", []) for test in tests), [])
        output = promtool.run_tests([test], [rule for rule in rules if promtool.name_of(rule) != case.without])
        if output is None:
            return
        tags = set(re.findall(r"_m\d+\b", "".join(re.findall(r"(?:expr: |alertname: |rule: )(.*)", output))))
        dead = [mutant for mutant in batch if mutant.tag in tags]
        assert dead, output
        for mutant in dead:
            mutant.killed = True
        if not re.search(r"rule: .* err:", output):
            return
        # A rule that fails ends the test of all.
        batch = [mutant for mutant in batch if not mutant.killed]


def hunt(shipped, cases, alive):
    """Tries all cases of one alert on the mutants that bear on it."""
    begun = time.monotonic()
    alert = cases[0].alert
    needed = {id(rule) for rule in promtool.needed(shipped, alert)}
    for case in sorted(cases, key=lambda case: case.end // case.step):
        mine = [mutant for mutant in alive if not mutant.killed and id(shipped[mutant.place]) in needed]
        for begin in range(0, len(mine), TOGETHER):
            kill(case, shipped, mine[begin : begin + TOGETHER])
    left = sum(not mutant.killed for mutant in alive)
    print(f"{alert}: {left} are left ({time.monotonic() - begun:.0f} s)", file=sys.stderr, flush=True)


def main(words):
    begun = time.monotonic()
    shipped = promtool.rules()
    found = mutants.all_mutants(shipped)
    every = [Mutant(number, place, shipped[place], what, rule) for number, (place, what, rule) in enumerate(found)]
    every = [mutant for mutant in every if not words or any(word in mutant.name for word in words)]
    stillborn = unreadable(every)
    alive = [mutant for mutant in every if mutant not in stillborn]
    by_alert = {}
    for case in check.cases():
        by_alert.setdefault(case.alert, []).append(case)
    # First the records, whose cases are short; then what all alerts share, which dies by the cases of one; then those that
    # need few rules, whose runs are cheap.
    recorded = [by_alert.pop(name) for name in list(by_alert) if ":" in name]
    first = by_alert.pop(FIRST)
    order = sorted(by_alert.values(), key=lambda cases: len(promtool.needed(shipped, cases[0].alert)))
    with concurrent.futures.ThreadPoolExecutor(AT_ONCE) as pool:
        for turn in (recorded, [first], order):
            list(pool.map(lambda cases: hunt(shipped, cases, alive), turn))
    left = [mutant for mutant in alive if not mutant.killed]
    excused = {(mutant.name, mutant.what) for mutant in left} & mutants.EQUIVALENT.keys()
    survivors = [mutant for mutant in left if (mutant.name, mutant.what) not in excused]
    for mutant in survivors:
        print(f"SURVIVED {mutant.name}: {mutant.what}\n{mutant.changed['expr'].rstrip()}")
    needless = set() if words else mutants.EQUIVALENT.keys() - excused
    for name, what in sorted(needless):
        print(f"NEEDLESS excuse for {name}: {what}")
    killed = len(alive) - len(left)
    print(
        f"{killed} killed, {len(survivors)} survived, {len(excused)} equivalent, {len(stillborn)} not readable as rules "
        f"({time.monotonic() - begun:.0f} s)"
    )
    return 1 if survivors or needless else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

"""Runs the unit tests against every mutant of the rules; each must make one of them fail: `mutate.py [--write] [WORD…]`.

Words choose among the rules. Most of a test is what all mutants share, so promtool evaluates many of them at once: each
mutant with whatever follows from it, under names of its own, beside the shipped rules. Case after case is tried, and who
is killed by one takes no part in the next.

killers.json says which case killed which mutant the last time: that case has the first try, which saves most of the
others. It is no more than a hint; `--write` writes it anew.
"""

import collections
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
KILLERS = pathlib.Path(__file__).resolve().parent / "killers.json"
# The alert whose cases go through lost scrapes, restarts, outages and replicas in every way.
FIRST = "DcsBackupStale"


class Mutant:
    """A changed rule, under a number."""

    def __init__(self, number, ordinal, place, rule, what, changed):
        self.tag, self.place, self.what, self.changed = f"_m{number}", place, what, changed
        self.name = f"{promtool.name_of(rule)} {rule.get('labels', {}).get('severity', '')}".strip()
        # Its number among those of its rule.
        self.ordinal = ordinal
        # The case that killed it.
        self.killer = None

    @property
    def killed(self):
        return self.killer is not None

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
            mutant.killer = title_of(case)
        if not re.search(r"rule: .* err:", output):
            return
        # A rule that fails ends the test of all.
        batch = [mutant for mutant in batch if not mutant.killed]


def hunt(shipped, cases, alive, progress):
    """Tries all cases of one alert on the mutants that bear on it."""
    if all(mutant.killed for mutant in alive):
        return
    begun = time.monotonic()
    alert = cases[0].alert
    needed = {id(rule) for rule in promtool.needed(shipped, alert)}
    for case in sorted(cases, key=lambda case: case.end // case.step):
        mine = [mutant for mutant in alive if not mutant.killed and id(shipped[mutant.place]) in needed]
        for begin in range(0, len(mine), TOGETHER):
            kill(case, shipped, mine[begin : begin + TOGETHER])
    left = sum(not mutant.killed for mutant in alive)
    print(f"{alert}: {left} are left ({time.monotonic() - begun:.0f} s)", file=progress, flush=True)


def title_of(case):
    return f"{case.alert}: {case.title}"


def hinted(shipped, cases, alive):
    """Tries each mutant on the case that killed it the last time."""
    by_name = {(mutant.name, mutant.ordinal): mutant for mutant in alive}
    by_case = {}
    for title, by_rule in hints().items():
        known = [by_name.get((name, ordinal)) for name, ordinals in by_rule.items() for ordinal in ordinals]
        by_case[title] = [mutant for mutant in known if mutant]
    tries = [
        (case, batch[begin : begin + TOGETHER])
        for case in cases
        for batch in [by_case.get(title_of(case), [])]
        for begin in range(0, len(batch), TOGETHER)
    ]
    # The longest first, so that both processors end together.
    return sorted(tries, key=lambda trial: -len(trial[1]) * trial[0].end / trial[0].step)


def hints():
    return json.loads(KILLERS.read_text()) if KILLERS.exists() else {}


def written(alive, is_whole):
    """The killers of this run, and, where it was not of all mutants, what was known of the others: of each case the
    mutants, by their rules and numbers."""
    by_case = {} if is_whole else hints()
    names = {mutant.name for mutant in alive}
    for by_rule in by_case.values():
        for name in names & by_rule.keys():
            del by_rule[name]
    for mutant in alive:
        if mutant.killed:
            by_case.setdefault(mutant.killer, {}).setdefault(mutant.name, []).append(mutant.ordinal)
    lines = [f"{json.dumps(case)}: {json.dumps(rules, sort_keys=True)}" for case, rules in sorted(by_case.items()) if rules]
    return "{\n" + ",\n".join(lines) + "\n}\n"


class Verdict:
    """What came of all mutants, or of those that words choose."""

    def __init__(self, words=(), progress=sys.stderr):
        shipped = promtool.rules()
        found = mutants.all_mutants(shipped)
        every, ordinals = [], collections.Counter()
        for number, (place, what, rule) in enumerate(found):
            every.append(Mutant(number, ordinals[place], place, shipped[place], what, rule))
            ordinals[place] += 1
        every = [mutant for mutant in every if not words or any(word in mutant.name for word in words)]
        # Not readable as rules: no merit of a test.
        self.stillborn = unreadable(every)
        readable = [mutant for mutant in every if mutant not in self.stillborn]
        self.excused = [mutant for mutant in readable if (mutant.name, mutant.what) in mutants.EQUIVALENT]
        # Excuses for what is no mutant any more.
        known = {(mutant.name, mutant.what) for mutant in self.excused}
        self.needless = set() if words else mutants.EQUIVALENT.keys() - known
        self.alive = [mutant for mutant in readable if mutant not in self.excused]
        cases = check.cases()
        with concurrent.futures.ThreadPoolExecutor(AT_ONCE) as pool:
            list(pool.map(lambda trial: kill(trial[0], shipped, trial[1]), hinted(shipped, cases, self.alive)))
            print(f"known killers leave {len(self.survivors)}", file=progress, flush=True)
            by_alert = {}
            for case in cases:
                by_alert.setdefault(case.alert, []).append(case)
            # First the records, whose cases are short; then what all alerts share, which dies by the cases of one; then
            # those that need few rules, whose runs are cheap.
            recorded = [by_alert.pop(name) for name in list(by_alert) if ":" in name]
            first = by_alert.pop(FIRST)
            order = sorted(by_alert.values(), key=lambda of: len(promtool.needed(shipped, of[0].alert)))
            for turn in (recorded, [first], order):
                list(pool.map(lambda of: hunt(shipped, of, self.alive, progress), turn))

    @property
    def survivors(self):
        return [mutant for mutant in self.alive if not mutant.killed]

    @property
    def killed(self):
        return [mutant for mutant in self.alive if mutant.killed]


def main(words):
    begun = time.monotonic()
    is_to_write = "--write" in words
    words = [word for word in words if word != "--write"]
    verdict = Verdict(words)
    for mutant in verdict.survivors:
        print(f"SURVIVED {mutant.name}: {mutant.what}\n{mutant.changed['expr'].rstrip()}")
    for name, what in sorted(verdict.needless):
        print(f"NEEDLESS excuse for {name}: {what}")
    print(
        f"{len(verdict.killed)} killed, {len(verdict.survivors)} survived, {len(verdict.excused)} equivalent, "
        f"{len(verdict.stillborn)} not readable as rules ({time.monotonic() - begun:.0f} s)"
    )
    if is_to_write:
        KILLERS.write_text(written(verdict.alive, not words))
    return 1 if verdict.survivors or verdict.needless else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

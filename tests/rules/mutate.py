"""Runs the unit tests against every mutant of the rules; each must make one of them fail: `mutate.py [WORD…]`.

A mutant is tried with the cases of those alerts alone that look at its rule, first with those that have killed others of
the same rule, then the cheap ones. Words choose among the rules.
"""

import collections
import concurrent.futures
import json
import pathlib
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


def is_readable(rule):
    """Whether Prometheus accepts the rule at all."""
    with tempfile.TemporaryDirectory() as folder:
        path = pathlib.Path(folder, "rules.json")
        path.write_text(json.dumps({"groups": [{"name": "g", "rules": [rule]}]}))
        result = subprocess.run(
            [shutil.which("promtool"), "check", "rules", "--lint=none", str(path)],
            capture_output=True,
            timeout=60,
            check=False,
        )
        return result.returncode == 0


class Hunt:
    """The cases by alert, and which of them kill whose mutants."""

    def __init__(self, rules, cases):
        self.rules = rules
        self.kills = collections.defaultdict(collections.Counter)
        self.cases = {}
        by_alert = collections.defaultdict(list)
        for case in cases:
            by_alert[case.alert].append(case)
        for alert, of_alert in by_alert.items():
            for rule in promtool.needed(rules, alert):
                self.cases.setdefault(id(rule), []).extend(of_alert)

    def killed_by(self, place, name, mutant):
        """The case that fails; None where none does, and "" where it is no rule at all."""
        rule = self.rules[place]
        changed = [*self.rules[:place], mutant, *self.rules[place + 1 :]]
        kills = self.kills[name]
        cases = sorted(self.cases.get(id(rule), ()), key=lambda case: (-kills[case.title], case.end))
        for case in cases:
            wanted = {id(rule) for rule in promtool.needed(self.rules, case.alert)} | {id(mutant)}
            with_rules = [rule for rule in changed if id(rule) in wanted]
            if promtool.run([case], with_rules, described_by=self.rules):
                kills[case.title] += 1
                # What promtool cannot read has failed for no merit of the case.
                return case if is_readable(mutant) else ""
        return None


def main(words):
    begun = time.monotonic()
    rules = promtool.rules()
    hunt = Hunt(rules, check.cases())
    chosen = [mutant for mutant in mutants.all_mutants(rules) if not words or any(word in mutant[1] for word in words)]
    killed, unreadable, survivors, excused = 0, 0, [], set()
    with concurrent.futures.ThreadPoolExecutor(AT_ONCE) as pool:
        results = pool.map(lambda found: hunt.killed_by(found[0], found[1], found[3]), chosen)
        for (_, name, what, mutant), case in zip(chosen, results, strict=True):
            if case == "":
                unreadable += 1
            elif case:
                killed += 1
            elif (name, what) in mutants.EQUIVALENT:
                excused.add((name, what))
            else:
                survivors.append((name, what))
                print(f"SURVIVED {name}: {what}\n    {mutant['expr']}", flush=True)
    needless = set() if words else mutants.EQUIVALENT.keys() - excused
    for name, what in sorted(needless):
        print(f"NEEDLESS excuse for {name}: {what}")
    print(
        f"{killed} killed, {len(survivors)} survived, {len(excused)} equivalent, {unreadable} not readable as rules "
        f"({time.monotonic() - begun:.0f} s)"
    )
    return 1 if survivors or needless else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

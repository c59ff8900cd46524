"""Runs the unit tests of the rules: `check.py [WORD…]`, all or those whose alert or title holds one of the words."""

import sys

import backups
import data
import exporters
import facts
import memory
import promtool
import records
import restores

MODULES = (backups, restores, data, exporters, facts, memory, records)
ALL = [*(module.CASES for module in MODULES), data.INSTANCES]


def cases():
    return [case for cases_of in ALL for case in cases_of]


def main(words):
    rules = promtool.rules()
    failed = 0
    chosen = [case for case in cases() if not words or any(word in f"{case.alert}: {case.title}" for word in words)]
    for case in chosen:
        said = promtool.run([case], promtool.needed(rules, case.alert))
        if said:
            failed += 1
            print(f"FAILED {case.alert}: {case.title}\n{said}")
    print(f"{len(chosen) - failed} passed, {failed} failed")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

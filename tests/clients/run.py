"""Runs the tests in test_*.py beside this file and says in one line each what failed and how to repeat it.

`--folder=tests/system`, first, runs those of another folder. Arguments are words: the tests whose name (`sdk.test_x`) holds one of them are run; without any, all.
The last line is `N passed, N failed`. A test that skips itself has failed: nothing is left out in silence.

Packages are imported where they are used, so that without them the tests that need none can be run.
"""

import pathlib
import sys
import unittest

FOLDER = pathlib.Path(__file__).resolve().parent


def name_of(test):
    """`sdk.test_x` for `test_sdk.OfficialSdk.test_x`; what unittest makes up for a failed set-up keeps its own name."""
    parts = test.id().split(".")
    return f"{parts[0].removeprefix('test_')}.{parts[-1]}" if len(parts) == 3 else test.id()


def tests_of(suite):
    """All tests of a tree of suites."""
    for entry in suite:
        if isinstance(entry, unittest.TestSuite):
            yield from tests_of(entry)
        else:
            yield entry


class Result(unittest.TestResult):
    """Names of the tests that passed, and each failure with its reason."""

    def __init__(self):
        super().__init__()
        self.passed = set()
        self.failed = {}

    def _fail(self, test, reason):
        self.failed[name_of(test)] = reason

    def addSuccess(self, test):
        self.passed.add(name_of(test))

    def addError(self, test, err):
        self._fail(test, self._exc_info_to_string(err, test))

    addFailure = addError

    def addSubTest(self, test, subtest, err):
        if err is not None:
            self._fail(test, f"{subtest}\n{self._exc_info_to_string(err, test)}")

    def addSkip(self, test, reason):
        self._fail(test, f"it skipped itself: {reason}")

    def addUnexpectedSuccess(self, test):
        self._fail(test, "it was expected to fail, and did not")


def main(words):
    folder = FOLDER
    if words and words[0].startswith("--folder="):
        folder = pathlib.Path(words[0].removeprefix("--folder=")).resolve()
        words = words[1:]
    # What those of other folders share with these is found as well.
    sys.path[:0] = [str(folder), str(FOLDER)]
    loader = unittest.TestLoader()
    chosen = [
        test
        for test in tests_of(loader.discover(str(folder), pattern="test_*.py"))
        if not words or any(word in name_of(test) for word in words)
    ]
    result = Result()
    # Tests of one class stand together, so that the class is set up once.
    unittest.TestSuite(chosen).run(result)
    # Where a class could not be set up, none of its tests was run: it is those that have failed.
    not_run = {name_of(test) for test in chosen} - result.passed - result.failed.keys()
    for name, reason in result.failed.items():
        print("\n".join(f"    {line}" for line in reason.rstrip().splitlines()))
        if not name.startswith("setUp"):
            report(name)
    for name in sorted(not_run):
        report(name, " (not run: its set-up failed, see above)")
    failed = sum(not name.startswith("setUp") for name in result.failed) + len(not_run)
    print(f"{len(result.passed - result.failed.keys())} passed, {failed} failed")
    return 1 if failed else 0


def report(name, why=""):
    print(f"FAILED {name}{why}")
    print(f"    repeat: tests/run {name}")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

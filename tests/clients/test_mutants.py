"""Wrong rules, each by one change to a shipped one (tests/rules/mutants.py): Debian's promtool sees each of them by a unit test."""

import io
import sys
import unittest

import program

sys.path.insert(0, str(program.ROOT / "tests/rules"))

# At least so many changes are seen, and no more than so many may be such that no test can see them.
MUTANTS, EQUIVALENT = 1120, 20


class Mutants(unittest.TestCase):
    def test_every_mutant_of_the_rules_is_killed(self):
        import mutants
        import mutate

        program.tool("promtool")
        said = io.StringIO()
        verdict = mutate.Verdict(progress=said)
        for mutant in verdict.survivors:
            with self.subTest(f"{mutant.name}: {mutant.what}"):
                self.fail(f"no unit test sees it:\n{mutant.changed['expr']}")
        self.assertEqual(verdict.needless, set(), "these are no mutants any more")
        self.assertGreaterEqual(len(verdict.killed), MUTANTS, said.getvalue())
        self.assertLessEqual(len(verdict.excused), EQUIVALENT)
        self.assertTrue(all(mutants.EQUIVALENT.values()), "an excuse has a reason")

#!/usr/bin/env python3
"""check_claims.py finds what it is there for."""

import unittest

import check_claims

GOOD = """claim: A
statements:
  energy:
    testable: yes
    quantity: "capacity"
    variants:
      - {varies: rate, to: "1C", set: {rate_C: 1}}
  stated:
    # No other reading: every circumstance is stated.
    testable: surrogate
  range:
    testable: no
"""


def problems(text):
    return [(name, problem) for name, statement in check_claims.statements_of(text) for problem in check_claims.problems_of(statement)]


class CheckClaims(unittest.TestCase):
    def test_a_good_file(self):
        self.assertEqual([name for name, _ in check_claims.statements_of(GOOD)], ["energy", "stated", "range"])
        self.assertEqual(problems(GOOD), [])

    def test_neither_variants_nor_a_reason(self):
        self.assertEqual([name for name, _ in problems(GOOD.replace("    # No other", "    # Some other"))], ["stated"])
        self.assertEqual([name for name, _ in problems(GOOD.replace("every circumstance is stated.", "so"))], ["stated"])
        self.assertEqual([name for name, _ in problems(GOOD.replace("testable: no", "testable: yes"))], ["range"])

    def test_an_empty_list_is_none(self):
        self.assertEqual([name for name, _ in problems(GOOD.replace("      - {varies", "      # {varies"))], ["energy"])

    def test_however_it_is_written(self):
        written = GOOD.replace("statements:", "statements:  # of the source").replace("  energy:", '  "energy":  # a name').replace("  range:", "  range: # of a car")
        self.assertEqual([name for name, _ in check_claims.statements_of(written)], ["energy", "stated", "range"])
        self.assertEqual(problems(written), [])
        self.assertEqual([name for name, _ in problems(GOOD + "  last: {testable: yes}\nafter:\n  # No other reading: it belongs to no statement.\n")], ["last"])
        self.assertEqual(list(check_claims.statements_of("claim: A\n")), [])

    def test_variants_that_say_nothing(self):
        line = '      - {varies: rate, to: "1C", set: {rate_C: 1}}\n'
        self.assertIn("twice", problems(GOOD.replace(line, line + line))[0][1])
        self.assertIn("no other reading", problems(GOOD.replace("    quantity", "    # No other reading: every circumstance is stated.\n    quantity"))[0][1])

    def test_lots_and_weighings_have_none(self):
        lot = GOOD.replace('quantity: "capacity"', 'quantity: "capacity"\n    statistic: "relative_spread"')
        self.assertIn("one cell", problems(lot)[0][1])
        self.assertIn("weighing", problems(GOOD.replace('"capacity"', '"mass_loss"'))[0][1])


if __name__ == "__main__":
    unittest.main()

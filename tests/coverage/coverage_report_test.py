"""coverage_report.py on accounts as gcov gives them."""

import unittest

import coverage_report as report

PATH = "drivers/scpi/codec.cpp"


def branch(count, throw=False):
    return {"count": count, "throw": throw, "fallthrough": False}


def document(lines, functions=()):
    entry = {"file": str(report.ROOT / PATH), "functions": list(functions), "lines": lines}
    return {"current_working_directory": str(report.ROOT), "files": [entry]}


def line(number, count, *branches):
    return {"line_number": number, "count": count, "branches": list(branches), "function_name": "f"}


class Report(unittest.TestCase):
    def test_adds_up_what_several_objects_reached(self):
        file = report.collect([document([line(3, 1, branch(1), branch(0))]), document([line(3, 2, branch(0), branch(2))])])[PATH]
        self.assertEqual(report.missed(file), [])
        self.assertEqual(report.share(list(file.branches.values())), ("2 of 2", "100.0 %"))

    def test_names_a_way_that_was_not_taken(self):
        file = report.collect([document([line(3, 1, branch(1), branch(0)), line(4, 0), line(5, 0), line(7, 0)])])[PATH]
        self.assertEqual(report.missed(file), ["lines not executed: 4-5, 7", "lines with a way not taken: 3"])

    def test_does_not_count_what_only_an_exception_takes(self):
        file = report.collect([document([line(3, 1, branch(1), branch(0, throw=True))])])[PATH]
        self.assertEqual(report.share(list(file.branches.values())), ("1 of 1", "100.0 %"))

    def test_names_a_function_that_nobody_called(self):
        function = {"demangled_name": "cellrig::scpi::(anonymous namespace)::quoted(int)", "start_line": 9, "execution_count": 0}
        file = report.collect([document([], [function])])[PATH]
        self.assertEqual(report.missed(file), ["never called: scpi::quoted (line 9)"])

    def test_looks_at_the_rooms_that_decide_and_nowhere_else(self):
        self.assertEqual(report.room_of("controller/engine/safety_supervisor.cpp"), "controller/engine")
        self.assertEqual(report.room_of("db/recorder.cpp"), "db: recorder")
        self.assertIsNone(report.room_of("controller/cli/main.cpp"))


if __name__ == "__main__":
    unittest.main()

"""mbpoll, built on libmodbus by somebody else, reads and drives the Modbus instruments.

It prints f32 values low word first (CDAB); with -B high word first (ABCD).
"""

import re
import subprocess

import bench
from bench import BenchTest

MBPOLL = bench.require_tool("mbpoll", "mbpoll")
CALL_WITHIN_S = 20


class MbpollTest(BenchTest):
    def call(self, instrument, options, values=()):
        host, port = self.bench.address(instrument, "modbus")
        # -0: protocol addresses, -1: once
        command = [MBPOLL, "-q", "-0", "-1", "-m", "tcp", "-p", str(port), "-a", "1", *options, host, *map(str, values)]
        return subprocess.run(command, capture_output=True, text=True, timeout=CALL_WITHIN_S, check=False)

    def read(self, instrument, kind, address, count=1, options=()):
        done = self.call(instrument, ["-t", kind, "-r", str(address), "-c", str(count), *options])
        self.assertEqual(done.returncode, 0, done.stderr)
        return [text.strip() for text in re.findall(r"^\[\d+\]:(.*)$", done.stdout, re.MULTILINE)]

    def read_numbers(self, *arguments, **keywords):
        """A register above 32767 is printed twice: "65535 (-1)"."""
        return [float(text.split()[0]) for text in self.read(*arguments, **keywords)]

    def write(self, instrument, kind, address, *values):
        done = self.call(instrument, ["-t", kind, "-r", str(address)], values)
        self.assertEqual(done.returncode, 0, done.stderr)

    def refusal(self, instrument, options, values=()):
        done = self.call(instrument, options, values)
        self.assertEqual(done.returncode, 1, "it was not refused")
        return done.stderr


class EaPsb(MbpollTest):
    def test_nominal_values_are_floats_with_the_high_word_first(self):
        self.assertEqual(self.read_numbers("psb1", "4:float", 121, 3, options=["-B"]), [60.0, 60.0, 1500.0])

    def test_device_type_is_text_with_two_characters_a_register(self):
        words = [int(text, 16) for text in self.read("psb1", "4:hex", 1, 20)]
        text = b"".join(word.to_bytes(2, "big") for word in words).rstrip(b"\0").decode("ascii")
        self.assertEqual(text, "PSB 10060-60")

    def test_refuses_a_write_outside_remote_mode(self):
        self.assertIn("Negative acknowledge", self.refusal("psb1", ["-t", "4", "-r", "500"], [3670]))
        self.assertEqual(self.read_numbers("psb1", "4", 500), [0.0])

    def test_takes_a_set_value_once_in_remote_mode(self):
        self.write("psb1", "0", 402, 1)
        # What was written reads back some milliseconds later.
        self.assert_soon(lambda: self.read_numbers("psb1", "0", 402) == [1.0], "remote")
        self.write("psb1", "4", 500, 3670)  # 4.200 V of 60 V
        self.assert_soon(lambda: self.read_numbers("psb1", "4", 500) == [3670.0], "the set value reads back")

    def test_names_the_exception_of_a_hole_in_the_map(self):
        self.assertIn("Illegal data address", self.refusal("psb1", ["-t", "4", "-r", "3000", "-c", "1"]))

    def test_charges_the_cell(self):
        self.write("adam", "0", 16, 1)  # the contactor of channel 1
        self.write("psb1", "0", 402, 1)
        self.write("psb1", "4", 500, 3670)  # 4.200 V
        self.write("psb1", "4", 501, 1748)  # 2.000 A
        self.write("psb1", "4", 502, 52428)  # all its power
        self.write("psb1", "0", 405, 1)
        self.assert_soon(lambda: abs(self.bench.truth()["channels"]["ch1"]["current_A"] - 2.0) < 0.01, "2 A flow into the cell")
        self.assertAlmostEqual(self.read_numbers("psb1", "4", 508)[0], 1748, delta=3)


class WatlowF4t(MbpollTest):
    def test_process_value_is_a_float_with_the_low_word_first(self):
        (degC,) = self.read_numbers("f4t", "4:float", 2820)
        self.assertAlmostEqual(degC, 25.0, delta=0.5)

    def test_takes_a_set_point(self):
        self.write("f4t", "4:float", 2782, 30.5)
        self.assertEqual(self.read_numbers("f4t", "4:float", 2782), [30.5])

    def test_heats_once_the_condition_event_is_on_and_the_loop_is_automatic(self):
        self.write("f4t", "4:float", 2782, 60)
        self.write("f4t", "4", 2730, 10)  # automatic
        self.write("f4t", "4", 16594, 63)  # event output 1: on
        self.assert_soon(lambda: self.bench.truth()["chambers"]["oven"]["running"], "the chamber runs")
        self.assertEqual(self.bench.truth()["chambers"]["oven"]["setpoint_degC"], 60)

    def test_names_the_exception_of_an_odd_address(self):
        self.assertIn("Illegal data address", self.refusal("f4t", ["-t", "4:float", "-r", "9", "-c", "1"]))


class Adam6018(MbpollTest):
    def test_thermocouples_are_shares_of_the_range_of_their_type(self):
        self.assertEqual(self.read_numbers("adam", "4", 200, 8), [1088.0] * 8)  # type T: -100 to 400 degC
        raw = self.read_numbers("adam", "4", 0, 8)
        for value in raw[:3]:
            self.assertAlmostEqual(-100 + value * 500 / 65535, 25.0, delta=0.2)
        self.assertEqual(raw[3:], [65535.0] * 5)  # nothing connected: the end of the range
        self.assertEqual(self.read_numbers("adam", "3", 0, 3), raw[:3])  # the same as input registers

    def test_output_coils_begin_at_16_and_close_contactors(self):
        self.assertEqual(self.read_numbers("adam", "0", 16, 8), [0.0] * 8)
        self.write("adam", "0", 16, 1, 0, 1)
        self.assertEqual(self.read_numbers("adam", "0", 16, 8), [1.0, 0.0, 1.0] + [0.0] * 5)
        channels = self.bench.truth()["channels"]
        self.assertTrue(channels["ch1"]["contactor_closed"])
        self.assertFalse(channels["ch2"]["contactor_closed"])


if __name__ == "__main__":
    bench.main()

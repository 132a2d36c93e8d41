"""mbpoll reads and drives what stands beside the cycler: a load cell, a gas sensor, contacts and two modules of relays."""

import bench
from mbpoll_test import MbpollTest


class LoadCell(MbpollTest):
    def test_the_weight_is_a_signed_number_of_newtons_with_the_high_word_first(self):
        # 5 MPa on 200 cm2
        self.assertEqual(self.read_numbers("press", "4:int", 80, 2, options=["-B"]), [100000.0, 100000.0])
        self.assertEqual(self.read_numbers("press", "4", 3), [1.0])

    def test_a_tare_is_taken_off_the_net_weight_alone(self):
        done = self.call("press", ["-t", "4:int", "-B", "-r", "84"], [40000])
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertEqual(self.read_numbers("press", "4:int", 80, 2, options=["-B"]), [100000.0, 60000.0])

    def test_its_parameters_are_locked(self):
        self.refusal("press", ["-t", "4", "-r", "0"], [7, 3])


class GasSensor(MbpollTest):
    def test_reads_tenths_of_ppm_and_nothing_else(self):
        self.assertEqual(self.read_numbers("sniffer", "4", 6), [0.0])
        self.assertIn("Illegal data address", self.refusal("sniffer", ["-t", "4", "-r", "5"]))


class Contacts(MbpollTest):
    def test_are_closed_until_a_fault_opens_one(self):
        self.assertEqual(self.read_numbers("doors", "0", 0, 6), [1.0] * 6)
        self.assertEqual(self.bench.ask("fault interlock_open doors input=2"), "ok")
        self.assertEqual(self.read_numbers("doors", "0", 0, 6), [1.0, 1.0, 0.0, 1.0, 1.0, 1.0])


class Relays(MbpollTest):
    def test_of_both_modules_take_their_state(self):
        for instrument, coil in (("doors", 17), ("board", 0)):
            self.assertEqual(self.read_numbers(instrument, "0", coil), [0.0])
            self.write(instrument, "0", coil, 1)
            self.assertEqual(self.read_numbers(instrument, "0", coil), [1.0])
            self.write(instrument, "0", coil, 0)
            self.assertEqual(self.read_numbers(instrument, "0", coil), [0.0])


if __name__ == "__main__":
    bench.main()

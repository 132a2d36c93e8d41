"""pyvisa with the pyvisa-py backend, as a laboratory would script these instruments, over raw SCPI sockets."""

import bench
from visa import VisaTest


class EaPsb(VisaTest):
    def test_identity_has_five_fields_and_the_last_may_be_empty(self):
        fields = self.connect("psb1").query("*IDN?").split(",")
        self.assertEqual(fields, ["EA ELEKTRO-AUTOMATIK", "PSB 10060-60 2U", "1234560001", "KE 3.10", ""])

    def test_replies_carry_units(self):
        psb = self.connect("psb1")
        self.close_contactor(0)
        self.assert_soon(lambda: psb.query("MEAS:ARR?").startswith("3.6"), "the cell's voltage")
        self.assertRegex(psb.query("MEAS:ARR?"), r"^3\.6\d V,-?0\.00 A,-?0 W$")
        self.assertEqual(psb.query("SYST:NOM:VOLT?"), "60 V")

    def test_refuses_set_values_until_it_is_locked_to_remote(self):
        psb = self.connect("psb1")
        self.assertEqual(psb.query("SYST:LOCK:OWNER?"), "NONE")
        psb.write("VOLT 4.2")
        self.assertTrue(psb.query("SYST:ERR?").startswith("-201,"))
        psb.write("SYST:LOCK ON")
        self.assert_soon(lambda: psb.query("SYST:LOCK:OWNER?") == "REMOTE", "remote")
        psb.write("VOLT 4.2")
        self.assert_soon(lambda: psb.query("VOLT?") == "4.20 V", "the set value reads back")
        psb.write("VOLT 90")
        self.assertTrue(psb.query("SYST:ERR?").startswith("-222,"))
        self.assertTrue(psb.query("SYST:ERR?").startswith("0,"))

    def test_discharges_the_cell_with_a_negative_sign(self):
        psb = self.connect("psb1")
        self.close_contactor(0)
        for command in ("SYST:LOCK ON", "VOLT 2.5", "SINK:CURR 3", "SINK:POW 1500", "OUTP ON"):
            psb.write(command)
        self.assert_soon(lambda: psb.query("OUTP?") == "ON", "the output is on")
        self.assertEqual(psb.query("MEAS:CURR?"), "-3.00 A")
        self.assertAlmostEqual(self.bench.truth()["channels"]["ch1"]["current_A"], -3.0, delta=0.005)
        psb.write("OUTP OFF")
        self.assertEqual(psb.query("OUTP?"), "OFF")
        self.assertEqual(self.bench.truth()["channels"]["ch1"]["current_A"], 0.0)

    def test_leaving_remote_switches_the_output_off_when_it_was_told_to(self):
        psb = self.connect("psb1")
        self.close_contactor(0)
        for command in ("SYST:LOCK ON", "POW:STAG:AFT:REM OFF", "VOLT 4.2", "CURR 1", "POW 1500", "OUTP ON"):
            psb.write(command)
        self.assert_soon(lambda: psb.query("OUTP?") == "ON", "the output is on")
        psb.write("SYST:LOCK OFF")
        self.assertEqual(psb.query("OUTP?"), "OFF")


class KeysightN6900(VisaTest):
    def test_identity_and_number_formats(self):
        aps = self.connect("aps1")
        self.assertEqual(aps.query("*IDN?"), "Agilent Technologies,N6974A,MY63000121,B.02.03.1268")
        self.assertEqual(aps.query("VOLT? MAX"), "+8.160000E+01")
        self.assertEqual(aps.query_ascii_values("CURR:LIM:NEG? MIN"), [-12.75])
        self.assertEqual(aps.query("OUTP?"), "0")
        self.assertEqual(aps.query("FUNC?"), "VOLT")

    def test_long_forms_mean_the_same(self):
        self.assertEqual(self.connect("aps1").query(":SOURce:VOLTage:LEVel:IMMediate:AMPLitude? MAXimum"), "+8.160000E+01")

    def test_compound_replies_come_in_one_line(self):
        aps = self.connect("aps1")
        self.assertEqual(aps.query("VOLT? MAX;:CURR:LIM? MAX"), "+8.160000E+01;+2.550000E+01")
        self.assertEqual(aps.query("*OPC?;*STB?"), "1;+0")

    def test_a_query_in_the_message_of_its_write_returns_the_old_value(self):
        aps = self.connect("aps1")
        self.assertEqual(aps.query("VOLT 4.2;:VOLT?"), "+8.000000E-02")
        self.assertEqual(aps.query("VOLT?"), "+4.200000E+00")

    def test_an_unknown_header_is_answered_by_silence_and_kept_as_an_error(self):
        aps = self.connect("aps1")
        self.assert_silence(aps, "FOO:BAR?")
        self.assertEqual(aps.query("SYST:ERR?"), '-113,"Undefined header"')
        self.assertEqual(aps.query("SYST:ERR?"), '+0,"No error"')

    def test_the_error_queue_belongs_to_the_connection(self):
        first = self.connect("aps1")
        first.write("NOPE 1")
        self.assertEqual(self.connect("aps1").query("SYST:ERR?"), '+0,"No error"')
        self.assertEqual(first.query("SYST:ERR?"), '-113,"Undefined header"')

    def test_what_an_invalid_message_had_answered_prefixes_the_next_reply(self):
        aps = self.connect("aps1")
        self.assert_silence(aps, "*OPC?;FOO?")
        self.assertEqual(aps.query("*OPC?"), "11")

    def test_fetching_before_any_measurement_is_answered_by_silence(self):
        aps = self.connect("aps1")
        self.assert_silence(aps, "FETC:VOLT?")

    def test_charges_and_discharges_the_cell_in_voltage_priority(self):
        aps = self.connect("aps1")
        self.close_contactor(1)
        for command in ("CURR:LIM 2.5", "CURR:LIM:NEG -0.026", "VOLT 4.2", "OUTP 1"):
            aps.write(command)
        self.assert_soon(lambda: aps.query_ascii_values("MEAS:CURR?")[0] > 2.49, "2.5 A flow into the cell")
        self.assertAlmostEqual(self.bench.truth()["channels"]["ch2"]["current_A"], 2.5, delta=0.005)
        self.assertEqual(int(aps.query("STAT:OPER:COND?")) & 7, 2)  # constant current
        for command in ("CURR:LIM 0.026", "CURR:LIM:NEG -1.5", "VOLT 2.5"):
            aps.write(command)
        self.assert_soon(lambda: aps.query_ascii_values("MEAS:CURR?")[0] < -1.49, "1.5 A flow out of the cell")
        aps.write("OUTP 0")
        self.assert_soon(lambda: self.bench.truth()["channels"]["ch2"]["current_A"] == 0.0, "no current")


if __name__ == "__main__":
    bench.main()

"""pyvisa with the pyvisa-py backend against the ITECH supply and the DAQ970A of the bench three-makes."""

import bench
from visa import VisaTest


class Itech(VisaTest):
    def remote(self):
        itech = self.connect("itech1")
        itech.write("SYST:REM")
        return itech

    def test_identity_has_six_fields(self):
        fields = self.connect("itech1").query("*IDN?").split(",")
        self.assertEqual(len(fields), 6)
        self.assertEqual(fields[:2], ["ITECH Electronics", "IT-M3432"])

    def test_takes_settings_in_remote_only(self):
        itech = self.connect("itech1")
        itech.write("VOLT 4.2")
        self.assertEqual(itech.query("VOLT?"), "0.000")
        self.assertTrue(itech.query("SYST:ERR?").startswith("-203,"))
        itech.write("SYST:REM")
        itech.write("VOLT 4.2")
        self.assertEqual(itech.query_ascii_values("VOLT?"), [4.2])
        self.assertEqual(itech.query("SYST:ERR?"), '0,"NO_ERR"')

    def test_words_and_flags(self):
        itech = self.connect("itech1")
        self.assertEqual(itech.query("FUNC?"), "VOLTage")
        self.assertEqual(itech.query(":SOURce:FUNCtion:MODE?"), "FIXed")
        self.assertEqual(itech.query("OUTP?;:OUTP:PROT:WDOG?"), "0;0")

    def test_an_unknown_header_is_answered_by_silence_and_kept_as_an_error(self):
        itech = self.connect("itech1")
        self.assert_silence(itech, "FOO:BAR?")
        self.assertEqual(itech.query("SYST:ERR?"), '-113,"Undefined header"')

    def test_charges_and_discharges_the_cell_in_cv_priority(self):
        self.close_contactor(2)
        itech = self.remote()
        for command in ("CURR:LIM 2.5", "CURR:LIM:NEG 0", "VOLT 4.2", "OUTP 1"):
            itech.write(command)
        self.assert_soon(lambda: itech.query_ascii_values("MEAS?")[1] > 2.49, "2.5 A flow into the cell")
        self.assertAlmostEqual(self.bench.truth()["channels"]["ch3"]["current_A"], 2.5, delta=0.005)
        self.assertEqual(int(itech.query("STAT:OPER:COND?")), 128)  # CC+
        for command in ("CURR:LIM 0", "CURR:LIM:NEG -1.5", "VOLT 2.5"):
            itech.write(command)
        self.assert_soon(lambda: itech.query_ascii_values("MEAS:CURR?")[0] < -1.49, "1.5 A flow out of the cell")
        itech.write("OUTP 0")
        self.assert_soon(lambda: self.bench.truth()["channels"]["ch3"]["current_A"] == 0.0, "no current")

    def test_its_watchdog_switches_off_when_nobody_talks(self):
        self.close_contactor(2)
        itech = self.remote()
        for command in ("CURR:LIM 1", "VOLT 4.2", "OUTP:PROT:WDOG:DEL 1", "OUTP:PROT:WDOG 1", "OUTP 1"):
            itech.write(command)
        self.assertEqual(itech.query("OUTP?"), "1")
        self.assert_soon(lambda: not self.bench.truth()["channels"]["ch3"]["output_on"], "the watchdog has fired")
        self.assertEqual(int(itech.query("STAT:QUES:COND?")), 4096)
        itech.write("OUTP 1")
        self.assertEqual(itech.query("OUTP?"), "0")


class KeysightDaq(VisaTest):
    THREE = "(@101,102,103)"

    def configured(self):
        daq = self.connect("daq")
        for command in ("CONF:TEMP TC,T," + self.THREE, "SENS:TEMP:TRAN:TC:CHEC ON," + self.THREE, "ROUT:SCAN " + self.THREE):
            daq.write(command)
        return daq

    def test_reads_the_cells(self):
        for value in self.configured().query_ascii_values("READ?"):
            self.assertAlmostEqual(value, 25.0, delta=0.5)

    def test_a_reading_may_name_unit_and_channel(self):
        daq = self.configured()
        daq.write("FORM:READ:UNIT ON")
        daq.write("FORM:READ:CHAN ON")
        self.assertRegex(daq.query("READ?"), r"^\+2\.\d{8}E\+01 C,101,\+2\.\d{8}E\+01 C,102,\+2\.\d{8}E\+01 C,103$")

    def test_the_scan_list_is_a_definite_length_block(self):
        self.assertEqual(self.configured().query("ROUT:SCAN?"), "#214(@101,102,103)")

    def test_an_input_without_sensor_is_overload(self):
        daq = self.connect("daq")
        for command in ("CONF:TEMP TC,T,(@112)", "SENS:TEMP:TRAN:TC:CHEC ON,(@112)", "ROUT:SCAN (@112)"):
            daq.write(command)
        self.assertEqual(daq.query("READ?"), "+9.90000000E+37")

    def test_fetching_before_a_scan_is_answered_by_silence(self):
        daq = self.connect("daq")
        self.assert_silence(daq, "FETC?")
        self.assertTrue(daq.query("SYST:ERR?").startswith("-230,"))


if __name__ == "__main__":
    bench.main()

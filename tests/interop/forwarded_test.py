"""pymodbus, pyvisa-py and lxi on what has no network of its own: RTU units, an ESPEC P300 and a 34970A behind converters, and an IT6054C."""

import importlib.util
import struct
import subprocess
import sys
import time
from unittest import mock

import bench
from bench import BenchTest
from visa import VisaTest

LXI = bench.require_tool("lxi", "lxi-tools")
PAUSE_S = 0.6  # what an ESPEC controller wants after a setting, and more than it wants after a question

# Debian only recommends these two. pymodbus's client package imports them for serial lines, of which there are none here.
for module in ("serial", "serial_asyncio"):
    if importlib.util.find_spec(module) is None:
        sys.modules[module] = mock.MagicMock(name=module)
try:
    from pymodbus.client import ModbusTcpClient
    from pymodbus.transaction import ModbusRtuFramer
except ImportError as error:
    bench.missing(f"pymodbus ({error})", "python3-pymodbus")

PRESS, SNIFFER, BOARD = 1, 2, 3  # units of the line


def line_of(test):
    host, port = test.bench.address("press", "modbus")
    client = ModbusTcpClient(host, port=port, timeout=5, framer=ModbusRtuFramer)
    test.assertTrue(client.connect())
    test.addCleanup(client.close)
    return client


class WithPymodbus(BenchTest):
    def setUp(self):
        super().setUp()
        self.line = line_of(self)

    def registers(self, unit, address, count):
        reply = self.line.read_holding_registers(address, count, slave=unit)
        self.assertFalse(reply.isError(), reply)
        return reply.registers

    def test_a_load_cell_weighs_5_MPa_on_200_cm2_high_word_first(self):
        for address in (80, 82):
            self.assertEqual(struct.unpack(">i", struct.pack(">2H", *self.registers(PRESS, address, 2)))[0], 100_000)
        self.assertFalse(self.line.write_registers(84, [0, 1000], slave=PRESS).isError())  # a tare
        self.assertEqual(struct.unpack(">i", struct.pack(">2H", *self.registers(PRESS, 82, 2)))[0], 99_000)
        self.assertTrue(self.line.write_registers(3, [2], slave=PRESS).isError(), "its parameters are locked")

    def test_a_gas_sensor_counts_tenths_of_ppm(self):
        self.assertEqual(self.registers(SNIFFER, 6, 1), [0])
        self.assertEqual(self.bench.ask("fault venting ch1 gas_ppm=60 pressure_MPa=0 rise_K=0 over_s=0.1"), "ok")
        self.assert_soon(lambda: self.registers(SNIFFER, 6, 1)[0] > 300, "more than 30 ppm")
        self.assertEqual(self.line.read_holding_registers(80, 1, slave=SNIFFER).exception_code, 2)

    def test_a_relay_board_closes_the_contactor_and_reads_it_back(self):
        for closed in (True, False):
            self.assertFalse(self.line.write_coil(0, closed, slave=BOARD).isError())
            self.assertEqual(self.line.read_coils(0, 8, slave=BOARD).bits, [closed] + [False] * 7)
            self.assertEqual(self.bench.truth()["channels"]["ch1"]["contactor_closed"], closed)


class WithVisa(VisaTest):
    def test_an_it6054c_charges_the_cell(self):
        itech = self.connect("itech2")
        fields = itech.query("*IDN?").split(",")
        self.assertEqual((len(fields), fields[1]), (6, "IT6054C-800-225"))
        self.assertFalse(line_of(self).write_coil(0, True, slave=BOARD).isError())
        for command in ("SYST:REM", "VOLT 4.2", "CURR:LIM 3", "CURR:LIM:NEG -0.01", "OUTP 1"):
            itech.write(command)
            time.sleep(0.05)  # it wants 20 ms
        self.assertEqual(itech.query("OUTP?"), "1")
        self.assertAlmostEqual(float(itech.query("MEAS:CURR?")), 3.0, delta=0.02)
        truth = self.bench.truth()["channels"]["ch1"]
        self.assertAlmostEqual(truth["current_A"], 3.0, delta=0.02)
        self.assertAlmostEqual(float(itech.query("MEAS:VOLT?")), truth["voltage_V"], delta=0.02)
        itech.write("OUTP 0")
        self.assert_soon(lambda: self.bench.truth()["channels"]["ch1"]["current_A"] == 0.0, "no current")

    def test_a_34970a_names_itself_and_its_card_and_scans_both_kinds_of_inputs(self):
        daq = self.connect("daq")
        self.assertEqual(daq.query("*IDN?"), "HEWLETT-PACKARD,34970A,0,13-2-2")
        self.assertEqual(daq.query("SYST:CTYP? 100"), "HEWLETT-PACKARD,34901A,0,2.3")
        self.assertTrue(daq.query("SYST:CTYP? 200").endswith(",0,0,0"))
        for command in ("CONF:TEMP TC,T,(@101)", "CONF:VOLT:DC AUTO,(@113)", "ROUT:SCAN (@101,113)"):
            daq.write(command)
        degC, volts = daq.query_ascii_values("READ?")
        self.assertAlmostEqual(degC, 25.0, delta=0.5)
        self.assertAlmostEqual(volts, self.bench.truth()["channels"]["ch1"]["voltage_V"], delta=0.001)

    def test_an_espec_p300_runs_and_stops(self):
        host, port = self.bench.address("espec", "ascii")
        espec = self.manager.open_resource(f"TCPIP::{host}::{port}::SOCKET")
        espec.read_termination = espec.write_termination = "\r\n"
        espec.timeout = 5000

        def ask(message):
            answer = espec.query(message)
            time.sleep(PAUSE_S)
            return answer

        self.assertTrue(ask("TYPE?").startswith("T,"))
        self.assertAlmostEqual(float(ask("TEMP?").split(",")[0]), 25.0, delta=0.5)
        self.assertEqual(ask("TEMP, S35.0"), "OK:TEMP, S35.0")
        self.assertEqual(ask("MODE,CONSTANT"), "OK:MODE,CONSTANT")
        truth = self.bench.truth()["chambers"]["oven"]
        self.assertEqual((truth["running"], truth["setpoint_degC"]), (True, 35.0))
        self.assertEqual(ask("MODE,STANDBY"), "OK:MODE,STANDBY")
        self.assertFalse(self.bench.truth()["chambers"]["oven"]["running"])


class WithLxi(BenchTest):
    def ask(self, instrument, question):
        host, port = self.bench.address(instrument, "scpi")
        command = [LXI, "scpi", "-r", "-a", host, "-p", str(port), "-t", "5", question]
        done = subprocess.run(command, capture_output=True, text=True, timeout=20, check=True)
        return done.stdout.strip()

    def test_both_say_who_they_are(self):
        self.assertIn("IT6054C-800-225", self.ask("itech2", "*IDN?"))
        self.assertEqual(self.ask("daq", "*IDN?"), "HEWLETT-PACKARD,34970A,0,13-2-2")


if __name__ == "__main__":
    bench.main()

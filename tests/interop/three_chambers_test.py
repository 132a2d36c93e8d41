"""mbpoll, pymodbus and pyvisa-py drive the chambers of the bench three-chambers: Watlow F4T, Binder MB1 and ESPEC."""

import importlib.util
import re
import struct
import subprocess
import sys
import time
from unittest import mock

import bench
from bench import BenchTest
from visa import VisaTest

MBPOLL = bench.require_tool("mbpoll", "mbpoll")
CALL_WITHIN_S = 20
PAUSE_S = 0.6  # what an ESPEC controller wants after a setting, and more than it wants after a question

# Debian only recommends these two. pymodbus's client package imports them for serial lines, of which there are none here.
for module in ("serial", "serial_asyncio"):
    if importlib.util.find_spec(module) is None:
        sys.modules[module] = mock.MagicMock(name=module)
try:
    from pymodbus.client import ModbusTcpClient
except ImportError as error:
    bench.missing(f"pymodbus ({error})", "python3-pymodbus")

IDLE, BASIC, MANUAL = 0, 0x1000, 0x0800


class BinderWithMbpoll(BenchTest):
    def call(self, options, values=()):
        host, port = self.bench.address("binder", "modbus")
        command = [MBPOLL, "-q", "-0", "-1", "-m", "tcp", "-p", str(port), "-a", "1", *options, host, *map(str, values)]
        return subprocess.run(command, capture_output=True, text=True, timeout=CALL_WITHIN_S, check=False)

    def read(self, kind, address):
        done = self.call(["-t", kind, "-r", str(address), "-c", "1"])
        self.assertEqual(done.returncode, 0, done.stderr)
        (text,) = re.findall(r"^\[\d+\]:(.*)$", done.stdout, re.MULTILINE)
        return float(text.split()[0])

    def write(self, kind, address, value):
        done = self.call(["-t", kind, "-r", str(address)], [value])
        self.assertEqual(done.returncode, 0, done.stderr)

    def test_floats_come_low_word_first(self):
        self.assertAlmostEqual(self.read("4:float", 0x11A9), 25.0, delta=0.5)
        self.write("4:float", 0x1581, 42.5)
        self.assertEqual(self.read("4:float", 0x1581), 42.5)

    def test_heats_in_manual_mode_and_stops_in_idle(self):
        self.write("4:float", 0x1581, 60)
        self.write("4", 0x1A22, MANUAL)
        self.assert_soon(lambda: self.bench.truth()["chambers"]["mk53"]["running"], "the chamber runs")
        self.assertEqual(self.bench.truth()["chambers"]["mk53"]["setpoint_degC"], 60)
        self.write("4", 0x1A22, IDLE)
        self.assert_soon(lambda: not self.bench.truth()["chambers"]["mk53"]["running"], "the chamber stops")

    def test_names_its_exceptions(self):
        self.assertIn("Illegal data address", self.call(["-t", "4", "-r", "9", "-c", "1"]).stderr)
        self.assertIn("Illegal data value", self.call(["-t", "4", "-r", str(0x1A22)], [7]).stderr)
        denied = self.call(["-t", "4", "-r", str(0x123D)], [0])  # exception 5: an alarm is reset at the panel
        self.assertIn("Acknowledge", denied.stderr)
        self.assertEqual(denied.returncode, 1)


class WithPymodbus(BenchTest):
    def connect(self, instrument):
        host, port = self.bench.address(instrument, "modbus")
        client = ModbusTcpClient(host, port=port, timeout=5)
        self.assertTrue(client.connect())
        self.addCleanup(client.close)
        return client

    def read_float(self, client, address):
        reply = client.read_holding_registers(address, 2, slave=1)
        self.assertFalse(reply.isError(), reply)
        low, high = reply.registers
        return struct.unpack(">f", struct.pack(">2H", high, low))[0]

    def write_float(self, client, address, value):
        high, low = struct.unpack(">2H", struct.pack(">f", value))
        return client.write_registers(address, [low, high], slave=1)

    def test_a_binder_takes_a_set_point_for_each_mode(self):
        binder = self.connect("binder")
        self.assertFalse(self.write_float(binder, 0x1581, 40.0).isError())
        self.assertFalse(self.write_float(binder, 0x156F, -10.5).isError())
        for mode, setpoint in ((MANUAL, 40.0), (BASIC, -10.5)):
            self.assertFalse(binder.write_register(0x1A22, mode, slave=1).isError())
            self.assertEqual(self.read_float(binder, 0x1077), setpoint)
            self.assertEqual(self.bench.truth()["chambers"]["mk53"]["setpoint_degC"], setpoint)
        self.assertEqual(self.write_float(binder, 0x1581, 500.0).exception_code, 3)
        self.assertEqual(self.write_float(binder, 0x11A9, 20.0).exception_code, 5)
        self.assertEqual(len(binder.read_input_registers(0x11A9, 2, slave=1).registers), 2)  # function 4 as well as 3

    def test_a_binder_serves_one_client(self):
        first = self.connect("binder")
        self.assertAlmostEqual(self.read_float(first, 0x11A9), 25.0, delta=0.5)
        host, port = self.bench.address("binder", "modbus")
        second = ModbusTcpClient(host, port=port, timeout=1, retries=0)
        self.addCleanup(second.close)
        if second.connect():
            with self.assertRaises(Exception):
                reply = second.read_holding_registers(0x11A9, 2, slave=1)
                if reply.isError():
                    raise ConnectionError(str(reply))
        self.assertAlmostEqual(self.read_float(first, 0x11A9), 25.0, delta=0.5)

    def test_an_f4t_has_units_for_either_wire(self):
        f4t = self.connect("f4t")
        for register in (6730, 14080):
            self.assertEqual(f4t.read_holding_registers(register, 1, slave=1).registers, [15])


class EspecWithVisa(VisaTest):
    def setUp(self):
        super().setUp()
        host, port = self.bench.address("espec", "ascii")
        self.espec = self.manager.open_resource(f"TCPIP::{host}::{port}::SOCKET")
        self.espec.read_termination = self.espec.write_termination = "\r\n"
        self.espec.timeout = 5000

    def ask(self, message):
        """The pause is part of its protocol; nothing is waited for."""
        answer = self.espec.query(message)
        time.sleep(PAUSE_S)
        return answer

    def test_says_what_it_is_and_shows_four_temperatures(self):
        self.assertEqual(self.ask("TYPE?"), "T,T,S2,160.0")
        shown, setpoint, high, low = map(float, self.ask("TEMP?").split(","))
        self.assertAlmostEqual(shown, 25.0, delta=0.5)
        self.assertEqual((setpoint, high, low), (0.0, 140.0, -50.0))
        self.assertEqual(self.ask("MON?").split(",")[2:], ["STANDBY", "0"])

    def test_runs_within_its_alarm_limits_and_stops(self):
        self.assertEqual(self.ask("TEMP, S40.0 H65.0 L-25.0"), "OK:TEMP, S40.0 H65.0 L-25.0")
        self.assertEqual(self.ask("TEMP, S65.5"), "NA:DATA OUT OF RANGE")
        self.assertEqual(self.ask("MODE,CONSTANT"), "OK:MODE,CONSTANT")
        truth = self.bench.truth()["chambers"]["sh641"]
        self.assertTrue(truth["running"])
        self.assertEqual(truth["setpoint_degC"], 40.0)
        self.assertEqual(self.ask("MODE,STANDBY"), "OK:MODE,STANDBY")
        self.assertFalse(self.bench.truth()["chambers"]["sh641"]["running"])

    def test_what_comes_too_early_is_lost(self):
        self.assertEqual(self.espec.query("MODE?"), "STANDBY")
        self.assert_silence(self.espec, "MODE?")


if __name__ == "__main__":
    bench.main()

"""mbpoll and pymodbus on the wires of the bench full: three units of one RS-485 line, a chamber on another, RTU frames inside TCP."""

import importlib.util
import re
import struct
import subprocess
import sys
from unittest import mock

import bench
from bench import BenchTest

MBPOLL = bench.require_tool("mbpoll", "mbpoll")
CALL_WITHIN_S = 20

# Debian only recommends these two. pymodbus's client package imports them for serial lines, on which mbpoll stands in here.
for module in ("serial", "serial_asyncio"):
    if importlib.util.find_spec(module) is None:
        sys.modules[module] = mock.MagicMock(name=module)
try:
    from pymodbus.client import ModbusTcpClient
    from pymodbus.transaction import ModbusRtuFramer
except ImportError as error:
    bench.missing(f"pymodbus ({error})", "python3-pymodbus")

PRESS, SNIFFER, BOARD, NOBODY = 1, 2, 3, 4  # units of the shared line
IDLE, MANUAL = 0, 0x0800


class OnLines(BenchTest):
    def call(self, instrument, unit, options, values=(), baud=9600):
        device = self.bench.device(instrument, "modbus")
        command = [MBPOLL, "-q", "-0", "-1", "-m", "rtu", "-b", str(baud), "-P", "none", "-a", str(unit), *options, device, *map(str, values)]
        return subprocess.run(command, capture_output=True, text=True, timeout=CALL_WITHIN_S, check=False)

    def read_numbers(self, instrument, unit, kind, address, count=1, options=(), baud=9600):
        done = self.call(instrument, unit, ["-t", kind, "-r", str(address), "-c", str(count), *options], baud=baud)
        self.assertEqual(done.returncode, 0, done.stderr)
        return [float(text.split()[0]) for text in re.findall(r"^\[\d+\]:(.*)$", done.stdout, re.MULTILINE)]

    def write(self, instrument, unit, kind, address, *values, baud=9600):
        done = self.call(instrument, unit, ["-t", kind, "-r", str(address)], values, baud)
        self.assertEqual(done.returncode, 0, done.stderr)


class SharedLine(OnLines):
    def test_three_instruments_are_on_one_device(self):
        devices = {self.bench.device(name, "modbus") for name in ("press", "sniffer", "board")}
        self.assertEqual(len(devices), 1)
        self.assertNotIn(self.bench.device("f4t", "modbus"), devices)

    def test_the_load_cell_weighs_5_MPa_on_200_cm2(self):
        self.assertEqual(self.read_numbers("press", PRESS, "4:int", 80, 2, options=["-B"]), [100000.0, 100000.0])

    def test_the_gas_sensor_smells_what_a_venting_cell_gives_off(self):
        self.assertEqual(self.read_numbers("sniffer", SNIFFER, "4", 6), [0.0])
        self.assertEqual(self.bench.ask("fault venting ch1 gas_ppm=60 pressure_MPa=0 rise_K=0 over_s=0.1"), "ok")
        self.assert_soon(lambda: self.read_numbers("sniffer", SNIFFER, "4", 6)[0] > 300, "more than 30 ppm, in tenths")

    def test_the_relay_board_closes_the_contactor_of_its_channel(self):
        self.write("board", BOARD, "0", 0, 1)
        self.assertEqual(self.read_numbers("board", BOARD, "0", 0, 8), [1.0] + [0.0] * 7)
        self.assertTrue(self.bench.truth()["channels"]["ch1"]["contactor_closed"])
        self.write("board", BOARD, "0", 0, 0)
        self.assertFalse(self.bench.truth()["channels"]["ch1"]["contactor_closed"])

    def test_a_unit_has_its_own_map_and_nobody_answers_for_one_that_is_not_there(self):
        refused = self.call("sniffer", SNIFFER, ["-t", "4", "-r", "80"])
        self.assertIn("Illegal data address", refused.stderr)
        nobody = self.call("sniffer", NOBODY, ["-t", "4", "-r", "6"])
        self.assertEqual(nobody.returncode, 1)
        self.assertIn("timed out", nobody.stderr)


class ChamberOnALine(OnLines):
    def test_an_f4t_on_its_line_has_celsius_over_rtu_and_takes_a_set_point(self):
        self.assertEqual(self.read_numbers("f4t", 1, "4", 14080, baud=38400), [15.0])
        (degC,) = self.read_numbers("f4t", 1, "4:float", 2820, baud=38400)
        self.assertAlmostEqual(degC, 25.0, delta=0.5)
        self.write("f4t", 1, "4:float", 2782, 31.5, baud=38400)
        self.assertEqual(self.read_numbers("f4t", 1, "4:float", 2782, baud=38400), [31.5])


class WithPymodbus(BenchTest):
    def connect(self, instrument, **how):
        host, port = self.bench.address(instrument, "modbus")
        client = ModbusTcpClient(host, port=port, timeout=5, **how)
        self.assertTrue(client.connect())
        self.addCleanup(client.close)
        return client

    def test_a_binder_speaks_rtu_frames_inside_tcp(self):
        binder = self.connect("binder", framer=ModbusRtuFramer)
        reply = binder.read_holding_registers(0x11A9, 2, slave=1)
        self.assertFalse(reply.isError(), reply)
        low, high = reply.registers
        self.assertAlmostEqual(struct.unpack(">f", struct.pack(">2H", high, low))[0], 25.0, delta=0.5)
        for mode, is_running in ((MANUAL, True), (IDLE, False)):
            self.assertFalse(binder.write_register(0x1A22, mode, slave=1).isError())
            self.assertEqual(self.bench.truth()["chambers"]["mk53"]["running"], is_running)
        self.assertEqual(binder.write_register(0x1A22, 7, slave=1).exception_code, 3)

    def test_contacts_are_closed_until_a_fault_opens_one(self):
        doors = self.connect("doors")
        self.assertEqual(doors.read_coils(0, 6, slave=1).bits[:6], [True] * 6)
        self.assertEqual(self.bench.ask("fault interlock_open doors input=1"), "ok")
        self.assertEqual(doors.read_coils(0, 6, slave=1).bits[:6], [True, False, True, True, True, True])

    def test_relays_of_both_modules_read_back(self):
        for instrument, coil in (("doors", 16), ("adam", 17)):
            module = self.connect(instrument)
            self.assertFalse(module.write_coil(coil, True, slave=1).isError())
            self.assertTrue(module.read_coils(coil, 1, slave=1).bits[0])
        self.assertTrue(self.bench.truth()["channels"]["ch3"]["contactor_closed"])


if __name__ == "__main__":
    bench.main()

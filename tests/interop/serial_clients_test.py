"""pyvisa-py and pymodbus, both over pyserial, on the pseudo-terminals of the bench serial-clients."""

import importlib.util
import struct
import time

import bench
from bench import BenchTest
from visa import VisaTest

# pyvisa-py without the first says no more than that it knows no such resource; pymodbus's client package wants both.
for module, package in (("serial", "python3-serial"), ("serial_asyncio", "python3-serial-asyncio")):
    if importlib.util.find_spec(module) is None:
        bench.missing(module, package)
try:
    from pymodbus.client import ModbusSerialClient
except ImportError as error:
    bench.missing(f"pymodbus ({error})", "python3-pymodbus")

PRESS, SNIFFER, BOARD, NOBODY = 1, 2, 3, 4  # units of the shared line
ILLEGAL_ADDRESS = 2
FULL_SCALE = 52428  # of a PSB
IDLE, MANUAL = 0, 0x0800  # of a Binder
PAUSE_S = 0.6  # what an ESPEC controller wants after a setting, and more than it wants after a question


def open_modbus(test, instrument, baud):
    client = ModbusSerialClient(test.bench.device(instrument, "modbus"), baudrate=baud, timeout=1, retries=0)
    test.assertTrue(client.connect())
    test.addCleanup(client.close)
    return client


def float_cdab(registers):
    return struct.unpack(">f", struct.pack(">2H", registers[1], registers[0]))[0]


class SerialVisaTest(VisaTest):
    def open_line(self, instrument, port, baud, ending):
        resource = self.manager.open_resource(f"ASRL{self.bench.device(instrument, port)}::INSTR")
        resource.baud_rate = baud
        resource.read_termination = resource.write_termination = ending
        resource.timeout = 5000
        return resource


class Itech(SerialVisaTest):
    def setUp(self):
        super().setUp()
        self.itech = self.open_line("itech1", "scpi", 115200, "\n")

    def test_says_what_it_is(self):
        self.assertEqual(self.itech.query("*IDN?").split(",")[:2], ["ITECH Electronics", "IT-M3432"])

    def test_takes_settings_in_remote_only(self):
        self.itech.write("VOLT 4.2")
        self.assertTrue(self.itech.query("SYST:ERR?").startswith("-203,"))
        self.itech.write("SYST:REM")
        self.itech.write("VOLT 4.2")
        self.assertEqual(self.itech.query_ascii_values("VOLT?"), [4.2])
        self.assertEqual(self.itech.query("SYST:ERR?"), '0,"NO_ERR"')

    def test_an_unknown_header_is_answered_by_silence(self):
        self.assert_silence(self.itech, "FOO:BAR?")
        self.assertEqual(self.itech.query("SYST:ERR?"), '-113,"Undefined header"')

    def test_charges_the_cell_whose_contactor_pymodbus_closes(self):
        board = open_modbus(self, "board", 9600)
        self.assertFalse(board.write_coil(0, True, slave=BOARD).isError())
        for command in ("SYST:REM", "CURR:LIM 2.5", "CURR:LIM:NEG 0", "VOLT 4.2", "OUTP 1"):
            self.itech.write(command)
        self.assert_soon(lambda: self.itech.query_ascii_values("MEAS?")[1] > 2.49, "2.5 A flow into the cell")
        self.assertAlmostEqual(self.bench.truth()["channels"]["ch1"]["current_A"], 2.5, delta=0.005)
        self.itech.write("OUTP 0")
        self.assert_soon(lambda: self.bench.truth()["channels"]["ch1"]["current_A"] == 0.0, "no current")


class Keysight34970a(SerialVisaTest):
    def test_reads_a_cell(self):
        daq = self.open_line("daq", "scpi", 57600, "\n")
        for command in ("CONF:TEMP TC,T,(@101)", "ROUT:SCAN (@101)"):
            daq.write(command)
        (value,) = daq.query_ascii_values("READ?")
        self.assertAlmostEqual(value, 25.0, delta=1.0)


class EspecP300(SerialVisaTest):
    def setUp(self):
        super().setUp()
        self.espec = self.open_line("espec", "ascii", 9600, "\r\n")

    def ask(self, message):
        """The pause is part of its protocol; nothing is waited for."""
        answer = self.espec.query(message)
        time.sleep(PAUSE_S)
        return answer

    def test_says_what_it_is_and_shows_four_temperatures(self):
        self.assertEqual(self.ask("TYPE?"), "T,SCP220,190.0")
        shown = float(self.ask("TEMP?").split(",")[0])
        self.assertAlmostEqual(shown, 25.0, delta=0.5)

    def test_runs_and_stops(self):
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


class SharedLineWithPymodbus(BenchTest):
    def setUp(self):
        super().setUp()
        self.line = open_modbus(self, "press", 9600)

    def test_the_load_cell_weighs_5_MPa_on_200_cm2(self):
        reply = self.line.read_holding_registers(80, 2, slave=PRESS)
        self.assertFalse(reply.isError(), reply)
        self.assertEqual(reply.registers[0] << 16 | reply.registers[1], 100000)

    def test_the_gas_sensor_smells_what_a_venting_cell_gives_off(self):
        self.assertEqual(self.line.read_holding_registers(6, 1, slave=SNIFFER).registers, [0])
        self.assertEqual(self.bench.ask("fault venting ch1 gas_ppm=60 pressure_MPa=0 rise_K=0 over_s=0.1"), "ok")
        ppm_tenths = lambda: self.line.read_holding_registers(6, 1, slave=SNIFFER).registers[0]
        self.assert_soon(lambda: ppm_tenths() > 300, "more than 30 ppm")

    def test_the_relay_board_closes_the_contactor(self):
        for closed in (True, False):
            self.assertFalse(self.line.write_coil(0, closed, slave=BOARD).isError())
            self.assertEqual(self.line.read_coils(0, 8, slave=BOARD).bits, [closed] + [False] * 7)
            self.assertEqual(self.bench.truth()["channels"]["ch1"]["contactor_closed"], closed)

    def test_units_in_turn_each_have_their_own_map(self):
        for _ in range(5):
            self.assertEqual(len(self.line.read_holding_registers(80, 2, slave=PRESS).registers), 2)
            self.assertEqual(self.line.read_holding_registers(2000, 1, slave=PRESS).exception_code, ILLEGAL_ADDRESS)
            self.assertFalse(self.line.read_coils(0, 8, slave=BOARD).isError())

    def test_nobody_answers_for_a_unit_that_is_not_there(self):
        self.assertTrue(self.line.read_holding_registers(80, 2, slave=NOBODY).isError())
        self.assertFalse(self.line.read_holding_registers(80, 2, slave=PRESS).isError())


class LinesOfTheirOwnWithPymodbus(BenchTest):
    def accepted(self, reply):
        self.assertFalse(reply.isError(), reply)

    def test_an_f4t_takes_a_set_point(self):
        f4t = open_modbus(self, "f4t", 38400)
        self.assertEqual(f4t.read_holding_registers(14080, 1, slave=1).registers, [15])  # Celsius, over RTU
        self.assertAlmostEqual(float_cdab(f4t.read_holding_registers(2820, 2, slave=1).registers), 25.0, delta=0.5)
        high, low = struct.unpack(">2H", struct.pack(">f", 31.5))
        self.accepted(f4t.write_registers(2782, [low, high], slave=1))
        self.assertEqual(float_cdab(f4t.read_holding_registers(2782, 2, slave=1).registers), 31.5)

    def test_a_binder_runs_and_stops(self):
        binder = open_modbus(self, "binder", 9600)
        self.assertAlmostEqual(float_cdab(binder.read_holding_registers(0x11A9, 2, slave=1).registers), 25.0, delta=0.5)
        for mode, is_running in ((MANUAL, True), (IDLE, False)):
            self.accepted(binder.write_register(0x1A22, mode, slave=1))
            self.assertEqual(self.bench.truth()["chambers"]["mk53"]["running"], is_running)

    def test_a_psb_charges_the_cell_whose_contactor_an_adam_closes(self):
        adam, psb = open_modbus(self, "adam", 9600), open_modbus(self, "psb1", 115200)
        self.assertAlmostEqual(-100 + adam.read_holding_registers(0, 1, slave=1).registers[0] * 500 / 65535, 25.0, delta=0.2)
        self.accepted(adam.write_coil(16, True, slave=1))
        self.accepted(psb.write_coil(402, True, slave=0))
        for address, share in {498: 1.0, 499: 0.0, 500: 4.2 / 60, 501: 5.0 / 60, 502: 1.0}.items():
            self.accepted(psb.write_register(address, round(share * FULL_SCALE), slave=0))
        self.accepted(psb.write_coil(405, True, slave=0))
        current_A = lambda: psb.read_holding_registers(508, 1, slave=0).registers[0] / FULL_SCALE * 60
        self.assert_soon(lambda: current_A() > 4.99, "5 A flow into the cell")
        self.assertAlmostEqual(self.bench.truth()["channels"]["ch2"]["current_A"], 5.0, delta=0.005)
        self.accepted(psb.write_coil(405, False, slave=0))
        self.assert_soon(lambda: self.bench.truth()["channels"]["ch2"]["current_A"] == 0.0, "no current")


if __name__ == "__main__":
    bench.main()

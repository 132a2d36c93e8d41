"""pymodbus, which shares no line with libmodbus, reads and drives the Modbus instruments."""

import importlib.util
import struct
import sys
from unittest import mock

import bench
from bench import BenchTest

# Debian only recommends these two. pymodbus's client package imports them for serial lines, of which there are none here.
for module in ("serial", "serial_asyncio"):
    if importlib.util.find_spec(module) is None:
        sys.modules[module] = mock.MagicMock(name=module)
try:
    from pymodbus.client import ModbusTcpClient
except ImportError as error:
    bench.missing(f"pymodbus ({error})", "python3-pymodbus")

ILLEGAL_FUNCTION, ILLEGAL_ADDRESS, ILLEGAL_VALUE, NEGATIVE_ACKNOWLEDGE = 1, 2, 3, 7
FULL_SCALE = 52428


class PymodbusTest(BenchTest):
    def connect(self, instrument):
        host, port = self.bench.address(instrument, "modbus")
        client = ModbusTcpClient(host, port=port, timeout=5)
        self.assertTrue(client.connect())
        self.addCleanup(client.close)
        return client

    def registers(self, client, address, count, unit=1):
        reply = client.read_holding_registers(address, count, slave=unit)
        self.assertFalse(reply.isError(), reply)
        return reply.registers

    def accepted(self, reply):
        self.assertFalse(reply.isError(), reply)

    def assert_exception(self, reply, code):
        self.assertTrue(reply.isError(), "it was not refused")
        self.assertEqual(reply.exception_code, code)


def text_of(registers):
    return b"".join(word.to_bytes(2, "big") for word in registers).rstrip(b"\0").decode("ascii")


def float_abcd(registers):
    return struct.unpack(">f", struct.pack(">2H", *registers))[0]


def float_cdab(registers):
    return struct.unpack(">f", struct.pack(">2H", registers[1], registers[0]))[0]


class EaPsb(PymodbusTest):
    def setUp(self):
        super().setUp()
        self.psb = self.connect("psb1")

    def state(self):
        high, low = self.registers(self.psb, 505, 2)
        return high << 16 | low

    def close_contactor(self):
        self.accepted(self.connect("adam").write_coil(16, True, slave=1))

    def switch_on(self, voltage_V, source_A, sink_A):
        """The order a driver keeps: remote, then all set values, then the output."""
        self.close_contactor()
        self.accepted(self.psb.write_coil(402, True, slave=1))
        shares = {498: 1.0, 499: sink_A / 60, 500: voltage_V / 60, 501: source_A / 60, 502: 1.0}
        for address, share in shares.items():
            self.accepted(self.psb.write_register(address, round(share * FULL_SCALE), slave=1))
        self.accepted(self.psb.write_coil(405, True, slave=1))

    def test_identity_is_text(self):
        self.assertEqual(text_of(self.registers(self.psb, 1, 20)), "PSB 10060-60")
        self.assertEqual(text_of(self.registers(self.psb, 151, 20)), "1234560001")

    def test_nominal_voltage_is_a_float_with_the_high_word_first(self):
        self.assertEqual(float_abcd(self.registers(self.psb, 121, 2)), 60.0)

    def test_answers_unit_0_and_unit_1(self):
        for unit in (0, 1):
            self.assertEqual(float_abcd(self.registers(self.psb, 123, 2, unit)), 60.0)

    def test_refuses_writes_outside_remote_mode(self):
        self.assert_exception(self.psb.write_register(500, 3670, slave=1), NEGATIVE_ACKNOWLEDGE)
        self.assert_exception(self.psb.write_coil(405, True, slave=1), NEGATIVE_ACKNOWLEDGE)
        self.assertEqual(self.state() >> 11 & 1, 0)

    def test_refuses_what_does_not_exist_or_is_too_much(self):
        self.accepted(self.psb.write_coil(402, True, slave=1))
        self.assert_exception(self.psb.write_register(500, 60000, slave=1), ILLEGAL_VALUE)
        self.assert_exception(self.psb.write_register(5000, 1, slave=1), ILLEGAL_ADDRESS)
        self.assert_exception(self.psb.read_input_registers(507, 1, slave=1), ILLEGAL_FUNCTION)

    def test_charging_shows_in_state_and_actuals(self):
        self.switch_on(voltage_V=4.2, source_A=5.0, sink_A=0.0)
        self.assert_soon(lambda: self.registers(self.psb, 508, 1)[0] > 4000, "current flows")
        state = self.state()
        self.assertEqual(state & 0x1F, 6)  # control location Ethernet
        self.assertEqual(state >> 7 & 1, 1)  # output on
        self.assertEqual(state >> 9 & 3, 2)  # constant current
        self.assertEqual(state >> 11 & 1, 1)  # remote
        self.assertEqual(state >> 12 & 1, 0)  # source
        self.assertEqual(state >> 15 & 1, 0)  # no alarm
        voltage, current, power = (raw / FULL_SCALE for raw in self.registers(self.psb, 507, 3))
        truth = self.bench.truth()["channels"]["ch1"]
        self.assertAlmostEqual(current * 60, 5.0, delta=0.005)
        self.assertAlmostEqual(truth["current_A"], 5.0, delta=0.005)
        self.assertAlmostEqual(voltage * 60, truth["voltage_V"], delta=0.05)
        self.assertAlmostEqual(power * 1500, voltage * 60 * 5.0, delta=0.2)

    def test_discharging_is_a_magnitude_and_bit_12(self):
        self.switch_on(voltage_V=2.5, source_A=0.0, sink_A=3.0)
        self.assert_soon(lambda: self.registers(self.psb, 508, 1)[0] > 2000, "current flows")
        self.assertEqual(self.state() >> 12 & 1, 1)  # sink
        self.assertAlmostEqual(self.registers(self.psb, 508, 1)[0] / FULL_SCALE * 60, 3.0, delta=0.005)
        self.assertAlmostEqual(self.bench.truth()["channels"]["ch1"]["current_A"], -3.0, delta=0.005)

    def test_over_voltage_protection_switches_off_till_it_is_acknowledged(self):
        self.switch_on(voltage_V=4.2, source_A=5.0, sink_A=0.0)
        self.accepted(self.psb.write_register(550, round(3.0 / 60 * FULL_SCALE), slave=1))  # below the cell's voltage
        self.assert_soon(lambda: self.state() >> 15 & 1 == 1, "the alarm")
        self.assertEqual(self.state() >> 16 & 1, 1)  # over-voltage
        self.assertFalse(self.psb.read_coils(405, 1, slave=1).bits[0])
        self.assertEqual(self.bench.truth()["channels"]["ch1"]["current_A"], 0.0)
        self.assertTrue(self.psb.write_coil(405, True, slave=1).isError())
        self.accepted(self.psb.write_register(550, 57671, slave=1))
        self.accepted(self.psb.write_coil(411, True, slave=1))
        self.assertEqual(self.state() >> 15 & 1, 0)


class WatlowF4t(PymodbusTest):
    def test_reads_and_sets_floats_with_the_low_word_first(self):
        f4t = self.connect("f4t")
        self.assertAlmostEqual(float_cdab(self.registers(f4t, 2820, 2)), 25.0, delta=0.5)
        high, low = struct.unpack(">2H", struct.pack(">f", -12.5))
        self.accepted(f4t.write_registers(2782, [low, high], slave=1))
        self.assertEqual(float_cdab(self.registers(f4t, 2782, 2)), -12.5)

    def test_runs_in_constant_mode_and_stops(self):
        f4t = self.connect("f4t")
        self.accepted(f4t.write_register(2730, 10, slave=1))  # automatic
        self.accepted(f4t.write_register(16594, 63, slave=1))  # event 1 on
        self.assert_soon(lambda: self.bench.truth()["chambers"]["oven"]["running"], "the chamber runs")
        self.assertEqual(self.registers(f4t, 2814, 1), [10])
        self.accepted(f4t.write_register(16594, 62, slave=1))
        self.assert_soon(lambda: not self.bench.truth()["chambers"]["oven"]["running"], "the chamber stops")


class Adam6018(PymodbusTest):
    def test_reads_thermocouples_and_drives_the_coils_from_16(self):
        adam = self.connect("adam")
        raw = self.registers(adam, 0, 8)
        self.assertAlmostEqual(-100 + raw[0] * 500 / 65535, 25.0, delta=0.2)
        self.assertEqual(raw[3:], [65535] * 5)
        self.accepted(adam.write_coil(17, True, slave=1))
        self.assertEqual(adam.read_coils(16, 8, slave=1).bits[:8], [False, True] + [False] * 6)
        self.assertTrue(self.bench.truth()["channels"]["ch2"]["contactor_closed"])
        self.assert_exception(adam.write_coil(30, True, slave=1), ILLEGAL_ADDRESS)


if __name__ == "__main__":
    bench.main()

"""A bench and a VISA resource manager for every test: what the pyvisa tests begin with."""

import socket

import bench
from bench import BenchTest

try:
    import pyvisa
    from pyvisa.constants import StatusCode
    from pyvisa.errors import VisaIOError
except ImportError as error:
    bench.missing(f"pyvisa ({error})", "python3-pyvisa python3-pyvisa-py")

ANSWER_WITHIN_MS = 5000
SILENCE_MS = 400


class VisaTest(BenchTest):
    def setUp(self):
        super().setUp()
        try:
            self.manager = pyvisa.ResourceManager("@py")
        except ValueError as error:
            bench.missing(f"the pyvisa-py backend ({error})", "python3-pyvisa-py")
        self.addCleanup(self.manager.close)

    def connect(self, instrument):
        host, port = self.bench.address(instrument, "scpi")
        resource = self.manager.open_resource(f"TCPIP::{host}::{port}::SOCKET")
        resource.read_termination = resource.write_termination = "\n"
        resource.timeout = ANSWER_WITHIN_MS
        return resource

    def close_contactor(self, output):
        """By hand: function 5, coil 16 and up of the relay module."""
        request = bytes([0, 1, 0, 0, 0, 6, 1, 5, 0, 16 + output, 0xFF, 0])
        with socket.create_connection(self.bench.address("adam", "modbus"), timeout=10) as connection:
            connection.sendall(request)
            self.assertEqual(connection.recv(64), request)

    def assert_silence(self, resource, message):
        resource.timeout = SILENCE_MS
        with self.assertRaises(VisaIOError) as raised:
            resource.query(message)
        self.assertEqual(raised.exception.error_code, StatusCode.error_timeout)
        resource.timeout = ANSWER_WITHIN_MS

"""lxi of Debian's lxi-tools asks every SCPI instrument of the bench who it is, over its raw socket."""

import subprocess

import bench
from bench import BenchTest

lxi = bench.require_tool("lxi", "lxi-tools")

IDENTITIES = {
    "psb1": "EA ELEKTRO-AUTOMATIK,PSB 10060-60 2U,",
    "aps1": "Agilent Technologies,N6974A,",
    "itech1": "ITECH Electronics,IT-M3432,",
    "daq": "Keysight Technologies,DAQ970A,",
}


class Identity(BenchTest):
    def ask(self, instrument, message):
        host, port = self.bench.address(instrument, "scpi")
        command = [lxi, "scpi", "--raw", "--address", host, "--port", str(port), "--timeout", "5", message]
        return subprocess.run(command, capture_output=True, text=True, timeout=30, check=False)

    def test_every_instrument_says_who_it_is(self):
        for instrument, begin in IDENTITIES.items():
            with self.subTest(instrument):
                answer = self.ask(instrument, "*IDN?")
                self.assertEqual(answer.returncode, 0, answer.stderr)
                self.assertTrue(answer.stdout.startswith(begin), answer.stdout)

    def test_a_command_has_no_answer_and_the_next_question_is_answered(self):
        self.assertEqual(self.ask("itech1", "SYST:REM").stdout.strip(), "")
        self.assertEqual(self.ask("itech1", "FUNC?").stdout.strip(), "VOLTage")


if __name__ == "__main__":
    bench.main()

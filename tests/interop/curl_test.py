"""A person pulls a cable with curl: the back door over HTTP/1.1, while the simulator runs."""

import json
import socket
import subprocess

import bench
from bench import ANSWER_WITHIN_S, BenchTest

curl = bench.require_tool("curl", "curl")


class Door(BenchTest):
    def curl(self, path, *options):
        """(status, body, what curl itself says)"""
        url = f"http://{self.bench.back_door()}{path}"
        command = [curl, "--silent", "--show-error", "--max-time", "20", "--write-out", "\n%{http_code}", *options, url]
        done = subprocess.run(command, capture_output=True, text=True, timeout=30, check=False)
        body, _, status = done.stdout.rpartition("\n")
        return int(status), body.strip(), done.stderr

    def raw(self, data):
        """All that comes back until the other side closes; it has to."""
        host, port = self.bench.back_door().rsplit(":", 1)
        with socket.create_connection((host, int(port)), timeout=ANSWER_WITHIN_S) as connection:
            connection.sendall(data)
            received = b""
            while part := connection.recv(65536):
                received += part
            return received


class Orders(Door):
    def test_a_cable_is_pulled_and_put_back(self):
        address = self.bench.address("psb1", "modbus")
        socket.create_connection(address, timeout=ANSWER_WITHIN_S).close()
        self.assertEqual(self.curl("/fault", "-X", "POST", "-d", "refuse psb1.modbus for_s=1000")[:2], (200, "ok"))
        with self.assertRaises(ConnectionRefusedError):
            socket.create_connection(address, timeout=ANSWER_WITHIN_S)
        status, body, _ = self.curl("/faults")
        self.assertEqual(status, 200)
        self.assertEqual(json.loads(body)["faults"][0]["order"], "refuse psb1.modbus")
        self.assertEqual(self.curl("/faults", "-X", "DELETE")[:2], (200, "ok"))
        socket.create_connection(address, timeout=ANSWER_WITHIN_S).close()
        self.assertEqual(json.loads(self.curl("/faults")[1])["faults"], [])

    def test_every_numbered_fault_is_listed_and_several_orders_go_together(self):
        listed = json.loads(self.curl("/faults/kinds")[1])
        self.assertEqual(len(listed["numbers"]), 49)
        self.assertIn("number_format", [kind["kind"] for kind in listed["kinds"]])
        self.assertEqual(self.curl("/fault", "--data-binary", "F01\nF21 psb1\n\nF45 ch1 at_s=1e6\n")[:2], (200, "ok"))
        self.assertEqual(len(json.loads(self.curl("/faults")[1])["faults"]), 3)

    def test_what_is_wrong_is_refused_with_the_nearest_word(self):
        self.assertEqual(self.curl("/fault", "-d", "freez psb1")[:2], (400, "error unknown fault 'freez', did you mean 'freeze'?"))
        status, body, _ = self.curl("/fault", "--data-binary", "F01\nfreez psb1")
        self.assertEqual(status, 400)
        self.assertIn("orders done before it: 1", body)
        self.assertEqual(self.curl("/fault", "-d", "")[0], 400)
        self.assertEqual(self.curl("/fault", "-d", "kill")[0], 400)
        status, body, _ = self.curl("/trooth")
        self.assertEqual((status, body), (404, "error unknown path '/trooth', did you mean '/truth'?"))
        status, body, _ = self.curl("/truth", "-X", "POST", "-d", "x")
        self.assertEqual((status, body), (405, "error /truth takes GET, not POST"))
        self.assertIn("Allow: GET, DELETE", self.curl("/faults", "-X", "PUT", "-i")[1])
        self.assertEqual(self.curl("/fault", "-X", "DELETE")[0], 405)


class Questions(Door):
    def test_truth_state_and_now_are_json(self):
        self.assertIn("ch1", json.loads(self.curl("/truth")[1])["channels"])
        self.assertEqual(json.loads(self.curl("/state")[1])["mode"], "real")
        first = json.loads(self.curl("/now")[1])["now_ns"]
        self.assertGreater(json.loads(self.curl("/now?x=1")[1])["now_ns"], first)

    def test_one_connection_serves_several_requests_and_closes_when_asked(self):
        url = f"http://{self.bench.back_door()}"
        done = subprocess.run([curl, "--silent", "--verbose", "--max-time", "20", f"{url}/now", f"{url}/state"],
                              capture_output=True, text=True, timeout=30, check=True)
        self.assertEqual(done.stderr.count("Connected to"), 1)
        self.assertEqual(done.stderr.count("HTTP/1.1 200 OK"), 2)
        host = self.bench.back_door().encode()
        answer = self.raw(b"GET /now HTTP/1.1\r\nHost: " + host + b"\r\n\r\nGET /now HTTP/1.1\r\nHost: " + host +
                          b"\r\nConnection: close\r\n\r\n")
        self.assertEqual(answer.count(b"HTTP/1.1 200 OK"), 2)
        self.assertIn(b"Connection: close", answer)
        self.assertIn(b"HTTP/1.1 200 OK", self.raw(b"GET /now HTTP/1.0\r\n\r\n"))

    def test_the_plain_lines_still_work_beside_it(self):
        self.assertIn("channels", self.bench.truth())


class Strangers(Door):
    """What a page in a browser may make it send, and what is no HTTP at all."""

    def test_a_browser_is_refused_and_nothing_is_done(self):
        for option in (["-H", "Origin: http://evil.example"], ["-H", "Origin: null"], ["-H", "Sec-Fetch-Site: cross-site"],
                       ["-H", "Host: evil.example"]):
            with self.subTest(option):
                self.assertEqual(self.curl("/fault", "-d", "freeze psb1", *option)[0], 403)
        self.assertEqual(json.loads(self.curl("/faults")[1])["faults"], [])

    def test_the_body_of_a_request_is_never_taken_for_commands(self):
        self.raw(b"POST / HTTP/1.1\r\nOrigin: http://evil.example\r\nConnection: close\r\nHost: 127.0.0.1\r\nContent-Length: 13\r\n\r\n"
                 b"freeze psb1\r\nfault freeze psb1\nquit\n")
        self.assertEqual(json.loads(self.curl("/faults")[1])["faults"], [])

    def test_sizes_are_bounded_and_nonsense_is_400(self):
        host = b"Host: 127.0.0.1\r\n"
        long_head = b"GET /now HTTP/1.1\r\n" + host + b"X: " + b"a" * 9000 + b"\r\n\r\n"
        many = b"GET /now HTTP/1.1\r\n" + host + b"".join(b"X%d: 1\r\n" % i for i in range(70)) + b"\r\n"
        for request, status in (
            (long_head, b"431"),
            (many, b"431"),
            (b"POST /fault HTTP/1.1\r\n" + host + b"Content-Length: 65537\r\n\r\n", b"413"),
            (b"POST /fault HTTP/1.1\r\n" + host + b"Content-Length: 99999999999999999999\r\n\r\n", b"413"),
            (b"POST /fault HTTP/1.1\r\n" + host + b"Content-Length: -1\r\n\r\n", b"400"),
            (b"POST /fault HTTP/1.1\r\n" + host + b"Content-Length: 1\r\nContent-Length: 2\r\n\r\n", b"400"),
            (b"POST /fault HTTP/1.1\r\n" + host + b"Transfer-Encoding: chunked\r\n\r\n", b"411"),
            (b"GET /now HTTP/2\r\n" + host + b"\r\n", b"400"),
            (b"GET now HTTP/1.1\r\n" + host + b"\r\n", b"400"),
            (b"GET /now HTTP/1.1\r\n\r\n", b"400"),
            (b"GET /now HTTP/1.1\r\n" + host + b"no header\r\n\r\n", b"400"),
        ):
            with self.subTest(request[:60]):
                answer = self.raw(request)
                self.assertTrue(answer.startswith(b"HTTP/1.1 " + status), answer[:200])
                self.assertIn(b"Connection: close", answer)
        self.assertEqual(self.curl("/now")[0], 200)


if __name__ == "__main__":
    bench.main()

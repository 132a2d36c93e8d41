"""Watches a bench of `cellrig serve`, starts a run, notes something, and stops it. Python's standard library, nothing else.

    watch_and_stop.py URL TOKEN_FILE CHANNEL
"""

import base64
import json
import os
import socket
import sys
import urllib.error
import urllib.request
import uuid
from urllib.parse import urlparse


class Bench:
    def __init__(self, url, token):
        where = urlparse(url)
        if where.scheme != "https" and where.hostname not in ("127.0.0.1", "localhost", "::1"):
            sys.exit(f"{url}: http to another machine would send the token readable through the network: use https, or a tunnel")
        self.url = url
        self.token = token

    def get(self, path):
        return self._send(urllib.request.Request(f"{self.url}/api/v1{path}"))

    def post(self, path, body=None, fencing_token=None):
        """One key for each thing that is ordered: a repetition after a lost answer must use the same one."""
        headers = {"Content-Type": "application/json", "Idempotency-Key": str(uuid.uuid4())}
        if fencing_token is not None:
            headers["Fencing-Token"] = str(fencing_token)
        data = json.dumps(body or {}).encode()
        return self._send(urllib.request.Request(f"{self.url}/api/v1{path}", data=data, headers=headers, method="POST"))

    def _send(self, request):
        request.add_header("Authorization", f"Bearer {self.token}")
        try:
            with urllib.request.urlopen(request, timeout=60) as answer:
                return json.load(answer)
        except urllib.error.HTTPError as refused:
            error = json.load(refused)["error"]
            sys.exit(f"{refused.code} {error['code']}: {error['message']}")

    def stream(self):
        """Every message of the live stream: a WebSocket by hand, for readers who want no library."""
        where = urlparse(self.url)
        with socket.create_connection((where.hostname, where.port), timeout=30) as connection:
            key = base64.b64encode(os.urandom(16)).decode()
            connection.sendall((f"GET /api/v1/stream HTTP/1.1\r\nHost: {where.netloc}\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
                                f"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: {key}\r\n"
                                f"Authorization: Bearer {self.token}\r\n\r\n").encode())
            reader = connection.makefile("rb")
            if b" 101 " not in reader.readline():
                sys.exit("the stream was refused")
            while reader.readline() != b"\r\n":
                pass
            while head := reader.read(2):
                length = head[1] & 127
                if length >= 126:
                    length = int.from_bytes(reader.read(2 if length == 126 else 8), "big")
                payload = reader.read(length)
                kind = head[0] & 15
                if kind == 1:
                    yield json.loads(payload)
                elif kind == 9:  # a ping wants a pong, masked
                    connection.sendall(bytes([0x8A, 0x80 | length, 0, 0, 0, 0]) + payload)
                elif kind == 8:
                    return


def main():
    url, token_file, name = sys.argv[1:]
    with open(token_file, encoding="ascii") as file:
        bench = Bench(url, file.read().strip())

    channel = bench.get(f"/channels/{name}")
    print(f"{name} is {channel['state']}")

    order = {"profile": "cccv-cycle", "cell": "lg-m50", "cell_id": "A-0001", "operator": "jane", "without_rehearsal": "an example"}
    started = bench.post(f"/channels/{name}/start", order, channel["fencing_token"])
    print("started")

    # The first message is the whole bench; then whatever changes.
    for message in bench.stream():
        if message["type"] == "channel" and message["channel"]["channel"] == name and message["channel"]["is_output_on"]:
            print("the output is on")
            break

    note = {"operator": "jane", "text": "looks good"}
    print(bench.post(f"/channels/{name}/note", note, started["fencing_token"])["done"])
    print(bench.post(f"/channels/{name}/stop", {"operator": "jane", "reason": "seen enough"})["done"])

    for message in bench.stream():
        views = message["bench"]["channels"] if message["type"] == "snapshot" else [message.get("channel") or {}]
        if any(view.get("channel") == name and view["state"] == "stopped" for view in views):
            print("stopped")
            break
    run = bench.get(f"/runs/{started['run']}")
    print(f"the record says: {run['status']}")


if __name__ == "__main__":
    main()

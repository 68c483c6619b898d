# SPDX-License-Identifier: BSD-3-Clause
"""A node for boards with Wi-Fi that run MicroPython (ESP32, ESP8266, Pico W and the like).

It keeps a websocket to the gateway, tells what it has when it is asked, reports what it measures,
and takes values for its LED. What is particular to a board stands in ``config.py`` beside it.
The same file runs on MicroPython's unix port and on CPython, without Wi-Fi and pins.
"""

import json
import os
import select
import socket
import sys
import time
from binascii import b2a_base64, hexlify

import config  # type: ignore[import-not-found]

try:
    import machine  # type: ignore[import-not-found]
    import network  # type: ignore[import-not-found]
except ImportError:  # not on a board
    machine = network = None

try:
    from time import ticks_diff, ticks_ms  # type: ignore[attr-defined]
except ImportError:  # CPython, whose clock does not wrap around

    def ticks_ms() -> int:
        return int(time.monotonic() * 1000)

    def ticks_diff(later: int, earlier: int) -> int:
        return later - earlier


TEXT, CLOSE, PING, PONG = 1, 8, 9, 10
"""Kinds of frames (RFC 6455 section 5.2)."""

MAX_FRAME = getattr(config, "MAX_FRAME", 1024)
"""Bytes of a request that fit the memory of a small board."""

PROOF = f"Authorization: Bearer {config.TOKEN}\r\n" if getattr(config, "TOKEN", "") else ""
"""The header that shows the board's device token, where it has one."""

SILENCE = 65_000
"""Milliseconds without a word from the gateway, which pings every 20 s, that mean it is gone."""


class Gateway:
    """The websocket to the gateway. Every failure is an OSError."""

    def __init__(self, host: str, port: int) -> None:
        address = socket.getaddrinfo(host, port, 0, socket.SOCK_STREAM)[0]
        self.socket = socket.socket(address[0])
        try:
            # Bounds connecting and whatever comes in the middle of a frame; `wait` waits longer.
            self.socket.settimeout(10)
            self.socket.connect(address[-1])
            self._open(host, port)
            self._poll = select.poll()
            self._poll.register(self.socket, select.POLLIN)
        except OSError:
            self.close()
            raise

    def _open(self, host: str, port: int) -> None:
        key = b2a_base64(os.urandom(16)).strip().decode()
        name = f"[{host}]" if ":" in host else host
        request = (
            f"GET /node HTTP/1.1\r\nHost: {name}:{port}\r\n"
            "Upgrade: websocket\r\nConnection: Upgrade\r\n"
            f"Sec-WebSocket-Key: {key}\r\nSec-WebSocket-Version: 13\r\n{PROOF}\r\n"
        )
        self.socket.sendall(request.encode())
        status = self._line()
        if status.split(b" ", 2)[1:2] != [b"101"]:
            raise OSError(f"not let in: {status.decode()}")
        while self._line():
            pass

    def wait(self, milliseconds: int) -> bool:
        """Wait for a frame; whether one has begun to come."""
        return bool(self._poll.poll(milliseconds))

    def receive(self) -> bytes | None:
        """The text of the next frame; None for one that needs no answer, or has got its own."""
        first, second = self._exactly(2)
        size = second & 0x7F
        if size >= 126:
            size = int.from_bytes(self._exactly(2 if size == 126 else 8), "big")
        # Frames in parts, and masked ones, are none that a gateway sends.
        if not first & 0x80 or second & 0x80:
            raise OSError("not a frame of a gateway")
        if size > MAX_FRAME:
            print("ignored: a request of", size, "bytes")
            while size:
                size -= len(self._exactly(min(size, 256)))
            return None
        kind, body = first & 0x0F, self._exactly(size)
        if kind == TEXT:
            return body
        if kind == PING:
            self._send(PONG, body)
        elif kind == CLOSE:
            raise OSError(f"closed by the gateway: {body[2:].decode()}")
        return None

    def send(self, message: dict[str, object]) -> None:
        """Send `message` as JSON."""
        self._send(TEXT, json.dumps(message).encode())

    def close(self) -> None:
        self.socket.close()

    def _send(self, kind: int, body: bytes) -> None:
        size, mask = len(body), os.urandom(4)
        head = (
            (0x80 | kind, 0x80 | size) if size < 126 else (0x80 | kind, 0xFE, size >> 8, size & 255)
        )
        frame = bytearray(head) + mask + body
        start = len(frame) - size
        for at in range(size):
            frame[start + at] ^= mask[at & 3]
        self.socket.sendall(frame)

    def _exactly(self, size: int) -> bytes:
        data = b""
        while len(data) < size:
            part = self.socket.recv(size - len(data))
            if not part:
                raise OSError("the gateway is gone")
            data += part
        return data

    def _line(self) -> bytes:
        line = b""
        while not line.endswith(b"\n"):
            if len(line) > 512:
                raise OSError("no websocket server")
            line += self._exactly(1)
        return line.strip()


class Led:
    """The board's LED, or a number that stands for one."""

    def __init__(self, pin: int | str | None, on: int) -> None:
        self.value = "0"
        self._on = on
        self._pin = None
        if machine is not None and network is not None and pin is not None:
            self._pin = machine.Pin(pin, machine.Pin.OUT, value=1 - on)

    def put(self, value: str) -> bool:
        """Switch it; whether `value` is one that it takes."""
        if value not in ("0", "1"):
            return False
        if self._pin is not None:
            self._pin.value(self._on if value == "1" else 1 - self._on)
        self.value = value
        return True


class Node:
    """What this board has, and its talk with the gateway."""

    def __init__(self) -> None:
        self.uid = getattr(config, "UID", None) or own_uid()
        self.led = Led(getattr(config, "LED", None), getattr(config, "LED_ON", 1))
        self.period = int(getattr(config, "PERIOD", 10) * 1000)

    def measured(self) -> dict[str, object]:
        """What the board's sensors say."""
        measure = getattr(config, "measure", dict)
        try:
            return measure()
        except OSError as exc:  # a sensor that does not answer
            print("not measured:", exc)
            return {}

    def resources(self) -> dict[str, object]:
        """Everything, for a gateway that asks."""
        values = {
            "name": getattr(config, "NAME", "MicroPython"),
            "os": "micropython",
            "board": sys.platform,
            "version": ".".join(str(part) for part in sys.implementation.version[:3]),
            "led": self.led.value,
        }
        values.update(self.measured())
        return values

    def talk(self, gateway: Gateway) -> None:
        """Answer and report until the connection ends, by an OSError."""
        gateway.send({"type": "new", "id": self.uid})
        heard = reported = ticks_ms()
        while True:
            if gateway.wait(max(0, self.period - ticks_diff(ticks_ms(), reported))):
                frame = gateway.receive()
                heard = ticks_ms()
                if frame is not None:
                    self.answer(gateway, frame)
            elif ticks_diff(ticks_ms(), heard) > SILENCE:
                raise OSError("the gateway is silent")
            if ticks_diff(ticks_ms(), reported) >= self.period:
                reported = ticks_ms()
                self.update(gateway, self.measured())

    def answer(self, gateway: Gateway, frame: bytes) -> None:
        """Do what the gateway asks for."""
        try:
            request = json.loads(frame)
            if request.get("request") == "discover":
                self.update(gateway, self.resources())
                return
            resource, value = request["endpoint"], request["payload"]
        except (ValueError, KeyError, AttributeError):
            print("ignored:", frame)
            return
        if resource == "led":
            done = self.led.put(value)
        else:
            put = getattr(config, "put", None)
            done = put is not None and put(resource, value)
        # A report confirms; silence is the only way to refuse.
        if done:
            self.update(gateway, {resource: value})

    def update(self, gateway: Gateway, values: dict[str, object]) -> None:
        if values:
            gateway.send({"type": "update", "data": values})


def own_uid() -> str:
    """The number that the board was made with."""
    if hasattr(machine, "unique_id"):
        return "mpy-" + hexlify(machine.unique_id()).decode()
    return "mpy-" + sys.platform


def join_wifi() -> None:
    """Join the Wi-Fi, if there is one to join. Raises OSError when that takes too long."""
    if network is None:
        return
    # An ESP8266 offers a network of its own otherwise, with a password that everybody knows.
    network.WLAN(network.AP_IF).active(False)
    wifi = network.WLAN(network.STA_IF)
    wifi.active(True)
    if wifi.isconnected():
        return
    print("joining", config.WIFI_SSID)
    wifi.connect(config.WIFI_SSID, config.WIFI_PASSWORD)
    began = ticks_ms()
    while not wifi.isconnected():
        if ticks_diff(ticks_ms(), began) > 30_000:
            wifi.active(False)
            raise OSError(f"cannot join {config.WIFI_SSID}")
        time.sleep(0.2)
    print("joined as", wifi.ifconfig()[0])


def run() -> None:
    """Be a node for ever."""
    node = Node()
    pause = 1
    while True:
        gateway = None
        try:
            join_wifi()
            gateway = Gateway(config.GATEWAY_HOST, getattr(config, "GATEWAY_PORT", 8001))
            print("connected as", node.uid)
            pause = 1
            node.talk(gateway)
        except OSError as exc:
            print("no connection:", exc)
        if gateway is not None:
            gateway.close()
        time.sleep(pause)
        pause = min(2 * pause, 60)


if __name__ == "__main__":
    run()

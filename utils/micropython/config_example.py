# SPDX-License-Identifier: BSD-3-Clause
"""What is particular to your board. Put it beside main.py as config.py."""

WIFI_SSID = "your network"
WIFI_PASSWORD = "its password"  # noqa: S105 - to be replaced

GATEWAY_HOST = "192.168.1.10"  # the machine that runs aiot-ws-gateway
GATEWAY_PORT = 8001

TOKEN = ""  # its device token, where it has one

NAME = "My board"  # as the page shows it

LED = 2  # its pin: 2 on most ESP32 and ESP8266 boards, "LED" on a Pico W, None if there is none
LED_ON = 1  # the level that lights it: 0 on most ESP8266 boards

PERIOD = 10  # seconds between two reports of `measure`


def measure() -> dict[str, object]:
    """What your sensors say now, by resource, with units: {"temperature": "21.5°C"}."""
    return {}


def put(resource: str, value: str) -> bool:
    """Set a resource other than the LED; say whether that was done."""
    print("asked to set", resource, "to", value)
    return False

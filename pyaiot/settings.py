# SPDX-License-Identifier: BSD-3-Clause
"""What can be set: one frozen settings class per service, each field declared once.

A field's annotation is its kind; `setting` adds the default, the help text and the bounds. From its
name follow the option (``--broker-port``), the environment variable (``PYAIOT_BROKER_PORT``) and
the name in a file (``broker_port``). Command line, files, reference pages and the example
configuration are all made from these declarations; `pyaiot.configuration` fills the classes.
"""

import math
from collections.abc import Mapping
from dataclasses import MISSING, Field, dataclass, field, fields
from types import NoneType, UnionType
from typing import Any, ClassVar, Final, Literal, Union, cast, get_args, get_origin

from pyaiot.errors import SettingsInvalid

KEY_FILE: Final = "~/.pyaiot/keys"

SettingValue = bool | int | float | str | tuple[str, ...] | None

_TRUE: Final = frozenset({"true", "t", "1", "yes", "y", "on"})
_FALSE: Final = frozenset({"false", "f", "0", "no", "n", "off"})


def setting(
    default: SettingValue,
    help: str,  # noqa: A002 - what the command line calls it
    *,
    minimum: float = -math.inf,
    maximum: float = math.inf,
    unit: str = "",
    secret: bool = False,
    in_file: bool = True,
) -> Any:
    """A field of a settings class.

    `unit` is shown in help as the placeholder of the value. A `secret` is not shown by `repr` and
    can also be given as the name of a file (``PYAIOT_MQTT_PASSWORD_FILE``).
    """
    return field(
        default=default,
        repr=not secret,
        metadata={
            "help": help,
            "minimum": minimum,
            "maximum": maximum,
            "unit": unit,
            "secret": secret,
            "in_file": in_file,
        },
    )


def port(default: int, help: str) -> Any:  # noqa: A002 - as above
    """A TCP or UDP port; 0 is any free one."""
    return setting(default, help, minimum=0, maximum=65535, unit="port")


@dataclass(frozen=True, slots=True)
class Setting:
    """What is declared of one field."""

    name: str
    kind: type[bool | int | float | str | tuple[str, ...]]
    default: SettingValue
    help: str
    optional: bool
    choices: tuple[str, ...]
    minimum: float
    maximum: float
    unit: str
    secret: bool
    in_file: bool

    @classmethod
    def of(cls, declared: "Field[Any]") -> "Setting":
        """What the field of a settings class declares."""
        kind: Any = declared.type
        optional = get_origin(kind) in {UnionType, Union} and NoneType in get_args(kind)
        if optional:
            (kind,) = (each for each in get_args(kind) if each is not NoneType)
        choices: tuple[str, ...] = ()
        if get_origin(kind) is Literal:
            choices, kind = get_args(kind), str
        elif get_origin(kind) is tuple:
            kind = tuple
        assert declared.default is not MISSING, declared.name  # noqa: S101 - a slip in this file
        return cls(
            name=declared.name,
            kind=kind,
            default=declared.default,
            optional=optional,
            choices=choices,
            **declared.metadata,
        )

    @property
    def option(self) -> str:
        return "--" + self.name.replace("_", "-")

    @property
    def variable(self) -> str:
        return "PYAIOT_" + self.name.upper()

    def parse(self, text: str) -> SettingValue:
        """The value written as `text`, on a command line or in a variable.

        Raises SettingsInvalid, as do `accept` and `check`; none of them says which setting it is.
        """
        text = text.strip()
        if not text and self.optional:
            return None
        if self.kind is bool:
            return _truth(text)
        if self.kind is tuple:
            return tuple(item.strip() for item in text.split(",") if item.strip())
        value: SettingValue = text if self.kind is str else self._number(text)
        self.check(value)
        return value

    def accept(self, value: object) -> SettingValue:
        """The value that a file gave; text may stand for any kind."""
        if isinstance(value, str):
            return self.parse(value)
        if isinstance(value, list | tuple):
            if self.kind is not tuple or not all(isinstance(item, str) for item in value):
                raise SettingsInvalid(f"expected {self.expected}, not a list")
            return tuple(value)
        if self.kind is float and type(value) is int:
            value = float(value)
        if value is not None and type(value) is not self.kind:
            raise SettingsInvalid(f"expected {self.expected}, not {value!r}")
        self.check(value)
        return value

    def check(self, value: SettingValue) -> None:
        """Raise SettingsInvalid unless `value` lies within the bounds."""
        if value is None:
            if not self.optional:
                raise SettingsInvalid(f"expected {self.expected}")
        elif self.choices and value not in self.choices:
            raise SettingsInvalid(f"expected {self.expected}, not {value!r}")
        elif self.kind in {int, float}:
            number = cast("float", value)
            if not self.minimum <= number <= self.maximum or math.isnan(number):
                raise SettingsInvalid(f"expected {self.expected}, not {value}")

    @property
    def expected(self) -> str:
        """What the setting takes, in words."""
        if self.choices:
            return "one of " + ", ".join(self.choices)
        words = {bool: "true or false", tuple: "a list of texts", str: "a text"}
        if self.kind in words:
            return words[self.kind]
        noun = "a whole number" if self.kind is int else "a number"
        if self.maximum < math.inf:
            return f"{noun} from {self.minimum:g} to {self.maximum:.15g}"
        return f"{noun} of at least {self.minimum:g}" if self.minimum > -math.inf else noun

    def _number(self, text: str) -> float:
        if not text and self.unit == "port":
            return 0
        try:
            return int(text) if self.kind is int else float(text)
        except ValueError:
            raise SettingsInvalid(f"expected {self.expected}, not {text!r}") from None


def _truth(text: str) -> bool:
    word = text.lower()
    if word not in _TRUE | _FALSE:
        raise SettingsInvalid(f"expected true or false, not {text!r}")
    return word in _TRUE


@dataclass(frozen=True, kw_only=True, slots=True)
class ServiceSettings:
    """What every service has."""

    section: ClassVar[str] = ""
    """The service's own table in a TOML file."""

    config: str | None = setting(
        None, "read settings from this file (TOML, or the original's Python)", in_file=False
    )
    broker_host: str = setting("localhost", "host of the broker")
    broker_port: int = port(8000, "port of the broker")
    debug: bool = setting(False, "log everything that happens")
    key_file: str = setting(KEY_FILE, "file of the keys that services prove themselves with")
    logging: Literal["debug", "info", "warning", "error", "none"] = setting(
        "info", "log messages of this level and above"
    )
    log_file_prefix: str | None = setting(
        None, "write the log to this file, and its older parts to FILE.1, FILE.2, …"
    )
    log_file_max_size: int = setting(
        100_000_000, "size at which a log file is set aside", minimum=1000, unit="bytes"
    )
    log_file_num_backups: int = setting(10, "older log files that are kept", minimum=0)

    def __post_init__(self) -> None:
        """Raise SettingsInvalid for a value that is out of bounds."""
        for each in settings_of(type(self)).values():
            try:
                each.check(getattr(self, each.name))
            except SettingsInvalid as exc:
                raise SettingsInvalid(f"{each.name}: {exc}") from None

    def _together(self, *names: str) -> None:
        given = [name for name in names if getattr(self, name)]
        if given and len(given) < len(names):
            missing = next(name for name in names if name not in given)
            raise SettingsInvalid(f"{given[0]} is set, so {missing} must be set too")

    def _default_port(self, tls: bool) -> None:
        # The original leaves the port out of the address where it is empty.
        if not self.broker_port:
            object.__setattr__(self, "broker_port", 443 if tls else 80)


@dataclass(frozen=True, kw_only=True, slots=True)
class BrokerSettings(ServiceSettings):
    """`aiot-broker`."""

    section: ClassVar[str] = "broker"

    broker_host: str = setting("localhost", "address to listen on; empty for all interfaces")
    broker_port: int = port(8000, "port to listen on")
    anonymous: Literal["none", "view", "control"] | None = setting(
        None,
        "what clients without credentials may do"
        " (default: control if only this machine can connect, else none)",
    )
    allow_origin: tuple[str, ...] = setting(
        (), "another site whose web pages may connect, such as https://example.org; may be repeated"
    )
    accept_unsigned: bool = setting(
        False, "let in services that cannot sign: gateways of the original pyaiot"
    )
    clock_skew: float = setting(
        0.0, "how far clocks of services may differ", minimum=0, unit="seconds"
    )
    ssl_cert: str | None = setting(None, "file of the certificate chain; serves TLS only")
    ssl_key: str | None = setting(None, "file of the certificate's private key")
    max_clients: int = setting(5000, "clients that may be connected at once", minimum=1)
    max_gateways: int = setting(100, "gateways that may be connected at once", minimum=1)
    max_message: int = setting(
        1_048_576, "size of the largest message taken", minimum=1024, unit="bytes"
    )
    client_rate: float = setting(
        100.0, "messages taken from one client per second", minimum=0.1, unit="number"
    )
    client_queue: int = setting(
        65_536, "waiting for a slow client before it gets newest values only", minimum=1024,
        unit="bytes",
    )  # fmt: skip
    flush_window: float = setting(
        0.002, "how long a busy broker gathers messages for one write",
        minimum=0, maximum=1, unit="seconds",
    )  # fmt: skip
    ping_interval: float = setting(
        20.0, "time between two pings to each peer; 0 for none", minimum=0, unit="seconds"
    )
    ping_timeout: float = setting(
        20.0, "time after which a peer that does not answer is gone", minimum=0.1, unit="seconds"
    )
    max_nodes: int = setting(100_000, "nodes kept in memory", minimum=1)

    def __post_init__(self) -> None:
        """Raise SettingsInvalid for values out of bounds or without their counterpart."""
        ServiceSettings.__post_init__(self)
        self._together("ssl_cert", "ssl_key")


@dataclass(frozen=True, kw_only=True, slots=True)
class GatewaySettings(ServiceSettings):
    """What every gateway has."""

    name: str | None = setting(
        None,
        "name of this gateway, part of the identity of nodes that have none (default: host name)",
    )
    max_time: float = setting(
        120.0, "silence after which a node is offline", minimum=0.1, unit="seconds"
    )
    accept_unsigned: bool = setting(False, "work with a broker that cannot sign: the original's")
    broker_ssl: bool = setting(False, "connect to the broker by TLS")
    broker_ca: str | None = setting(
        None, "file of certificates to trust in the broker's place of the system's"
    )
    spool: int = setting(10_000, "readings kept while the broker cannot be reached", minimum=0)
    max_nodes: int = setting(10_000, "nodes that may be connected at once", minimum=1)

    def __post_init__(self) -> None:
        """Raise SettingsInvalid for a value that is out of bounds."""
        ServiceSettings.__post_init__(self)
        self._default_port(self.broker_ssl)


@dataclass(frozen=True, kw_only=True, slots=True)
class CoapGatewaySettings(GatewaySettings):
    """`aiot-coap-gateway`."""

    section: ClassVar[str] = "coap-gateway"

    coap_host: str = setting("", "address to listen on; empty for all interfaces")
    coap_port: int = port(5683, "UDP port to listen on")
    interface: str = setting("", "network interface for link-local addresses without a zone")


@dataclass(frozen=True, kw_only=True, slots=True)
class MqttGatewaySettings(GatewaySettings):
    """`aiot-mqtt-gateway`."""

    section: ClassVar[str] = "mqtt-gateway"

    mqtt_host: str = setting(
        "localhost", "host of the MQTT broker; `embedded` starts one within the gateway"
    )
    mqtt_port: int = port(1886, "port of the MQTT broker")
    mqtt_ssl: bool = setting(False, "connect to the MQTT broker by TLS")
    mqtt_ca: str | None = setting(
        None, "file of certificates to trust in the MQTT broker's place of the system's"
    )
    mqtt_user: str | None = setting(None, "user name at the MQTT broker")
    mqtt_password: str | None = setting(
        None, "password at the MQTT broker; better given in a file", secret=True
    )

    def __post_init__(self) -> None:
        """Raise SettingsInvalid for values out of bounds or without their counterpart."""
        GatewaySettings.__post_init__(self)
        if self.mqtt_password and not self.mqtt_user:
            raise SettingsInvalid("mqtt_password is set, so mqtt_user must be set too")


@dataclass(frozen=True, kw_only=True, slots=True)
class WebsocketGatewaySettings(GatewaySettings):
    """`aiot-ws-gateway`."""

    section: ClassVar[str] = "ws-gateway"

    gateway_host: str = setting("localhost", "address to listen on; empty for all interfaces")
    gateway_port: int = port(8001, "port to listen on")


@dataclass(frozen=True, kw_only=True, slots=True)
class DashboardSettings(ServiceSettings):
    """`aiot-dashboard`."""

    section: ClassVar[str] = "dashboard"

    broker_host: str = setting("localhost", "host of the broker, as browsers reach it")
    broker_port: int = port(8000, "port of the broker, as browsers reach it")
    broker_ssl: bool = setting(False, "browsers connect to the broker by TLS")
    web_host: str = setting("localhost", "address to listen on; empty for all interfaces")
    web_port: int = port(8080, "port to listen on")
    static_path: str | None = setting(None, "folder of the page's files (default: the package's)")
    camera_url: str | None = setting(None, "address of a camera picture to show")
    title: str = setting("IoT Dashboard", "title of the page")
    logo: str | None = setting(None, "address of a picture beside the title")
    favicon: str | None = setting(None, "address of the icon of the page")
    map_api_key: str = setting("", "accepted for the original's sake; the map needs no key")

    def __post_init__(self) -> None:
        """Raise SettingsInvalid for a value that is out of bounds."""
        ServiceSettings.__post_init__(self)
        self._default_port(self.broker_ssl)


SERVICES: Final[tuple[type[ServiceSettings], ...]] = (
    BrokerSettings,
    CoapGatewaySettings,
    MqttGatewaySettings,
    WebsocketGatewaySettings,
    DashboardSettings,
)


def settings_of(service: type[ServiceSettings]) -> Mapping[str, Setting]:
    """The settings of a service by name, in the order of their declaration."""
    return {declared.name: Setting.of(declared) for declared in fields(service)}

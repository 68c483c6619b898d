# SPDX-License-Identifier: BSD-3-Clause
"""What can be set: one frozen settings class per service, each field declared once.

A field's annotation is its kind; `setting` adds the default, the help text and the bounds. From its
name follow the option (``--broker-port``), the environment variable (``PYAIOT_BROKER_PORT``) and
the name in a file (``broker_port``). Command line, files, reference pages and the example
configuration are all made from these declarations; `pyaiot.configuration` fills the classes.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields
from typing import Any, ClassVar, Final, Literal

from pyaiot.errors import InvalidValue, SettingsInvalid
from pyaiot.model.webaddress import check_page_address, check_web_address
from pyaiot.setting import Setting, port, setting

KEY_FILE: Final = "~/.pyaiot/keys"


# What several classes have, said once.


def _config() -> Any:
    return setting(
        None,
        "read settings from this file (TOML, or the original's Python)",
        unit="file",
        in_file=False,
    )


def _certificates(whose: str) -> Any:
    return setting(
        None, f"certificates to trust (PEM) for {whose}, instead of the system's", unit="file"
    )


def _anonymous() -> Any:
    return setting(
        None,
        "what clients without credentials may do: nothing, see nodes, also set resources, also send"
        " scripts (default: script if only this machine can connect, else none)",
    )


def _local_channels() -> Any:
    return setting(
        False,
        "let channels of alerts lead to this machine and to private networks too; whoever may"
        " write rules can then have requests sent there",
    )


def _store() -> Any:
    return setting(
        None,
        "database: a file of SQLite, or postgresql://USER:PASSWORD@HOST/NAME"
        " (default: ~/.local/share/pyaiot/pyaiot.db)",
        unit="address",
        secret=True,
    )


@dataclass(frozen=True, kw_only=True, slots=True)
class Settings:
    """Base of all settings classes."""

    section: ClassVar[str] = ""
    """The service's own table in a TOML file."""

    def __post_init__(self) -> None:
        """Raise SettingsInvalid for a value that is out of bounds."""
        for each in settings_of(type(self)).values():
            try:
                each.check(getattr(self, each.name))
            except SettingsInvalid as exc:
                raise SettingsInvalid(f"{each.name}: {exc}") from None


@dataclass(frozen=True, kw_only=True, slots=True)
class ServiceSettings(Settings):
    """What every service has."""

    config: str | None = _config()
    broker_host: str = setting("localhost", "host of the broker", unit="host")
    broker_port: int = port(8000, "port of the broker")
    key_file: str = setting(
        KEY_FILE, "the keys that services prove themselves to each other with", unit="file"
    )
    debug: bool = setting(False, "log everything that happens")
    logging: Literal["debug", "info", "warning", "error", "none"] = setting(
        "info", "log messages of this level and above"
    )
    log_file_prefix: str | None = setting(
        None, "write the log to this file, and its older parts to FILE.1, FILE.2, …", unit="file"
    )
    log_file_max_size: int = setting(
        100_000_000, "size at which a log file is set aside", minimum=1000, unit="bytes"
    )
    log_file_num_backups: int = setting(10, "older log files that are kept", minimum=0)

    def _together(self, *names: str) -> None:
        given = [name for name in names if getattr(self, name)]
        if given and len(given) < len(names):
            missing = next(name for name in names if name not in given)
            raise SettingsInvalid(f"{given[0]} is set, so {missing} must be set too")

    def _checked(self, name: str, check: Callable[[str], object]) -> None:
        try:
            if given := getattr(self, name):
                check(given)
        except InvalidValue as exc:
            raise SettingsInvalid(f"{name}: {exc.reason}") from exc

    def _default_port(self, tls: bool) -> None:
        # The original leaves the port out of the address where it is empty.
        if not self.broker_port:
            object.__setattr__(self, "broker_port", 443 if tls else 80)


@dataclass(frozen=True, kw_only=True, slots=True)
class BrokerSettings(ServiceSettings):
    """`aiot-broker`."""

    section: ClassVar[str] = "broker"

    broker_host: str = setting(
        "localhost", "address to listen on; empty for all interfaces", unit="host"
    )
    broker_port: int = port(8000, "port to listen on")
    anonymous: Literal["none", "view", "control", "script"] | None = _anonymous()
    allow_origin: tuple[str, ...] = setting(
        (),
        "another site whose web pages may connect, such as https://example.org; may be repeated",
        unit="url",
    )
    accept_unsigned: bool = setting(
        False, "let in services that cannot sign: gateways of the original pyaiot"
    )
    clock_skew: float = setting(
        0.0, "how far clocks of services may differ", minimum=0, unit="seconds"
    )
    ssl_cert: str | None = setting(
        None, "certificate chain (PEM); the broker then serves TLS only", unit="file"
    )
    ssl_key: str | None = setting(None, "private key of the certificate (PEM)", unit="file")
    max_clients: int = setting(
        6000,
        "clients that may be connected at once; a tenth of them must have shown a token",
        minimum=1,
    )
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
    unclaimed: Literal["public", "admins"] = setting(
        "public",
        "who may do what with nodes that nobody has claimed: everybody who is let in, as"
        " far as they may do it at all, or admins only",
    )
    await_directory: bool = setting(
        False,
        "show nodes to nobody but services and admins until a directory of accounts has said whose"
        " they are",
    )
    store_readings: bool = setting(
        False,
        "readings count as arrived only once a recorder has stored them, even before one has ever"
        " connected",
    )
    record_queue: int = setting(
        67_108_864, "kept of what happens while no recorder stores it", minimum=262_144,
        unit="bytes",
    )  # fmt: skip

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
        unit="name",
    )
    max_time: float = setting(
        120.0, "silence after which a node is offline", minimum=0.1, unit="seconds"
    )
    accept_unsigned: bool = setting(False, "work with a broker that cannot sign: the original's")
    broker_ssl: bool = setting(False, "connect to the broker by TLS")
    broker_ca: str | None = _certificates("the broker")
    spool: int = setting(
        10_000,
        "readings kept while the broker cannot be reached, or while they are yet to be stored",
        minimum=0,
    )
    spool_file: str | None = setting(
        None,
        "keep those readings in files called FILE.PROTOCOL.NUMBER too, to survive an end of the"
        " gateway",
        unit="file",
    )
    max_nodes: int = setting(10_000, "nodes that may be connected at once", minimum=1)
    registration: Literal["open", "token", "approve"] = setting(
        "open",
        "who may come besides nodes with a device token: everybody, nobody, or nodes that somebody"
        " approved of",
    )

    def __post_init__(self) -> None:
        """Raise SettingsInvalid for a value that is out of bounds."""
        ServiceSettings.__post_init__(self)
        self._default_port(self.broker_ssl)


@dataclass(frozen=True, kw_only=True, slots=True)
class CoapGatewaySettings(GatewaySettings):
    """`aiot-coap-gateway`."""

    section: ClassVar[str] = "coap-gateway"

    coap_host: str = setting("", "address to listen on; empty for all interfaces", unit="host")
    coap_port: int = port(5683, "UDP port to listen on")
    interface: str = setting(
        "", "network interface for link-local addresses without a zone", unit="name"
    )


@dataclass(frozen=True, kw_only=True, slots=True)
class MqttGatewaySettings(GatewaySettings):
    """`aiot-mqtt-gateway`."""

    section: ClassVar[str] = "mqtt-gateway"

    mqtt_host: str = setting(
        "localhost",
        "host of the MQTT broker; 'embedded' starts one in the gateway, 'embedded:HOST' on HOST",
        unit="host",
    )
    mqtt_port: int = port(1886, "port of the MQTT broker")
    mqtt_ssl: bool = setting(False, "connect to the MQTT broker by TLS")
    mqtt_ca: str | None = _certificates("the MQTT broker")
    mqtt_user: str | None = setting(None, "user name at the MQTT broker", unit="name")
    mqtt_password: str | None = setting(None, "password at the MQTT broker", secret=True)

    def __post_init__(self) -> None:
        """Raise SettingsInvalid for values out of bounds or without their counterpart."""
        GatewaySettings.__post_init__(self)
        if self.mqtt_password and not self.mqtt_user:
            raise SettingsInvalid("mqtt_password is set, so mqtt_user must be set too")
        if self.registration == "token" and self.mqtt_host.partition(":")[0] != "embedded":
            raise SettingsInvalid(
                "registration: an MQTT broker of its own does not tell the gateway who its clients"
                " are, so nodes behind it cannot show a token; use --mqtt-host=embedded, or"
                " --registration=approve"
            )


@dataclass(frozen=True, kw_only=True, slots=True)
class WebsocketGatewaySettings(GatewaySettings):
    """`aiot-ws-gateway`."""

    section: ClassVar[str] = "ws-gateway"

    gateway_host: str = setting(
        "localhost", "address to listen on; empty for all interfaces", unit="host"
    )
    gateway_port: int = port(8001, "port to listen on")


@dataclass(frozen=True, kw_only=True, slots=True)
class DashboardSettings(ServiceSettings):
    """`aiot-dashboard`."""

    section: ClassVar[str] = "dashboard"

    broker_host: str = setting("localhost", "host of the broker, as browsers reach it", unit="host")
    broker_port: int = port(8000, "port of the broker, as browsers reach it")
    broker_ssl: bool = setting(False, "browsers connect to the broker by TLS")
    broker_url: str | None = setting(
        None,
        "address of the broker's websocket as browsers reach it, or its path as seen from the page,"
        " such as broker/ws behind a reverse proxy; in place of the three above",
        unit="url",
    )
    web_host: str = setting(
        "localhost", "address to listen on; empty for all interfaces", unit="host"
    )
    web_port: int = port(8080, "port to listen on")
    static_path: str | None = setting(
        None, "folder of the page's files (default: the package's)", unit="folder"
    )
    camera_url: str | None = setting(None, "address of a camera picture to show", unit="url")
    title: str = setting("IoT Dashboard", "title of the page")
    logo: str | None = setting(None, "address of a picture beside the title", unit="url")
    favicon: str | None = setting(None, "address of the icon of the page", unit="url")
    allow_picture: tuple[str, ...] = setting(
        (),
        "a site from which pictures are shown whose addresses nodes tell, such as"
        " https://camera.example; may be repeated",
        unit="url",
    )
    floor_plan: str | None = setting(
        None, "picture (PNG or JPEG) to place nodes on in the map", unit="file"
    )
    map_tiles: str | None = setting(
        None,
        "server of map pictures, with {z}, {x} and {y} in its address; browsers then ask it"
        " (default: none; the map draws its own outlines)",
        unit="url",
    )
    map_attribution: str = setting("", "whom to thank for map_tiles, shown in the map")
    map_api_key: str = setting("", "accepted for the original's sake; the map needs no key")
    broker_link: str | None = setting(
        None,
        "broker as this server reaches it, HOST or HOST:PORT, with wss:// before it for TLS"
        " (default: as browsers do)",
        unit="address",
    )
    broker_ca: str | None = _certificates("the broker")
    store: str | None = _store()
    anonymous: Literal["none", "view", "control", "script"] | None = _anonymous()
    unclaimed: Literal["public", "admins"] = setting(
        "public", "who may use nodes that nobody owns: everybody who is let in, or administrators"
    )
    access_life: float = setting(
        1800.0, "time for which a token of a person holds; the page renews it in time",
        minimum=10, maximum=86_400, unit="seconds",
    )  # fmt: skip
    refresh_life: float = setting(
        2_592_000.0, "time after which who did not come back has to log in again",
        minimum=60, maximum=31_622_400, unit="seconds",
    )  # fmt: skip
    public_url: str | None = setting(
        None,
        "address of the page for links in QR codes and messages, such as https://iot.example/iot/"
        " (default: as whoever asks for the link reaches it)",
        unit="url",
    )
    recorder_health: str | None = setting(
        None, "address of the recorder's health, to be told with that of all", unit="url"
    )
    local_channels: bool = _local_channels()

    def __post_init__(self) -> None:
        """Raise SettingsInvalid for a value that is out of bounds."""
        ServiceSettings.__post_init__(self)
        self._default_port(self.broker_ssl)
        self._checked("public_url", check_page_address)
        self._checked("recorder_health", check_web_address)


@dataclass(frozen=True, kw_only=True, slots=True)
class RecorderSettings(ServiceSettings):
    """`aiot-recorder`."""

    section: ClassVar[str] = "recorder"

    broker_ssl: bool = setting(False, "connect to the broker by TLS")
    broker_ca: str | None = _certificates("the broker")
    store: str | None = _store()
    keep_raw: str = setting(
        "30d", "how long each reading is kept: s, m, h, d, w or y, or forever", unit="time"
    )
    keep_minutes: str = setting(
        "1y", "how long the lowest, mean and highest of each minute are kept", unit="time"
    )
    keep_hours: str = setting(
        "forever", "how long the lowest, mean and highest of each hour are kept", unit="time"
    )
    keep: tuple[str, ...] = setting(
        (),
        "another time for a resource, or NODE/RESOURCE, with * and ?: imu=1d, or imu=1d:30d:1y for"
        " readings, minutes and hours; may be repeated, the first that fits holds",
        unit="rule",
    )
    max_store: int = setting(
        4_000_000_000,
        "size of what is stored above which the oldest goes; 0 for no bound",
        minimum=0, unit="bytes",
    )  # fmt: skip
    batch_time: float = setting(
        0.1, "how long readings gather before they are stored together",
        minimum=0, maximum=60, unit="seconds",
    )  # fmt: skip
    batch_rows: int = setting(
        1000, "readings that are stored at once without gathering longer", minimum=1, maximum=20_000
    )
    health_host: str = setting(
        "localhost", "address where /health and /metrics are; empty for all interfaces", unit="host"
    )
    health_port: int = port(8003, "port where /health and /metrics are")
    unclaimed: Literal["public", "admins"] = setting(
        "public",
        "who sees nodes that nobody owns, and so is told of alerts about them: everybody who has an"
        " account, or administrators; say the same as to the broker",
    )
    local_channels: bool = _local_channels()

    def __post_init__(self) -> None:
        """Raise SettingsInvalid for a value that is out of bounds."""
        ServiceSettings.__post_init__(self)
        self._default_port(self.broker_ssl)


@dataclass(frozen=True, kw_only=True, slots=True)
class UpSettings(Settings):
    """What `aiot up` and `aiot demo` have besides the settings of the services they run."""

    section: ClassVar[str] = "up"

    host: str = setting(
        "localhost", "address that everything listens on; 0.0.0.0 for all interfaces", unit="host"
    )
    open: bool = setting(False, "open the page in a browser")


@dataclass(frozen=True, kw_only=True, slots=True)
class ClientSettings(Settings):
    """The terminal client: `aiot nodes`, `aiot watch` and `aiot set`."""

    section: ClassVar[str] = "client"

    config: str | None = _config()
    broker_host: str = setting("localhost", "host of the broker", unit="host")
    broker_port: int = port(8000, "port of the broker")
    broker_ssl: bool = setting(False, "connect to the broker by TLS")
    broker_ca: str | None = _certificates("the broker")
    key_file: str = setting(
        KEY_FILE, "keys to prove oneself to the broker with, if they are there", unit="file"
    )
    timeout: float = setting(
        10.0, "how long to wait for an answer", minimum=0.1, maximum=3600, unit="seconds"
    )
    json: bool = setting(False, "write one JSON object a line, for programs")

    def __post_init__(self) -> None:
        """Raise SettingsInvalid for a value that is out of bounds."""
        Settings.__post_init__(self)
        if not self.broker_port:
            object.__setattr__(self, "broker_port", 443 if self.broker_ssl else 80)


@dataclass(frozen=True, kw_only=True, slots=True)
class AccountSettings(Settings):
    """`aiot user`, `token`, `history` and `export`, which work on the store itself."""

    section: ClassVar[str] = "accounts"

    config: str | None = _config()
    store: str | None = _store()
    key_file: str = setting(KEY_FILE, "the keys that tokens are signed with", unit="file")
    json: bool = setting(False, "write one JSON object a line, for programs")


@dataclass(frozen=True, kw_only=True, slots=True)
class SimulateSettings(Settings):
    """`aiot simulate`."""

    section: ClassVar[str] = "simulate"

    nodes: int = setting(10, "how many nodes", minimum=1, maximum=10_000)
    protocol: Literal["coap", "mqtt", "websocket"] = setting("websocket", "what they speak")
    host: str = setting(
        "localhost", "host of the gateway, or with mqtt of the MQTT broker", unit="host"
    )
    port: int = port(0, "its port; 0 for the usual one: 5683, 1886 or 8001")
    resources: tuple[str, ...] = setting(
        ("temperature", "led"), "what each node has, such as temperature,humidity,led"
    )
    values: Literal["sine", "linear", "random"] = setting(
        "sine", "how what they measure goes: up and down, up and again from the bottom, or anyhow"
    )
    period: float = setting(
        5.0, "time between two values of each resource that is measured", minimum=0.01,
        unit="seconds",
    )  # fmt: skip
    seed: int = setting(0, "nodes with the same seed measure the same", minimum=0)
    node_name: str = setting("Simulated", "the nodes' name, before their number")
    token: str | None = setting(None, "the node's device token; with --nodes=1", secret=True)
    mqtt_ssl: bool = setting(False, "connect to the MQTT broker by TLS")
    mqtt_ca: str | None = _certificates("the MQTT broker")
    mqtt_user: str | None = setting(None, "user name at the MQTT broker", unit="name")
    mqtt_password: str | None = setting(None, "password at the MQTT broker", secret=True)
    config: str | None = _config()
    debug: bool = setting(False, "log everything that happens")


SERVICES: Final[tuple[type[ServiceSettings], ...]] = (
    BrokerSettings,
    CoapGatewaySettings,
    MqttGatewaySettings,
    WebsocketGatewaySettings,
    DashboardSettings,
    RecorderSettings,
)

ALL: Final[tuple[type[Settings], ...]] = (
    *SERVICES,
    UpSettings,
    ClientSettings,
    AccountSettings,
    SimulateSettings,
)


def settings_of(cls: type[Settings]) -> Mapping[str, Setting]:
    """The settings in a class by name, in the order of their declaration."""
    return {declared.name: Setting.of(declared) for declared in fields(cls)}

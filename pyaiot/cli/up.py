# SPDX-License-Identifier: BSD-3-Clause
"""The command `aiot up`: broker, gateways and page in one process."""

import contextlib
import logging
import os
import tempfile
import webbrowser
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Final

import click

from pyaiot.cli.entry import leave_on_signal
from pyaiot.cli.options import (
    CONTEXT,
    EPILOG,
    SettingsCommand,
    begin,
    given,
    options_of,
    version_option,
)
from pyaiot.cli.sources import Sources
from pyaiot.errors import KeyFileInvalid, SettingsInvalid
from pyaiot.messages.origin import is_loopback
from pyaiot.settings import (
    KEY_FILE,
    BrokerSettings,
    CoapGatewaySettings,
    DashboardSettings,
    GatewaySettings,
    MqttGatewaySettings,
    RecorderSettings,
    UpSettings,
    WebsocketGatewaySettings,
)

if TYPE_CHECKING:
    from pyaiot.run import Service

_log = logging.getLogger(__name__)

_ELSEWHERE: Final = frozenset({"ssl_cert", "ssl_key", "broker_ca"})
"""TLS between services of one process guards nothing; before the page stands a reverse proxy."""

_EVERYWHERE: Final = frozenset({"", "0.0.0.0", "::"})  # noqa: S104 - recognised, not listened on


@dataclass(frozen=True, slots=True)
class Suite:
    """The settings of all services."""

    up: UpSettings
    broker: BrokerSettings
    coap: CoapGatewaySettings
    mqtt: MqttGatewaySettings
    websocket: WebsocketGatewaySettings
    dashboard: DashboardSettings
    recorder: RecorderSettings

    @classmethod
    def load(cls, sources: Sources) -> "Suite":
        """Settings with which the services find each other. Raises SettingsInvalid."""
        up = sources.load(UpSettings)
        defaults = defaults_for(up.host)
        broker = sources.load(BrokerSettings, defaults)
        if not broker.broker_port:
            raise SettingsInvalid("--broker-port: 'aiot up' needs a port that it knows beforehand")
        if broker.ssl_cert:
            raise SettingsInvalid(
                "ssl_cert: 'aiot up' serves no TLS; put a reverse proxy before it, or start the"
                " services one by one"
            )
        link = partial(
            replace, broker_host=near(broker.broker_host), broker_ssl=False, broker_ca=None
        )
        page = _linked(sources.load(DashboardSettings, defaults), broker)
        recorder = link(sources.load(RecorderSettings, defaults))
        return cls(
            up,
            broker,
            link(sources.load(CoapGatewaySettings, defaults)),
            link(sources.load(MqttGatewaySettings, defaults)),
            link(sources.load(WebsocketGatewaySettings, defaults)),
            _informed(page, recorder),
            recorder,
        )

    def with_keys(self, path: str) -> "Suite":
        """The same with the key file `path`."""
        return Suite(
            self.up,
            replace(self.broker, key_file=path),
            replace(self.coap, key_file=path),
            replace(self.mqtt, key_file=path),
            replace(self.websocket, key_file=path),
            replace(self.dashboard, key_file=path),
            replace(self.recorder, key_file=path),
        )

    def with_store(self, store: str) -> "Suite":
        """The same with that store."""
        return replace(
            self,
            dashboard=replace(self.dashboard, store=store),
            recorder=replace(self.recorder, store=store),
        )

    @property
    def page(self) -> str:
        """The address of the page, for a browser on this machine."""
        return f"http://{bracketed(near(self.dashboard.web_host))}:{self.dashboard.web_port}"

    def announce(self) -> None:
        """Say where the page is, and show it if that is wanted."""
        click.echo(f"The page is at {self.page}")
        if self.broker.anonymous is None and not is_loopback(self.broker.broker_host):
            click.echo("It shows nodes to nobody yet: say --anonymous=view, control or script")
        if self.up.open:
            webbrowser.open(self.page)

    def stages(self) -> "tuple[list[Service], list[Service]]":
        """The broker, and what connects to it."""
        from pyaiot.broker.service import serve as serve_broker
        from pyaiot.dashboard.service import serve as serve_page
        from pyaiot.gateway.service import serve as serve_gateway
        from pyaiot.recorder.service import serve as record
        from pyaiot.run import Service

        return (
            [Service("broker", partial(serve_broker, self.broker), "--broker-host, --broker-port")],
            [
                Service(
                    "coap-gateway", partial(serve_gateway, self.coap), "--coap-host, --coap-port"
                ),
                Service(
                    "mqtt-gateway", partial(serve_gateway, self.mqtt), "--mqtt-host, --mqtt-port"
                ),
                Service(
                    "ws-gateway",
                    partial(serve_gateway, self.websocket),
                    "--gateway-host, --gateway-port",
                ),
                Service(
                    "dashboard",
                    partial(serve_page, self.dashboard, say=click.echo),
                    "--web-host, --web-port",
                ),
                Service("recorder", partial(record, self.recorder), "--health-host, --health-port"),
            ],
        )


def _linked(page: DashboardSettings, broker: BrokerSettings) -> DashboardSettings:
    """The page with its way to the broker, which is another than that of browsers."""
    if page.broker_link is not None:
        return page
    return replace(page, broker_link=f"{bracketed(near(broker.broker_host))}:{broker.broker_port}")


def _informed(page: DashboardSettings, recorder: RecorderSettings) -> DashboardSettings:
    """The page, so that it can tell how the recorder is."""
    if page.recorder_health is not None or not recorder.health_port:
        return page
    place = f"{bracketed(near(recorder.health_host))}:{recorder.health_port}"
    return replace(page, recorder_health=f"http://{place}/health")


def near(host: str) -> str:
    """Where to reach, from this machine, what listens on `host`."""
    return "localhost" if host in _EVERYWHERE else host


def bracketed(host: str) -> str:
    """`host` as it stands in a URL."""
    return f"[{host}]" if ":" in host else host


def defaults_for(host: str) -> dict[str, object]:
    """Defaults of `aiot up` where they differ from those of the services one by one."""
    return {
        "broker_host": host,
        "coap_host": host,
        "gateway_host": host,
        "mqtt_host": "embedded" if host == UpSettings().host else f"embedded:{host}",
        "web_host": host,
        # Nothing is told to a node as arrived that is in memory alone.
        "store_readings": True,
        # What is somebody's is nobody else's while the page starts, either.
        "await_directory": True,
    }


@contextlib.contextmanager
def keys_for(suite: Suite) -> Iterator[Suite]:
    """The suite with the keys of its key file, or with keys of this run if it names none."""
    if _has_keys(suite):
        yield suite
        return
    with tempfile.TemporaryDirectory(prefix="pyaiot-") as folder:
        path = _write_keys(Path(folder, "keys"))
        _log.info("there is no key file: services outside this process cannot join")
        yield suite.with_keys(str(path))


@contextlib.contextmanager
def lasting_keys_for(suite: Suite) -> Iterator[Suite]:
    """The same, but a key file that is missing is made.

    Sessions of people and tokens of devices are signed with these keys: with others at each start
    nobody would be let in any more who was before.
    """
    if not _has_keys(suite):
        try:
            path = _write_keys(Path(KEY_FILE))
        except KeyFileInvalid as exc:
            _log.warning("%s Sessions and tokens of devices end with this run.", exc)
        else:
            _log.info("made the key file %s: whoever has it is let in everywhere", path)
    with keys_for(suite) as it:
        yield it


def _has_keys(suite: Suite) -> bool:
    return suite.broker.key_file != KEY_FILE or Path(KEY_FILE).expanduser().exists()


def _write_keys(path: Path) -> Path:
    from pyaiot.link.keyfile import write_keys
    from pyaiot.messages.keys import KeyPair, KeyRing

    return write_keys(path, KeyRing((KeyPair.generate(os.urandom),)))


def options() -> list[click.Parameter]:
    """The options of `aiot up`."""
    return [
        *options_of(
            ("Options", UpSettings),
            ("Broker", BrokerSettings),
            ("Page", DashboardSettings),
            ("Memory", RecorderSettings),
            ("Gateways", GatewaySettings),
            ("CoAP gateway", CoapGatewaySettings),
            ("MQTT gateway", MqttGatewaySettings),
            ("Websocket gateway", WebsocketGatewaySettings),
            defaults=defaults_for(UpSettings().host),
            without=_ELSEWHERE,
        ),
        version_option(),
    ]


def prepare(values: Mapping[str, object]) -> Suite:
    """The settings of all services, and the log set up as they say."""
    leave_on_signal()
    sources = Sources.given(given(values))
    suite = Suite.load(sources)
    begin(suite.broker, sources)
    return suite


def _run(**values: object) -> int:
    from pyaiot.run import run

    with lasting_keys_for(prepare(values)) as suite:
        return run(*suite.stages(), on_ready=suite.announce)


command = SettingsCommand(
    "up",
    params=options(),
    callback=_run,
    help="Run the broker, the gateways with an MQTT broker, and the page in one process.",
    epilog=EPILOG,
    context_settings=dict(CONTEXT),
)

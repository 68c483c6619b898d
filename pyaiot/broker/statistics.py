# SPDX-License-Identifier: BSD-3-Clause
"""What the broker counts, for Prometheus."""

from collections.abc import Iterator

from pyaiot.broker.core import Core
from pyaiot.broker.fanout import Fanout
from pyaiot.broker.reception import Reception
from pyaiot.messages.types import Status
from pyaiot.model.node import Availability
from pyaiot.observe.metrics import Counter, Gauge, Sample


def samples(core: Core, fanout: Fanout, reception: Reception) -> Iterator[Sample]:
    """All samples, as they are now."""
    available = dict.fromkeys(map(str, Availability), 0)
    for node in core.nodes:
        available[str(node.availability)] += 1
    counts = core.counts
    yield Gauge("pyaiot_broker_gateways", "Gateways that are connected.", len(core.gateways))
    yield Gauge("pyaiot_broker_clients", "Clients that are connected.", len(core.clients))
    yield Gauge(
        "pyaiot_broker_accounts",
        "Clients that came with the token of an account.",
        len(core.sessions),
    )
    yield Gauge("pyaiot_broker_nodes", "Nodes that are known.", available, label="availability")
    yield Gauge(
        "pyaiot_broker_commands_pending",
        "Commands whose result is not there yet.",
        len(core.dispatch.pending),
    )
    yield Gauge(
        "pyaiot_broker_clients_behind",
        "Clients that get newest values only, as they read too slowly or have just come.",
        fanout.behind,
    )
    yield Counter("pyaiot_broker_readings", "Readings that gateways sent.", counts.readings)
    yield Counter(
        "pyaiot_broker_deliveries", "Messages for everyone, each counted for each client.",
        fanout.delivered,
    )  # fmt: skip
    yield Counter(
        "pyaiot_broker_strays",
        "Messages about nodes or commands that their gateway has not, or has no longer.",
        counts.strays,
    )
    yield Counter(
        "pyaiot_broker_refused_messages", "Messages that could not be used.", counts.refused
    )
    yield Counter(
        "pyaiot_broker_refused_connections", "Peers that were not let in.", reception.turned_away
    )
    yield Counter(
        "pyaiot_broker_evicted_nodes", "Nodes that went because there were too many.",
        counts.evicted,
    )  # fmt: skip
    recording, services = core.recording, core.services
    yield Gauge("pyaiot_broker_recorders", "Recorders that are connected.", services.recorders)
    yield Gauge(
        "pyaiot_broker_directories",
        "Directories of accounts that are connected.",
        services.directories,
    )
    yield Gauge(
        "pyaiot_broker_record_waiting",
        "Messages kept until a recorder has stored them.",
        recording.kept,
    )
    yield Counter("pyaiot_broker_recorded", "Messages to be stored.", recording.newest)
    yield Counter(
        "pyaiot_broker_record_lost",
        "Messages to be stored that there was no room for while no recorder stored them.",
        recording.lost,
    )
    results = {str(status): core.dispatch.results[status] for status in Status}
    yield Counter("pyaiot_broker_results", "How commands ended.", results, label="status")

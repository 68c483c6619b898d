# SPDX-License-Identifier: BSD-3-Clause
"""The topics between gateway and nodes (WIRE.md section 5), and what may stand in them."""

from typing import Final

from pyaiot.errors import InvalidValue
from pyaiot.model.node import checked_endpoint, checked_uid

NODE_CHECK: Final = "node/check"
"""Nodes say here that they are there."""

GATEWAY_CHECK: Final = "gateway/check"
"""The gateway asks here all nodes to do so."""

OF_NODES: Final = "node/"
"""How all topics begin at which nodes publish."""

SUBSCRIPTIONS: Final = (NODE_CHECK, "node/+/+")
"""All that nodes publish. The two never match the same topic, so nothing comes twice."""

RESOURCES: Final = "resources"
"""In place of a resource's name: the list of the node's resources."""

# What has a meaning in a topic or a filter (MQTT 5 section 4.7), and the sign that stands for
# what was no UTF-8.
_FORBIDDEN: Final = frozenset("/+#\0\ufffd")


def checked_node_id(text: str) -> str:
    """`text` if it can be a node's id, that is, one level of a topic that can be shown.

    Raises InvalidValue otherwise. (An id of ``#`` made the original subscribe to everything, for
    which brokers throw a client out.)
    """
    return _checked(checked_uid(text), "node id")


def checked_resource(text: str) -> str:
    """`text` if it can name a resource of an MQTT node; InvalidValue otherwise."""
    name = _checked(checked_endpoint(text), "resource name")
    if name == RESOURCES:
        raise InvalidValue(f"No resource can be called '{RESOURCES}'.")
    return name


def _checked(text: str, what: str) -> str:
    if not _FORBIDDEN.isdisjoint(text) or not text.isprintable():
        raise InvalidValue(f"A {what} must be printable and must not hold '/', '+' or '#'.")
    return text


def origin(topic: str) -> tuple[str, str]:
    """The node and the resource of a topic ``node/<id>/<resource>``.

    The resource may be RESOURCES. Raises InvalidValue for other topics.
    """
    levels = topic.split("/")
    if len(levels) != 3 or levels[0] != "node":
        raise InvalidValue("A topic 'node/<id>/<resource>' is expected.")
    node_id, name = levels[1:]
    return checked_node_id(node_id), name if name == RESOURCES else checked_resource(name)


def addressee(topic_filter: str) -> str:
    """The one node of which a filter ``gateway/<id>/…`` is; InvalidValue for others."""
    levels = topic_filter.split("/")
    if len(levels) < 3 or levels[0] != "gateway":
        raise InvalidValue("A filter 'gateway/<id>/…' is expected.")
    return checked_node_id(levels[1])


def matches(topic_filter: str, topic: str) -> bool:
    """Whether a message with `topic` is for who subscribed to `topic_filter` (section 4.7)."""
    wanted, given = topic_filter.split("/"), topic.split("/")
    for number, level in enumerate(wanted):
        if level == "#":
            return True
        if number >= len(given) or level not in {"+", given[number]}:
            return False
    return len(wanted) == len(given)


def discovery(node_id: str) -> str:
    """Where the gateway asks a node for its resources or values."""
    return f"gateway/{node_id}/discover"


def setting(node_id: str, resource: str) -> str:
    """Where the gateway sets a resource; ``+`` as the resource is all of them."""
    return f"gateway/{node_id}/{resource}/set"


def value(node_id: str, resource: str) -> str:
    """Where a node publishes a resource's value, or with RESOURCES the list of its resources."""
    return f"node/{node_id}/{resource}"

# SPDX-License-Identifier: BSD-3-Clause
from typing import Any

import pytest

from pyaiot.dashboard.api.call import Call
from pyaiot.dashboard.api.endpoint import Endpoint, Routes, Who


async def nothing(_call: Call[Any, Any]) -> None:
    pass


def endpoint(method: str, path: str) -> Endpoint:
    return Endpoint(method, path, Who.ANYONE, nothing, "")


def test_what_is_written_out_comes_before_a_name_for_anything() -> None:
    routes = Routes([endpoint("GET", "/nodes/{uid}"), endpoint("GET", "/nodes/mine")])
    found, params = routes.find("/nodes/mine")
    assert found["GET"].path == "/nodes/mine"
    assert params == {}
    assert routes.find("/nodes/other")[1] == {"uid": "other"}


def test_an_endpoint_is_declared_once() -> None:
    with pytest.raises(ValueError, match="PUT /a is there twice"):
        Routes([endpoint("PUT", "/a"), endpoint("GET", "/a"), endpoint("PUT", "/a")])


def test_names_for_programs() -> None:
    each = endpoint("GET", "/nodes/{uid}/resources/{endpoint}")
    assert each.name == "get_nodes_uid_resources_endpoint"
    assert each.parameters == ("uid", "endpoint")

# SPDX-License-Identifier: BSD-3-Clause
import pytest

from pyaiot.errors import InvalidValue
from pyaiot.model.webaddress import check_page_address, check_web_address


@pytest.mark.parametrize(
    "text", ["http://localhost:8003/health", "https://iot.example/iot/", "http://[::1]:1/"]
)
def test_addresses(text: str) -> None:
    assert check_web_address(text).geturl() == text
    check_page_address(text)


@pytest.mark.parametrize(
    "text",
    [
        "", "nonsense", "localhost:8003/health", "ftp://host/", "http://", "http:///path",
        "http://host:port/", "http://host:0/", "http://host:99999/", "http://[::1/",
        "http://host/\n", "https://host/\u202e",
    ],
)  # fmt: skip
def test_what_is_none(text: str) -> None:
    with pytest.raises(InvalidValue, match="begins with http"):
        check_web_address(text)
    with pytest.raises(InvalidValue):
        check_page_address(text)


@pytest.mark.parametrize("text", ["https://iot.example/?a=1", "https://iot.example/#/nodes"])
def test_a_place_on_the_page_is_not_its_address(text: str) -> None:
    check_web_address(text)
    with pytest.raises(InvalidValue, match="neither"):
        check_page_address(text)

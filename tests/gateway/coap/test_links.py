# SPDX-License-Identifier: BSD-3-Clause
import time
from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pyaiot.errors import InvalidValue
from pyaiot.gateway.coap.links import WELL_KNOWN, Link, parse_links, segments
from pyaiot.model.node import MAX_ENDPOINT


def endpoints(text: str) -> list[str]:
    return [link.endpoint for link in parse_links(text.encode())]


def test_a_firmware_list() -> None:
    text = '</.well-known/core>;ct=40,</board>,</led>;ct=0;rt="count";obs,</cli/stats>;sz=64'
    assert parse_links(text.encode()) == [
        Link(("board",)),
        Link(("led",), observable=True),
        Link(("cli", "stats"), size=64),
    ]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", []),
        ("</a>,</b>", ["a", "b"]),
        ("</a> , </b>\n,\t</c>", ["a", "b", "c"]),
        ('</a>;title="x, </no>; y",</b>', ["a", "b"]),
        (r'</a>;title="quote \" , </no>",</b>', ["a", "b"]),
        ('</a>;title="open,</b>', ["a"]),
        ('</a>;title="back\\', ["a"]),
        ("</a>,garbage,</b>", ["a", "b"]),
        ('</a>,"</no>",</b>', ["a", "b"]),
        ("</a", []),
        ("</a>,</a>;obs,</b>", ["a", "b"]),
        ("</>", []),
        ("<>", []),
        ("<a>,<b/c>", ["a", "b/c"]),
        ("</a/>", ["a/"]),
        ("</a//b>", ["a//b"]),
        ('<coap://[::1]/x>,<//h/x>,<https://x.org/#v>;rel="impl-info",</a>', ["a"]),
        ("</x?y=1>,</x#y>,</a>", ["a"]),
        ("</a%20b>,</%C3%A9>", ["a b", "é"]),
        ("</%FF>,</a%0Ab>,</a>", ["a"]),
        ("</../x>,</./y>,</a>", ["a"]),
        (f"</{'x' * (MAX_ENDPOINT + 1)}>,</a>", ["a"]),
        (f"</{'é' * 128}>,</a>", ["a"]),
        ("</.well-known/core>,</.well-known/edhoc>", [".well-known/edhoc"]),
        ("</a>\0\0\0", ["a"]),
    ],
)
def test_resources(text: str, expected: list[str]) -> None:
    assert endpoints(text) == expected


def test_what_is_no_text_is_left_out() -> None:
    assert [link.endpoint for link in parse_links(b"</a>,</b\xff>,</c>;title=\xff")] == ["a", "c"]


@pytest.mark.parametrize(
    ("parameters", "observable", "size"),
    [
        (";obs", True, None),
        (";OBS", True, None),
        (" ; obs ; sz = 12 ", True, 12),
        (';obs="1"', True, None),
        (';sz="30"', False, 30),
        (";sz=30;sz=40", False, 30),
        (";sz=x", False, None),
        (";sz=-1", False, None),
        (";sz=²", False, None),
        (";sz=9999999999", False, None),
        (";title=obs", False, None),
        (';title="a;obs"', False, None),
        (";;", False, None),
    ],
)
def test_parameters(parameters: str, observable: bool, size: int | None) -> None:
    assert parse_links(f"</a>{parameters}".encode()) == [Link(("a",), observable, size)]


def test_an_encoded_slash_is_part_of_its_segment() -> None:
    (link,) = parse_links(b"</a%2Fb>")
    assert link.path == ("a/b",)
    assert link.endpoint == "a/b"


def test_number_is_bounded() -> None:
    text = ",".join(f"</{number}>" for number in range(1000))
    assert len(parse_links(text.encode())) == 256
    assert len(parse_links(text.encode(), limit=3)) == 3


@pytest.mark.parametrize(
    "evil", ['"\\' * 32_000, ';a="' * 16_000, "<" * 64_000, ",;" * 32_000, '</a>;t="\\"' * 6_000]
)
def test_no_list_takes_long(evil: str) -> None:
    began = time.perf_counter()
    parse_links(evil.encode())
    assert time.perf_counter() - began < 2  # a search in vain would take minutes


@given(st.binary(max_size=300))
def test_never_fails(body: bytes) -> None:
    for link in parse_links(body):
        assert link.path != WELL_KNOWN
        assert 0 < len(link.endpoint) <= MAX_ENDPOINT


PIECES = st.sampled_from(["<", ">", "/a", "b", '"', "\\", ",", ";", "=", "obs", "sz", "1", " "])


@given(st.lists(PIECES, max_size=60).map("".join))
def test_never_fails_on_what_looks_like_a_list(text: str) -> None:
    parse_links(text.encode())


NAMES = st.text(
    st.characters(
        codec="utf-8",
        exclude_categories=("C", "Z"),
        exclude_characters="/\N{REPLACEMENT CHARACTER}",
    ),
    min_size=1,
    max_size=8,
)


@given(st.lists(st.lists(NAMES, min_size=1, max_size=3).map(tuple), unique=True, max_size=10))
def test_finds_what_was_listed(paths: list[tuple[str, ...]]) -> None:
    wanted = [path for path in paths if not {".", ".."} & set(path) and path != WELL_KNOWN]
    text = ",".join("</" + "/".join(quote(part, safe="") for part in path) + ">" for path in paths)
    assert [link.path for link in parse_links(text.encode())] == wanted


def test_segments() -> None:
    assert segments("led") == ("led",)
    assert segments("/cli/stats") == ("cli", "stats")
    assert segments("100%") == ("100%",)
    for bad in ("a/../b", ".", "x" * 256):
        with pytest.raises(InvalidValue):
            segments(bad)

# SPDX-License-Identifier: BSD-3-Clause
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pyaiot.errors import InvalidValue, MessageTooLarge
from pyaiot.gateway.coap.blocks import (
    BLOCK1_OPTION,
    MAX_NODE_MESSAGE,
    Block,
    Bodies,
    Download,
    Progress,
    Upload,
    cut,
    upload_exponent,
)


def blocks(body: bytes, exponent: int) -> list[tuple[Block, bytes]]:
    out = []
    number, more = 0, True
    while more:
        block, part = cut(body, Block(number, more=False, exponent=exponent))
        out.append((block, part))
        number, more = number + 1, block.more
    return out


@given(st.binary(min_size=1, max_size=3000), st.integers(0, 6))
def test_what_is_cut_up_is_put_together(body: bytes, exponent: int) -> None:
    coming, download = Bodies(), Download()
    *first, (last, rest) = blocks(body, exponent)
    for block, part in first:
        assert coming.add("h", "k", block, part, 0) is Progress.MORE
        assert download.add(block, part, None) == Block(block.number + 1, False, exponent)
    assert coming.add("h", "k", last, rest, 0) == body
    assert download.add(last, rest, None) is None
    assert download.body == body
    assert len(coming) == 0


def test_a_block_may_be_sent_again() -> None:
    coming = Bodies()
    assert coming.add("h", 1, Block(0, True, 0), b"a" * 16, 0) is Progress.MORE
    assert coming.add("h", 1, Block(1, True, 0), b"b" * 16, 0) is Progress.MORE
    assert coming.add("h", 1, Block(1, True, 0), b"b" * 16, 0) is Progress.MORE
    assert coming.add("h", 1, Block(2, False, 0), b"c", 0) == b"a" * 16 + b"b" * 16 + b"c"


def test_the_first_block_begins_anew() -> None:
    coming = Bodies()
    coming.add("h", 1, Block(0, True, 0), b"a" * 16, 0)
    coming.add("h", 1, Block(0, True, 0), b"b" * 16, 0)
    assert coming.add("h", 1, Block(1, False, 0), b"c", 0) == b"b" * 16 + b"c"


def test_missing_blocks() -> None:
    coming = Bodies()
    assert coming.add("h", 1, Block(1, False, 0), b"x", 0) is Progress.INCOMPLETE
    coming.add("h", 1, Block(0, True, 0), b"a" * 16, 0)
    assert coming.add("h", 1, Block(2, False, 0), b"x", 0) is Progress.INCOMPLETE
    assert coming.add("h", 2, Block(1, False, 0), b"x", 0) is Progress.INCOMPLETE
    assert coming.add("other", 1, Block(1, False, 0), b"x", 0) is Progress.INCOMPLETE


def test_bodies_are_forgotten() -> None:
    coming = Bodies(lifetime=60)
    coming.add("h", 1, Block(0, True, 0), b"a" * 16, 0)
    assert coming.add("h", 1, Block(1, False, 0), b"x", 60) is Progress.INCOMPLETE
    coming.add("h", 2, Block(0, True, 0), b"a" * 16, 61)
    assert len(coming) == 1


@pytest.mark.parametrize(
    ("block", "payload"),
    [
        (Block(0, True, 0), b"short"),
        (Block(0, True, 0), b"x" * 17),
        (Block(0, False, 0), b"x" * 17),
        (Block(0, False, 7), b""),
    ],
)
def test_blocks_of_wrong_length(block: Block, payload: bytes) -> None:
    with pytest.raises(InvalidValue):
        Bodies().add("h", 1, block, payload, 0)


def test_bodies_are_bounded_in_length() -> None:
    coming = Bodies(max_body=40)
    coming.add("h", 1, Block(0, True, 0), b"a" * 16, 0)
    coming.add("h", 1, Block(1, True, 0), b"a" * 16, 0)
    with pytest.raises(MessageTooLarge):
        coming.add("h", 1, Block(2, True, 0), b"a" * 16, 0)
    assert len(coming) == 0


def test_a_host_crowds_out_nobody_but_itself() -> None:
    coming = Bodies(max_open=10, per_host=3)
    coming.put("victim", 0, b"v", 0)
    for key in range(100):
        coming.put("flood", key, b"f", 1)
    assert len(coming) == 4
    assert coming.get("victim", 0, 1) == b"v"
    assert coming.get("flood", 99, 1) == b"f"
    assert coming.get("flood", 96, 1) is None


def test_bodies_are_bounded_in_number() -> None:
    coming = Bodies(max_open=10)
    for host in range(100):
        coming.put(str(host), 0, b"x", 0)
    assert len(coming) == 10
    assert coming.get("99", 0, 0) == b"x"


def test_cut() -> None:
    assert cut(b"", Block(0, False, 0)) == (Block(0, False, 0), b"")
    assert cut(b"x" * 16, Block(0, False, 0)) == (Block(0, False, 0), b"x" * 16)
    assert cut(b"x" * 17, Block(0, False, 0)) == (Block(0, True, 0), b"x" * 16)
    for bad in (Block(1, False, 0), Block(0, False, 7)):
        with pytest.raises(InvalidValue):
            cut(b"x" * 16, bad)


def test_download_of_one_message() -> None:
    download = Download()
    assert download.add(None, b"all", None) is None
    assert download.body == b"all"


def test_a_server_may_give_up_cutting() -> None:
    download = Download()
    assert download.add(Block(0, True, 0), b"a" * 16, None) == Block(1, False, 0)
    assert download.add(None, b"all", None) is None
    assert download.body == b"all"


def test_downloads_that_do_not_fit_together() -> None:
    for block, part, etag in (
        (Block(2, True, 0), b"a" * 16, b"1"),
        (Block(0, False, 0), b"a", b"1"),
        (Block(1, False, 0), b"a", b"2"),
        (Block(1, True, 0), b"a", b"1"),
        (Block(1, False, 7), b"a", b"1"),
    ):
        download = Download()
        download.add(Block(0, True, 0), b"a" * 16, b"1")
        with pytest.raises(InvalidValue):
            download.add(block, part, etag)


def test_downloads_are_bounded() -> None:
    download = Download(max_body=20)
    download.add(Block(0, True, 0), b"a" * 16, None)
    with pytest.raises(MessageTooLarge):
        download.add(Block(1, True, 0), b"a" * 16, None)
    with pytest.raises(MessageTooLarge):
        Download(max_body=2).add(None, b"abc", None)


@given(st.binary(min_size=1, max_size=2000), st.integers(0, 6), st.integers(0, 6))
def test_a_server_may_ask_for_smaller_blocks(body: bytes, mine: int, theirs: int) -> None:
    upload, got = Upload(body, mine), b""
    while True:
        block, part = upload.next()
        assert block.start == len(got)
        got += part
        if not upload.acknowledged(Block(block.number, block.more, theirs)):
            break
    assert got == body


def test_an_answer_without_an_option_will_do() -> None:
    upload = Upload(b"x" * 20, 0)
    assert upload.acknowledged(None)
    assert not upload.acknowledged(None)


def test_acknowledging_another_block() -> None:
    with pytest.raises(InvalidValue):
        Upload(b"x" * 20, 0).acknowledged(Block(1, True, 0))


def test_refused_blocks_become_smaller() -> None:
    upload = Upload(b"x" * 100, 2)
    assert upload.refused(None)
    assert upload.next()[0].exponent == 1
    assert upload.refused(Block(0, True, 0))
    assert upload.next() == (Block(0, True, 0), b"x" * 16)
    assert not upload.refused(None)
    assert not upload.refused(Block(0, True, 3))


def test_once_begun_there_is_no_beginning_again() -> None:
    upload = Upload(b"x" * 200, 2)
    upload.acknowledged(Block(0, True, 2))
    assert not upload.refused(None)


def test_small_bodies_go_in_one_message() -> None:
    assert upload_exponent(13, 0) is None
    assert upload_exponent(500, 0) is None
    assert upload_exponent(13, MAX_NODE_MESSAGE - 14) is None
    assert upload_exponent(13, MAX_NODE_MESSAGE - 13) == 2


@given(st.integers(8, 106), st.integers(1, 70_000))
def test_no_message_is_longer_than_firmwares_take(overhead: int, length: int) -> None:
    exponent = upload_exponent(overhead, length)
    if exponent is None:
        assert overhead + 1 + length <= MAX_NODE_MESSAGE
    else:
        assert overhead + BLOCK1_OPTION + 1 + (16 << exponent) <= MAX_NODE_MESSAGE


def test_a_path_that_leaves_no_room_gets_the_smallest_blocks() -> None:
    assert upload_exponent(200, 50) == 0

# SPDX-License-Identifier: BSD-3-Clause
import os
import struct
from pathlib import Path

import pytest

from pyaiot.dashboard.ground import MAX_ATTRIBUTION, MAX_BYTES, FloorPlan, Grounds, Tiles
from pyaiot.errors import SettingsInvalid, StartFailed


def png(width: int, height: int) -> bytes:
    """The beginning of a PNG, which is all that is looked at."""
    header = struct.pack(">II", width, height) + b"\x08\x02\x00\x00\x00"
    return b"\x89PNG\r\n\x1a\n" + struct.pack(">I", 13) + b"IHDR" + header + b"\0\0\0\0"


def jpeg(
    width: int, height: int, before: bytes = b"\xff\xe0\x00\x04ab\xff\xff\xc4\x00\x02"
) -> bytes:
    frame = struct.pack(">BBHBHHB", 0xFF, 0xC2, 17, 8, height, width, 3)
    return b"\xff\xd8" + before + frame + b"\0" * 9


@pytest.mark.parametrize(
    ("content", "kind"),
    [
        (png(640, 480), "image/png"),
        (jpeg(640, 480), "image/jpeg"),
        (png(40_000, 1_000), "image/png"),
    ],
)
def test_a_plan_is_a_png_or_a_jpeg(tmp_path: Path, content: bytes, kind: str) -> None:
    # What a file is called says nothing.
    path = tmp_path / "plan.svg"
    path.write_bytes(content)
    plan = FloorPlan.load(path)
    assert (plan.content_type, plan.content) == (kind, content)
    assert Grounds(plan).facts["plan"] == f"floor-plan?{plan.digest}"
    assert Grounds(plan).picture_origins == ()


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "neither a PNG nor a JPEG"),
        (b"<svg xmlns='http://www.w3.org/2000/svg'/>", "neither a PNG nor a JPEG"),
        (b"GIF89a", "neither a PNG nor a JPEG"),
        (png(640, 480)[:20], "is damaged"),
        (png(640, 0), "is damaged"),
        (b"\x89PNG\r\n\x1a\n" + b"\0" * 40, "is damaged"),
        (b"\xff\xd8\xff", "is damaged"),
        (jpeg(640, 480)[:20], "is damaged"),
        (jpeg(640, 480, before=b"\xff\xe0\xff\xff"), "is damaged"),
        (jpeg(640, 480, before=b"\xff\xe0\x00\x00" + b"\0" * 20), "is damaged"),
        (png(10_000, 4_001), "10000 by 4001 pixels"),
        (jpeg(65_535, 65_535), "40 million are too many"),
    ],
)
def test_other_files_are_refused_in_one_line(tmp_path: Path, content: bytes, words: str) -> None:
    path = tmp_path / "plan.png"
    path.write_bytes(content)
    with pytest.raises(StartFailed, match=words) as caught:
        FloorPlan.load(path)
    assert str(caught.value).startswith("floor_plan: ")
    assert str(path) in str(caught.value)


def test_a_plan_that_is_too_large_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "plan.png"
    path.write_bytes(png(9, 9).ljust(MAX_BYTES, b"\0"))
    assert FloorPlan.load(path).content_type == "image/png"
    path.write_bytes(png(9, 9).ljust(MAX_BYTES + 1, b"\0"))
    with pytest.raises(StartFailed, match="larger than 8 MiB"):
        FloorPlan.load(path)


def test_what_is_no_file_is_refused(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    for name in ("missing", ".", "pipe"):
        with pytest.raises(StartFailed, match="there is no file"):
            FloorPlan.load(tmp_path / name)
    with pytest.raises(StartFailed, match="cannot read"):
        FloorPlan.load(tmp_path / ("a" * 300))


@pytest.mark.parametrize(
    ("template", "origin"),
    [
        ("https://tile.example.org/{z}/{x}/{y}.png", "https://tile.example.org"),
        ("http://pi.local:8088/a/{y}/{x}?zoom={z}&key=a_b", "http://pi.local:8088"),
        ("https://[fd00::1]/{z}/{x}/{y}", "https://[fd00::1]"),
    ],
)
def test_tiles_come_from_one_origin(template: str, origin: str) -> None:
    grounds = Grounds(tiles=Tiles(template, "© <b>OpenStreetMap</b>"))
    assert grounds.picture_origins == (origin,)
    tiles = {"template": template, "attribution": "© <b>OpenStreetMap</b>"}
    assert grounds.facts == {"plan": None, "tiles": tiles}


@pytest.mark.parametrize(
    "template",
    [
        "",
        "/tiles/{z}/{x}/{y}.png",
        "javascript:{z}{x}{y}",
        "data:image/png,{z}{x}{y}",
        "//tile.example.org/{z}/{x}/{y}",
        "https://{s}.tile.example.org/{z}/{x}/{y}.png",
        "https://tile.example.org/{s}/{z}/{x}/{y}.png",
        "https://tile.example.org/{z}/{x}.png",
        "https://tile.example.org/{z}/{x}/{x}/{y}.png",
        "https://{z}{x}{y}/a.png",
        "https://tile.example.org{z}/{x}/{y}.png",
        "https://tile.example.org/{z}/{x}/{-y}.png",
        "https://tile.example.org/#{z}/{x}/{y}.png",
        "https://tile.example.org;script-src/{z}/{x}/{y}.png",
        "https://user:word@tile.example.org/{z}/{x}/{y}.png",
        "https://tile.example.org/{z}/{x}/{y}.png ; script-src *",
    ],
)
def test_templates_that_lead_elsewhere_are_refused(template: str) -> None:
    with pytest.raises(SettingsInvalid, match=r"^map_tiles: "):
        Tiles(template)


@pytest.mark.parametrize("text", ["a\nb", "a\u202eb", "a" * (MAX_ATTRIBUTION + 1)])
def test_thanks_are_one_line(text: str) -> None:
    with pytest.raises(SettingsInvalid, match=r"^map_attribution: "):
        Tiles("https://tile.example.org/{z}/{x}/{y}.png", text)

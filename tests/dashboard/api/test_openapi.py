# SPDX-License-Identifier: BSD-3-Clause
"""The description of the API, and the page that shows it."""

import inspect
import re
import typing
from typing import Any

from pyaiot import __version__
from pyaiot.dashboard.api import forms
from pyaiot.dashboard.api.endpoint import Who
from pyaiot.dashboard.api.openapi import described
from pyaiot.dashboard.api.table import TABLE
from pyaiot.dashboard.apitypes import SENT
from tests.dashboard.api.asking import Place, ask, serving

SHOWN = [each for each in TABLE if not each.hidden]


def references(node: Any) -> set[str]:
    if isinstance(node, dict):
        own = {node["$ref"]} if "$ref" in node else set()
        return own.union(*map(references, node.values()))
    if isinstance(node, list):
        return set().union(*map(references, node))
    return set()


def test_everything_is_described_and_nothing_else() -> None:
    text = described(TABLE, "1")
    assert text["openapi"] == "3.1.0"
    operations = {
        (method.upper(), path) for path, methods in text["paths"].items() for method in methods
    }
    assert operations == {(each.method, each.path) for each in SHOWN}
    known = {f"#/components/schemas/{name}" for name in text["components"]["schemas"]}
    assert references(text) <= known
    names = [each["operationId"] for methods in text["paths"].values() for each in methods.values()]
    assert len(set(names)) == len(names)


def test_a_description_says_who_and_what() -> None:
    paths = described(TABLE, "1")["paths"]
    change = paths["/nodes/{uid}"]["patch"]
    assert change["security"] == [{"bearer": []}, {"cookie": []}]
    assert {"400", "401", "403", "404", "409", "412", "413", "415", "429", "503", "200"} == set(
        change["responses"]
    )
    assert [each["name"] for each in change["parameters"]] == ["uid", "If-Match"]
    course = paths["/nodes/{uid}/resources/{endpoint}/history"]["get"]
    assert {} in course["security"]
    since = next(each for each in course["parameters"] if each["name"] == "from")
    assert since == {
        "name": "from", "in": "query", "required": False,
        "schema": {"type": "number", "minimum": 0, "maximum": 1e11},
    }  # fmt: skip
    assert set(paths["/nodes/{uid}/resources/{endpoint}"]["put"]["responses"]) >= {"200", "202"}
    assert set(paths["/export"]["get"]["responses"]["200"]["content"]) == {
        "text/csv", "application/json", "application/senml+json",
    }  # fmt: skip


def test_a_description_says_what_is_refused_though_its_schemas_allow_it() -> None:
    paths = described(TABLE, "1")["paths"]
    words = {
        f"{method.upper()} {path}": each["responses"]["400"]["description"]
        for path, methods in paths.items()
        for method, each in methods.items()
    }
    assert words["GET /session"] == "Bad Request"
    assert words["GET /users"].endswith("allow: a `cursor` that is none of this list")
    assert words["GET /nodes/{uid}/resources/{endpoint}/rows"].endswith(
        "`from` after `to`; a `cursor` that is none of this list"
    )
    uid, endpoint = paths["/nodes/{uid}/resources/{endpoint}"]["get"]["parameters"][:2]
    for pattern, good, bad in (
        (uid["schema"]["pattern"], ("a", "ü /%", "\u200b"), ("", "a\nb", "\x7f", "\u2028")),
        (endpoint["schema"]["pattern"], ("a", "/a", "//", "a/b/"), ("", "/", "/\t", "a\x1f")),
    ):
        assert all(re.search(pattern, each) for each in good)
        assert not any(re.search(pattern, each) for each in bad)


def test_handlers_take_what_is_declared() -> None:
    for each in SHOWN:
        hints = typing.get_type_hints(each.handle)
        query, body = typing.get_args(next(iter(hints.values())))
        declared = type(None) if each.body is None else each.body
        assert query in {each.query, Any}, each.name
        assert body in {declared, Any}, each.name
        assert inspect.iscoroutinefunction(each.handle), each.name


def test_what_is_sent_is_known_to_be_sent() -> None:
    # Members with a default may be missing in TypeScript of just what is sent.
    asked = {each.query for each in SHOWN} | {each.body for each in SHOWN if each.body}
    ours = {each for each in asked if each.__module__ == forms.__name__}
    both = {forms.RuleForm}
    assert ours - both <= set(SENT)


async def test_a_page_shows_it() -> None:
    place = Place()
    async with serving(place.api(TABLE)) as url:
        lead = await ask(url, "/api/v1")
        assert (lead.status, lead.headers["location"]) == (308, "v1/")
        page = await ask(url, "/api/v1/")
        assert page.headers["content-type"] == "text/html; charset=utf-8"
        policy = page.headers["content-security-policy"]
        assert "script-src 'self'" in policy
        assert "unsafe" not in policy
        for word in (b"<style", b"onclick", b"http:", b"https:", b'="/'):
            assert word not in page.body
        for name, kind in (("page.js", "text/javascript"), ("page.css", "text/css")):
            assert name.encode() in page.body
            file = await ask(url, f"/api/v1/{name}")
            assert file.headers["content-type"] == f"{kind}; charset=utf-8"
            again = await ask(url, f"/api/v1/{name}", If_None_Match=file.headers["etag"])
            assert again.status == 304
        text = (await ask(url, "/api/v1/openapi.json")).json
        assert text["info"]["version"] == __version__
        assert text["servers"] == [{"url": "."}]


async def test_strangers_get_nothing_that_is_not_for_them() -> None:
    """Every endpoint for each role, without a look at the store: who may ask at all."""
    place = Place()
    allowed = {
        Who.USER: {"anna", "olaf", "vera"}, Who.OPERATOR: {"anna", "olaf"}, Who.ADMIN: {"anna"},
    }  # fmt: skip
    async with serving(place.api(TABLE)) as url:
        for each in SHOWN:
            if each.who not in allowed:
                continue
            path = "/api/v1" + each.path.replace("{", "").replace("}", "")
            stranger = await ask(url, path, method=each.method)
            assert (stranger.status, stranger.code) == (401, "unauthenticated"), each.name
            for name in set(place.people) - allowed[each.who]:
                other = await ask(url, path, method=each.method, **place.bearer(name))
                assert (other.status, other.code) == (403, "denied"), (each.name, name)

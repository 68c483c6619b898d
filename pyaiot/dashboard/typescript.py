# SPDX-License-Identifier: BSD-3-Clause
"""TypeScript for structures: how each type is written, and the files that are made of it."""

import inspect
import re
import sys
from collections.abc import Iterable, Iterator
from enum import Enum
from pathlib import Path
from typing import Any, Final, TypeVar, get_origin

from msgspec import Struct
from msgspec.inspect import (
    AnyType,
    BoolType,
    DictType,
    EnumType,
    FloatType,
    IntType,
    LiteralType,
    Metadata,
    NoneType,
    StrType,
    StructType,
    TupleType,
    Type,
    UnionType,
    VarTupleType,
    type_info,
)

T = TypeVar("T", bound=Type)

_WORDS: Final[dict[type[Type], str]] = {
    AnyType: "Json",
    StrType: "string",
    IntType: "number",
    FloatType: "number",
    BoolType: "boolean",
    NoneType: "null",
}


class Unwritable(TypeError):
    """A structure uses a type for which there is no TypeScript yet."""


def parts(info: Type, kind: type[T]) -> Iterator[T]:
    """`info` and the types within it that are of a `kind`, inner ones first."""
    inner: tuple[Type, ...] = ()
    match info:
        case StructType(fields=fields):
            inner = tuple(each.type for each in fields)
        case VarTupleType(item_type=item) | DictType(value_type=item):
            inner = (item,)
        case TupleType(item_types=items) | UnionType(types=items):
            inner = items
    for each in inner:
        yield from parts(each, kind)
    if isinstance(info, kind):
        yield info


def structs(of: Iterable[Any]) -> list[type[Struct]]:
    """`of` and the structures within, each after those that it uses."""
    found = (part.cls for each in of for part in parts(type_info(each), StructType))
    return list(dict.fromkeys(found))


def enums(of: Iterable[Any]) -> list[type[Enum]]:
    """The words that are in `of`."""
    return list(dict.fromkeys(part.cls for each in of for part in parts(type_info(each), EnumType)))


def written(info: Type) -> str:
    """The TypeScript type of `info`. Raises Unwritable."""
    match info:
        case EnumType(cls=cls) | StructType(cls=cls):
            return str(cls.__name__)
        case Metadata(type=described):
            return written(described)
        case VarTupleType(item_type=item):
            word = written(item)
            return f"readonly {word if word.isidentifier() else f'({word})'}[]"
        case DictType(value_type=item):
            return f"{{ readonly [name: string]: {written(item)} }}"
        case TupleType(item_types=items):
            return f"readonly [{', '.join(map(written, items))}]"
    return _simple(info)


def _simple(info: Type) -> str:
    match info:
        case LiteralType(values=values):
            return " | ".join(f'"{each}"' for each in values)
        case UnionType(types=items):
            return " | ".join(dict.fromkeys(map(written, items)))
    for kind, word in _WORDS.items():
        if isinstance(info, kind):
            return word
    raise Unwritable(f"no TypeScript for {info}")


def fields_of(struct: Any) -> StructType:
    """What there is to know of a structure."""
    info = type_info(struct)
    assert isinstance(info, StructType)  # noqa: S101 - by the annotation
    return info


def interface(struct: Any, *, name: str = "", optional: bool = True) -> str:
    """The interface of a structure; what has a default may be missing if `optional`."""
    info = fields_of(struct)
    said = comment(get_origin(info.cls) or info.cls)
    lines = [*filter(None, [said]), f"export interface {name or info.cls.__name__} {{"]
    if info.tag is not None:
        lines.append(f'  readonly {info.tag_field}: "{info.tag}";')
    for each in info.fields:
        mark = "?" if optional and not each.required else ""
        lines.append(f"  readonly {each.encode_name}{mark}: {written(each.type)};")
    return "\n".join([*lines, "}", ""])


def union_of(enum: type[Enum]) -> str:
    """The words of an enum, as a list and as a type."""
    values = ", ".join(f'"{each.value}"' for each in enum)
    lines = [
        *filter(None, [comment(enum)]),
        f"export const {plural(enum)} = [{values}] as const;",
        f"export type {enum.__name__} = (typeof {plural(enum)})[number];",
        "",
    ]
    return "\n".join(lines)


def plural(enum: type[Enum]) -> str:
    """``Availability`` to ``AVAILABILITIES``, ``Status`` to ``STATUSES``."""
    name = re.sub(r"s$", "se", re.sub(r"y$", "ie", enum.__name__))
    return f"{name}s".upper()


def comment(cls: type) -> str:
    """The docstring of a class as a comment; empty where it has none of its own."""
    text = inspect.cleandoc(vars(cls).get("__doc__") or "").replace("``", "`")
    lines = text.splitlines()
    if not lines:
        return ""
    if len(lines) == 1:
        return f"/** {text} */"
    return "\n".join(["/**", *(f" * {line}".rstrip() for line in lines), " */"])


def write(file: Path, text: str, arguments: list[str], module: str) -> int:
    """Write the file, or with ``--check`` only compare; returns the exit status."""
    if arguments == ["--check"]:
        if file.exists() and file.read_text(encoding="utf-8") == text:
            return 0
        sys.stderr.write(f"{file.name} is stale: run python -m {module}\n")
        return 1
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(text, encoding="utf-8")
    return 0

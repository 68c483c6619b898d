# SPDX-License-Identifier: BSD-3-Clause
"""The TypeScript of the messages, made from their structures.

``python -m pyaiot.dashboard.wiretypes`` writes ``frontend/src/wire/messages.ts``: an interface for
every message between a broker and the page, and the shapes against which the page checks what it
receives. With ``--check`` nothing is written; the exit status says whether the file is fresh.
"""

import inspect
import re
import sys
from collections.abc import Iterator
from enum import Enum
from pathlib import Path
from typing import Final, TypeVar, get_args

from msgspec import Struct
from msgspec.inspect import (
    AnyType,
    BoolType,
    DictType,
    EnumType,
    FloatType,
    IntType,
    StrType,
    StructType,
    TupleType,
    Type,
    UnionType,
    VarTupleType,
    type_info,
)

from pyaiot.messages import types

MESSAGES: Final = Path(__file__).parent / "frontend" / "src" / "wire" / "messages.ts"

_HEAD: Final = """\
// SPDX-License-Identifier: BSD-3-Clause
// Made by `python -m pyaiot.dashboard.wiretypes` from pyaiot/messages/types.py. Do not edit.

/** Whatever JSON can say. */
export type Json =
  | string
  | number
  | boolean
  | null
  | readonly Json[]
  | { readonly [name: string]: Json };

/** What a decoded value must look like; a name that ends in `?` may be missing. */
export type Shape =
  | "any"
  | "string"
  | "number"
  | "boolean"
  | { readonly oneOf: readonly string[] }
  | { readonly listOf: Shape }
  | { readonly mapOf: Shape }
  | { readonly tuple: readonly Shape[] }
  | { readonly object: { readonly [name: string]: Shape } };
"""

T = TypeVar("T", bound=Type)

_WORDS: Final[dict[type[Type], tuple[str, str]]] = {
    AnyType: ("Json", "any"),
    StrType: ("string", "string"),
    IntType: ("number", "number"),
    FloatType: ("number", "number"),
    BoolType: ("boolean", "boolean"),
}


class Unwritable(TypeError):
    """A structure uses a type for which there is no TypeScript yet."""


def messages() -> str:
    """The text of ``messages.ts``."""
    to_page, from_page = get_args(types.ToClient), get_args(types.FromClient)
    parts = [_HEAD, _constant("WIRE_VERSION", types.WIRE_VERSION)]
    parts += [_union_of(types.Feature), *map(_union_of, _enums(to_page))]
    parts += map(_interface, [*_structs(to_page), *_structs(from_page)])
    parts += [
        _alias("ToPage", "What a broker sends to the page.", to_page),
        _alias("FromPage", "What the page sends to a broker.", from_page),
        _shapes(to_page),
    ]
    return "\n".join(parts)


def _structs(of: tuple[type[Struct], ...]) -> Iterator[type[Struct]]:
    """`of` and the structures within, each after those that it uses."""
    return iter(
        dict.fromkeys(part.cls for each in of for part in _parts(type_info(each), StructType))
    )


def _enums(of: tuple[type[Struct], ...]) -> Iterator[type[Enum]]:
    return iter(
        dict.fromkeys(part.cls for each in of for part in _parts(type_info(each), EnumType))
    )


def _parts(info: Type, kind: type[T]) -> Iterator[T]:
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
        yield from _parts(each, kind)
    if isinstance(info, kind):
        yield info


def _written(info: Type) -> tuple[str, str]:
    """The TypeScript type of `info`, and its shape."""
    match info:
        case EnumType(cls=enum):
            return enum.__name__, f"{{ oneOf: {_plural(enum)} }}"
        case StructType(cls=struct):
            return struct.__name__, _object(info)
        case VarTupleType(item_type=item):
            word, shape = _written(item)
            return f"readonly {word}[]", f"{{ listOf: {shape} }}"
        case DictType(value_type=item):
            word, shape = _written(item)
            return f"{{ readonly [name: string]: {word} }}", f"{{ mapOf: {shape} }}"
        case TupleType(item_types=items):
            words, shapes = zip(*map(_written, items), strict=True)
            return f"readonly [{', '.join(words)}]", f"{{ tuple: [{', '.join(shapes)}] }}"
    return _simple(info)


def _simple(info: Type) -> tuple[str, str]:
    if isinstance(info, UnionType):
        return " | ".join(dict.fromkeys(_written(each)[0] for each in info.types)), '"any"'
    for kind, (word, shape) in _WORDS.items():
        if isinstance(info, kind):
            return word, f'"{shape}"'
    raise Unwritable(f"no TypeScript for {info}")


def _info(struct: type[Struct]) -> StructType:
    info = type_info(struct)
    assert isinstance(info, StructType)  # noqa: S101 - by the annotation
    return info


def _object(info: StructType) -> str:
    members = [
        f"{_key(each.encode_name, optional=not each.required)}: {_written(each.type)[1]}"
        for each in info.fields
    ]
    return f"{{ object: {{ {', '.join(members)} }} }}"


def _key(name: str, *, optional: bool) -> str:
    return f'"{name}?"' if optional else name


def _interface(struct: type[Struct]) -> str:
    info = _info(struct)
    lines = [_comment(struct), f"export interface {struct.__name__} {{"]
    if info.tag is not None:
        lines.append(f'  readonly {info.tag_field}: "{info.tag}";')
    for each in info.fields:
        mark = "" if each.required else "?"
        lines.append(f"  readonly {each.encode_name}{mark}: {_written(each.type)[0]};")
    return "\n".join([*lines, "}", ""])


def _union_of(enum: type[Enum]) -> str:
    values = ", ".join(f'"{each.value}"' for each in enum)
    return (
        f"{_comment(enum)}\nexport const {_plural(enum)} = [{values}] as const;\n"
        f"export type {enum.__name__} = (typeof {_plural(enum)})[number];\n"
    )


def _plural(enum: type[Enum]) -> str:
    """``Availability`` to ``AVAILABILITIES``, ``Status`` to ``STATUSES``."""
    name = re.sub(r"s$", "se", re.sub(r"y$", "ie", enum.__name__))
    return f"{name}s".upper()


def _alias(name: str, meaning: str, of: tuple[type[Struct], ...]) -> str:
    names = " | ".join(struct.__name__ for struct in of)
    return f"/** {meaning} */\nexport type {name} = {names};\n"


def _shapes(of: tuple[type[Struct], ...]) -> str:
    lines = ["/** The shape of each message that a broker sends, by its type. */"]
    lines.append('export const SHAPES: { readonly [type in ToPage["type"]]: Shape } = {')
    for struct in of:
        info = _info(struct)
        lines.append(f"  {info.tag}: {_object(info)},")
    return "\n".join([*lines, "};", ""])


def _constant(name: str, value: int) -> str:
    return f"export const {name} = {value};\n"


def _comment(cls: type) -> str:
    text = inspect.cleandoc(cls.__doc__ or "").replace("``", "`")
    lines = text.splitlines()
    if len(lines) == 1:
        return f"/** {text} */"
    return "\n".join(["/**", *(f" * {line}".rstrip() for line in lines), " */"])


def main(arguments: list[str]) -> int:
    """Write the file, or with ``--check`` only compare; returns the exit status."""
    text = messages()
    if arguments == ["--check"]:
        if MESSAGES.read_text(encoding="utf-8") == text:
            return 0
        sys.stderr.write(f"{MESSAGES.name} is stale: run python -m {__spec__.name}\n")
        return 1
    MESSAGES.write_text(text, encoding="utf-8")
    return 0


if __name__ == "__main__":  # pragma: no cover - `main` is what there is to test
    sys.exit(main(sys.argv[1:]))

# SPDX-License-Identifier: BSD-3-Clause
"""The TypeScript of the messages, made from their structures.

``python -m pyaiot.dashboard.wiretypes`` writes ``frontend/src/wire/messages.ts``: an interface for
every message between a broker and the page, and the shapes against which the page checks what it
receives. With ``--check`` nothing is written; the exit status says whether the file is fresh.
"""

import sys
from pathlib import Path
from typing import Final, get_args

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
)

from pyaiot.dashboard import typescript
from pyaiot.dashboard.typescript import Unwritable, fields_of
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

_SHAPES: Final[dict[type[Type], str]] = {
    AnyType: "any",
    UnionType: "any",
    StrType: "string",
    IntType: "number",
    FloatType: "number",
    BoolType: "boolean",
}


def messages() -> str:
    """The text of ``messages.ts``."""
    to_page, from_page = get_args(types.ToClient), get_args(types.FromClient)
    parts = [_HEAD, _constant("WIRE_VERSION", types.WIRE_VERSION)]
    parts += [
        typescript.union_of(types.Feature),
        *map(typescript.union_of, typescript.enums(to_page)),
    ]
    every = [*typescript.structs(to_page), *typescript.structs(from_page)]
    parts += map(typescript.interface, every)
    parts += [
        _alias("ToPage", "What a broker sends to the page.", to_page),
        _alias("FromPage", "What the page sends to a broker.", from_page),
        _shapes(to_page),
    ]
    return "\n".join(parts)


def _shape(info: Type) -> str:
    match info:
        case EnumType(cls=enum):
            return f"{{ oneOf: {typescript.plural(enum)} }}"
        case StructType():
            return _object(info)
        case VarTupleType(item_type=item):
            return f"{{ listOf: {_shape(item)} }}"
        case DictType(value_type=item):
            return f"{{ mapOf: {_shape(item)} }}"
        case TupleType(item_types=items):
            return f"{{ tuple: [{', '.join(map(_shape, items))}] }}"
    for kind, word in _SHAPES.items():
        if isinstance(info, kind):
            return f'"{word}"'
    raise Unwritable(f"no TypeScript for {info}")


def _object(info: StructType) -> str:
    members = [
        f"{_key(each.encode_name, optional=not each.required)}: {_shape(each.type)}"
        for each in info.fields
    ]
    return f"{{ object: {{ {', '.join(members)} }} }}"


def _key(name: str, *, optional: bool) -> str:
    return f'"{name}?"' if optional else name


def _alias(name: str, meaning: str, of: tuple[type[Struct], ...]) -> str:
    names = " | ".join(struct.__name__ for struct in of)
    return f"/** {meaning} */\nexport type {name} = {names};\n"


def _shapes(of: tuple[type[Struct], ...]) -> str:
    lines = ["/** The shape of each message that a broker sends, by its type. */"]
    lines.append('export const SHAPES: { readonly [type in ToPage["type"]]: Shape } = {')
    for struct in of:
        info = fields_of(struct)
        lines.append(f"  {info.tag}: {_object(info)},")
    return "\n".join([*lines, "};", ""])


def _constant(name: str, value: int) -> str:
    return f"export const {name} = {value};\n"


def main(arguments: list[str]) -> int:
    """Write the file, or with ``--check`` only compare; returns the exit status."""
    return typescript.write(MESSAGES, messages(), arguments, __spec__.name)


if __name__ == "__main__":  # pragma: no cover - `main` is what there is to test
    sys.exit(main(sys.argv[1:]))

# SPDX-License-Identifier: BSD-3-Clause
"""The TypeScript of what goes over the REST API, made from its structures.

``python -m pyaiot.dashboard.apitypes`` writes ``frontend/src/api/types.ts``. With ``--check``
nothing is written; the exit status says whether the file is fresh.
"""

import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Any, Final, get_args, get_origin

from msgspec import Struct, defstruct

from pyaiot.dashboard import typescript
from pyaiot.dashboard.api import forms
from pyaiot.messages import types

TYPES: Final = Path(__file__).parent / "frontend" / "src" / "api" / "types.ts"

SENT: Final[tuple[type[Struct], ...]] = (
    forms.Login,
    forms.Setup,
    forms.PasswordChange,
    forms.NewUser,
    forms.UserChange,
    forms.Paging,
    forms.NodesWanted,
    forms.NodeChange,
    forms.ShareLevel,
    forms.Setting,
    forms.CourseWanted,
    forms.RowsWanted,
    forms.NewDevice,
    forms.NewToken,
    forms.Decision,
    forms.Mute,
    forms.PreviewWanted,
    forms.NewChannel,
    forms.ChannelsWanted,
    forms.AlertsWanted,
    forms.ExportWanted,
    forms.EventsWanted,
    forms.AuditWanted,
    forms.NamesWanted,
    forms.AccountChange,
)
"""What the page sends: members with a default may be missing. All else always comes whole."""

_HEAD: Final = """\
// SPDX-License-Identifier: BSD-3-Clause
// Made by `python -m pyaiot.dashboard.apitypes` from pyaiot/dashboard/api/forms.py. Do not edit.
"""

_PARAMETER: Final = defstruct("T", [])


def text() -> str:
    """The text of ``types.ts``."""
    known = _forms()
    enums = typescript.enums(known)
    told = get_args(types.ToClient)
    elsewhere = set(typescript.enums(told))
    both = [*elsewhere.intersection(enums), *_named_there(typescript.structs(told))]
    taken = sorted(["Json", *(each.__name__ for each in both)])
    lines = [
        _HEAD,
        f'import type {{ {", ".join(taken)} }} from "../wire/messages";\n',
        *(typescript.union_of(each) for each in enums if each not in elsewhere),
        *map(_interface, known),
    ]
    return "\n".join(lines)


def _forms() -> list[Any]:
    """All structures in the module, in their order there."""
    found: list[Any] = []
    for each in vars(forms).values():
        if (
            isinstance(each, type)
            and each.__module__ == forms.__name__
            and issubclass(each, Struct)
        ):
            # What is made for any structure is shown with one that is called as its parameter.
            generic: Any = each
            found.append(generic[_PARAMETER] if getattr(each, "__parameters__", ()) else each)
    return found


def _named_there(structs: Iterable[type[Struct]]) -> list[type[Struct]]:
    """Those of `structs` that the module takes from elsewhere."""
    return [each for each in structs if getattr(forms, each.__name__, None) is each]


def _interface(form: Any) -> str:
    plain = get_origin(form) or form
    optional = plain in SENT or plain.__struct_config__.omit_defaults
    name = plain.__name__ if form is plain else f"{plain.__name__}<T>"
    return typescript.interface(form, name=name, optional=optional)


def main(arguments: list[str]) -> int:
    """Write the file, or with ``--check`` only compare; returns the exit status."""
    return typescript.write(TYPES, text(), arguments, __spec__.name)


if __name__ == "__main__":  # pragma: no cover - `main` is what there is to test
    sys.exit(main(sys.argv[1:]))

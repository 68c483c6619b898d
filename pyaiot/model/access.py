# SPDX-License-Identifier: BSD-3-Clause
"""The words of who may do what: permissions, and the roles of people."""

from enum import StrEnum
from typing import Final


class Permission(StrEnum):
    """What a peer may do; each word allows more than the one before."""

    VIEW = "view"
    """See nodes and what they report."""
    CONTROL = "control"
    """Set resources of nodes, all but scripts."""
    SCRIPT = "script"
    """Send nodes scripts to run."""


class Role(StrEnum):
    """What somebody with an account is; each word allows more than the one before."""

    VIEWER = "viewer"
    """Sees what is theirs, shared with them, or public, and sets nothing."""
    OPERATOR = "operator"
    """Controls what is theirs, shared with them for that, or public, and adds nodes."""
    ADMIN = "admin"
    """Sees and controls everything, and looks after accounts."""


LEVELS: Final[dict[Permission, frozenset[Permission]]] = {
    level: frozenset(tuple(Permission)[: number + 1]) for number, level in enumerate(Permission)
}
"""All that somebody may do who has been given a permission."""

NOTHING: Final[frozenset[Permission]] = frozenset()
EVERYTHING: Final = LEVELS[Permission.SCRIPT]

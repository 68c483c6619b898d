# SPDX-License-Identifier: BSD-3-Clause
"""pyaiot connects small things to the web."""

from typing import Final

__version__: Final = "0.1.0"

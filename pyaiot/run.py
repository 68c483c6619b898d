# SPDX-License-Identifier: BSD-3-Clause
"""Run services in one process: signals, one task group, an exit status."""

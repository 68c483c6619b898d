# SPDX-License-Identifier: BSD-3-Clause
"""Logs, metrics and health of a running service."""

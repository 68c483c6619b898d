# SPDX-License-Identifier: BSD-3-Clause
"""Nodes that keep a websocket open: ``ws://HOST:8001/node`` (WIRE.md section 6)."""

# SPDX-License-Identifier: BSD-3-Clause
"""Nodes that hold a websocket open."""

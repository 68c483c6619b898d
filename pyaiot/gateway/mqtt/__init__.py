# SPDX-License-Identifier: BSD-3-Clause
"""Nodes that speak MQTT."""

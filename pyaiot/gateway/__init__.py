# SPDX-License-Identifier: BSD-3-Clause
"""Gateways: they translate between nodes and the broker."""

# SPDX-License-Identifier: BSD-3-Clause
"""Simulated nodes: for the demo, for trying things out, for load."""

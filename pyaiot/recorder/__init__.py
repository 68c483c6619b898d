# SPDX-License-Identifier: BSD-3-Clause
"""Stores what happens, and raises alerts."""

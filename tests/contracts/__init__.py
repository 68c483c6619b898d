# SPDX-License-Identifier: BSD-3-Clause
"""One suite per interface, run on each of its implementations."""

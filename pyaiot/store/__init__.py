# SPDX-License-Identifier: BSD-3-Clause
"""What is remembered: readings, nodes, people, alerts."""

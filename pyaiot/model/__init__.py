# SPDX-License-Identifier: BSD-3-Clause
"""What is known of nodes: identity, readings, availability."""

# SPDX-License-Identifier: BSD-3-Clause
"""How several brokers share what they know."""

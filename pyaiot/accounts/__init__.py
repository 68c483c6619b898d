# SPDX-License-Identifier: BSD-3-Clause
"""Who people are, and what they may do: decisions only."""

# SPDX-License-Identifier: BSD-3-Clause
"""The messages that services exchange, their encoding and their signatures."""

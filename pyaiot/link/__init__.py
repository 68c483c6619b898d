# SPDX-License-Identifier: BSD-3-Clause
"""The reconnecting, signed connection from a service to the broker."""

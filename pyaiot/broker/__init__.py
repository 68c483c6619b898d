# SPDX-License-Identifier: BSD-3-Clause
"""The broker: it routes readings to clients and commands to gateways."""

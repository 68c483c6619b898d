# SPDX-License-Identifier: BSD-3-Clause
"""The web page, and the server that delivers it."""

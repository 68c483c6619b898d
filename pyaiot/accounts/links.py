# SPDX-License-Identifier: BSD-3-Clause
"""Addresses of the page that carry a secret."""

from urllib.parse import quote


def device_link(page: str, uid: str, token: str) -> str:
    """The address that sets up the device `uid` with its token; `page` is that of the page.

    The token stands behind the #, which browsers keep to themselves: it is in no server's log.
    """
    return f"{page}#/device?uid={quote(uid, safe='')}&token={token}"

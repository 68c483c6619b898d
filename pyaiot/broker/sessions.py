# SPDX-License-Identifier: BSD-3-Clause
"""Clients that came with a token of an account: who they are, how long, and whether they still may.

What the directory says of an account counts from then on. Until it has said something, a token is
believed that is younger than this broker; an older one may have been revoked while nobody could
tell. Where there is to be a directory, all come in as viewers, who are shown nothing before it
spoke.
"""

from collections.abc import Callable

from pyaiot.accounts.permissions import Viewer
from pyaiot.accounts.tokens import CONNECTING, Claims, Signer
from pyaiot.broker.directory import Directory
from pyaiot.broker.disclosure import Disclosure
from pyaiot.broker.effects import Effects
from pyaiot.broker.peers import Client, Session
from pyaiot.errors import (
    AuthenticationFailed,
    ExpiredToken,
    InvalidContent,
    InvalidToken,
    StaleToken,
)
from pyaiot.model.access import Role
from pyaiot.model.moment import Moment


class Sessions:
    """All that are open."""

    def __init__(
        self,
        signer: Signer | None,
        directory: Directory,
        disclosure: Disclosure,
        effects: Effects,
        *,
        awaited: bool = False,
        started: float = 0.0,
    ) -> None:
        """Without a `signer` no token of an account is good; `awaited`: a directory is to come.

        `started`: when this broker did, in seconds since the epoch.
        """
        self._signer = signer
        self._directory = directory
        self._disclosure = disclosure
        self._effects = effects
        self._awaited = awaited
        self._started = started
        self._open: dict[str, Client] = {}

    def __len__(self) -> int:
        return len(self._open)

    def begin(self, token: str, now: Moment) -> tuple[Viewer, Session]:
        """Who comes with `token`. Raises InvalidToken, StaleToken or ExpiredToken."""
        if self._signer is None:
            raise InvalidToken("Invalid token")
        try:
            claims = self._signer.check(token, CONNECTING, now.wall)
        except StaleToken as exc:
            if exc.age < 0:
                raise
            raise ExpiredToken("This token has expired.") from None
        if claims.exp is None or claims.role is None:
            # Such a token is never made for somebody who connects.
            raise InvalidToken("Invalid token")
        if now.wall >= claims.exp:
            raise ExpiredToken("This token has expired.")
        viewer = Viewer.account(claims.sub, self._role(claims.sub, claims.iat, claims.role))
        return viewer, _session(claims, claims.exp, claims.role, now)

    def joined(self, client: Client) -> None:
        """A client connected."""
        if client.session is not None:
            self._open[client.id] = client

    def left(self, client: Client) -> None:
        """A client's connection ended."""
        self._open.pop(client.id, None)

    def renew(
        self, client: Client, token: str, now: Moment, greet: Callable[[Client], None]
    ) -> None:
        """A client has a newer token. Raises as `begin` does, and InvalidContent.

        What it refuses changes nothing: the connection ends when it would have ended.
        """
        if client.session is None:
            raise InvalidContent("This client came without a token that could be renewed.")
        viewer, session = self.begin(token, now)
        if viewer.id != client.viewer.id:
            raise InvalidToken("This token is another account's.")
        client.session = session
        self._become(client, viewer, greet)

    def people_changed(self, greet: Callable[[Client], None]) -> None:
        """The directory said something of accounts."""
        for client in tuple(self._open.values()):
            session = client.session
            if session is None:
                continue
            try:
                role = self._role(client.viewer.id, session.issued, session.role)
            except AuthenticationFailed as exc:
                self._end(client, exc)
            else:
                self._become(client, Viewer.account(client.viewer.id, role), greet)

    def tick(self, now: Moment) -> None:
        """Time has passed: whoever did not renew their token goes."""
        for client in tuple(self._open.values()):
            if client.session is not None and now.steady >= client.session.expires:
                self._end(client, ExpiredToken("The token of this connection has expired."))

    def _role(self, account: str, issued: float, claimed: Role) -> Role:
        people = self._directory.people
        person = people.known.get(account)
        if person is None:
            if people.told:
                raise InvalidToken("There is no such account any more.")
            if self._awaited:
                return Role.VIEWER
            if issued < self._started:
                raise StaleToken(
                    "This token is older than this broker, which nobody has told yet whether it"
                    " still holds.",
                    self._started - issued,
                )
            return claimed
        if issued < person.since:
            raise InvalidToken("This token was revoked: log in again.")
        return person.role

    def _become(self, client: Client, viewer: Viewer, greet: Callable[[Client], None]) -> None:
        if viewer != client.viewer and viewer.role is not None:
            self._disclosure.role_changed(client, viewer.role, greet)

    def _end(self, client: Client, error: AuthenticationFailed) -> None:
        del self._open[client.id]
        client.dismissed = True
        self._effects.dismiss(client, error)


def _session(claims: Claims, end: float, role: Role, now: Moment) -> Session:
    return Session(claims.iat, role, now.steady + end - now.wall)

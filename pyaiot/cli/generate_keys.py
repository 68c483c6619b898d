# SPDX-License-Identifier: BSD-3-Clause
"""The command `aiot-generate-keys`."""

import click

from pyaiot.cli.entry import console_script
from pyaiot.cli.options import CONTEXT, version_option
from pyaiot.settings import KEY_FILE

_NEXT = {
    "new": "Copy it to every machine that runs a service; it is a secret.",
    "rotated": "The former keys stay valid. Copy the file to the broker's machine first and restart"
    " the broker, then to the others and restart what runs there; in the end run this with"
    " --retire, copy and restart once more.",
    "retired": "The former keys are no longer in it. Copy it to every machine and restart what runs"
    " there.",
}


@click.command(
    "aiot-generate-keys",
    context_settings=dict(CONTEXT),
    params=[version_option()],
    help="Make the keys that services prove themselves to each other with.",
)
@click.option(
    "--key-file",
    metavar="FILE",
    default=KEY_FILE,
    envvar="PYAIOT_KEY_FILE",
    help=f"Where to write them; only its owner can read it.  [default {KEY_FILE}]",
)
@click.option(
    "--force", is_flag=True, help="Replace a key file; services with its keys are shut out."
)
@click.option("--rotate", is_flag=True, help="Put new keys in front; the former stay valid.")
@click.option("--retire", is_flag=True, help="Keep the newest keys only, after a rotation.")
@click.option("--show", is_flag=True, help="Print the keys as well.")
def command(key_file: str, force: bool, rotate: bool, retire: bool, show: bool) -> int:
    """Write the key file and say what to do with it."""
    # Cryptography is slow to import, and --help does without.
    import os

    from pyaiot.link.keyfile import read_keys, write_keys
    from pyaiot.messages.keys import KeyPair, KeyRing

    if force + rotate + retire > 1:
        raise click.UsageError("choose one of --force, --rotate and --retire")
    if rotate:
        ring, did = read_keys(key_file).rotated(KeyPair.generate(os.urandom)), "rotated"
    elif retire:
        ring, did = KeyRing((read_keys(key_file).current,)), "retired"
    else:
        ring, did = KeyRing((KeyPair.generate(os.urandom),)), "new"
    path = write_keys(key_file, ring, force=did != "new" or force)
    click.echo(f"Keys are in {path}. {_NEXT[did]}")
    if show:
        click.echo(f"Secret key: {ring.current.secret}\nPrivate key: {ring.current.private}")
    return 0


main = console_script(command)

"""What the processes that we start find in their environment: everything but keys and passwords.

A process that holds no key can give none away, whatever a program makes it do: its environment can be read at
/proc/PID/environ by whoever runs under the same user, and a change after the start does not change what is read there.
"""

from __future__ import annotations

import os
import re

_SECRET_NAME = re.compile(r"(KEY|TOKEN|SECRET|PASSWORD|PASSWD|PASSPHRASE|CREDENTIAL)S?(_?\d+)?$", re.IGNORECASE)
_PASSWORD_IN_URL = re.compile(r"://[^/?#\s]*:[^/?#\s]*@|://\S*[?&]password=", re.IGNORECASE)
_SHORTEST_SECRET = 6
"""A shorter value may well stand in a text by chance."""
_OF_THE_HOST = ("EVOLVE_ARCHIVE",)
"""Only the process that owns the run opens its archive, and the address may hold a password in a form unknown here."""


def is_secret_name(name: str) -> bool:
    """Whether a variable of this name holds a secret: ..._KEY, _TOKEN, _SECRET, _PASSWORD, _CREDENTIALS and so on."""
    return _SECRET_NAME.search(name) is not None


def without_keys(text: str) -> str:
    """The text, where the name of a secret variable of this process's environment stands for its value."""
    for name, value in os.environ.items():
        if len(value) >= _SHORTEST_SECRET and is_secret_name(name):
            text = text.replace(value, f"({name})")
    return text


def without_secrets() -> dict[str, str]:
    """This process's environment, for a child: without secrets by name, URLs with a password, and the archive."""
    return {
        name: value
        for name, value in os.environ.items()
        if not (is_secret_name(name) or name in _OF_THE_HOST or _PASSWORD_IN_URL.search(value))
    }

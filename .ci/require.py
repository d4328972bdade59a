"""Install the system packages that EVOLVE_REQUIRE names and tests need now. Nothing is touched without it."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path


def has_postgres() -> bool:
    return bool(shutil.which("postgres")) or any(Path("/usr/lib/postgresql").glob("*/bin/postgres"))


# What a requirement is satisfied by, and the Debian packages that bring it. Docker and the browser
# have no tests yet, so nothing is installed for them.
NEEDS: dict[str, tuple[Callable[[], bool], tuple[str, ...]]] = {
    "bubblewrap": (lambda: bool(shutil.which("bwrap")), ("bubblewrap",)),
    "postgres": (has_postgres, ("postgresql",)),
}


def main() -> int:
    for name in filter(None, os.environ.get("EVOLVE_REQUIRE", "").split(",")):
        satisfied, packages = NEEDS.get(name.strip(), (lambda: True, ()))
        if satisfied():
            continue
        install = ["apt-get", "install", "--yes", "--no-install-recommends", *packages]
        if os.geteuid() != 0 or not shutil.which("apt-get"):
            print(f"EVOLVE_REQUIRE names {name}: as root, run {' '.join(install)}", file=sys.stderr)
            return 1
        environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
        subprocess.run(["apt-get", "update", "--quiet=2"], check=True, env=environment)
        subprocess.run(install, check=True, env=environment, stdout=subprocess.DEVNULL)
    return 0


if __name__ == "__main__":
    sys.exit(main())

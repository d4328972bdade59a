"""Where a file lies: on a disk of this machine, or on a network file system, where SQLite loses data.

SQLite's write-ahead log lets processes meet in shared memory, which other machines do not see, and relies on locks
that network file systems grant twice (https://www.sqlite.org/wal.html, https://www.sqlite.org/faq.html#q5). Nothing
fails at first; some day the file is damaged. So such a place is refused.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

MOUNTS = Path("/proc/self/mounts")

_KERNEL = "nfs nfs4 cifs smb3 smbfs ncpfs afs coda ceph glusterfs lustre beegfs gpfs orangefs pvfs2 davfs"
_FUSE = (
    "sshfs ceph ceph-fuse glusterfs davfs davfs2 rclone s3fs gcsfuse mount-s3 goofys juicefs curlftpfs smbnetfs nfs"
    " moosefs blobfuse2"
)
NETWORKED = frozenset([*_KERNEL.split(), *(f"fuse.{kind}" for kind in _FUSE.split())])
"""Types as the kernel names them. Shares between a virtual machine and its host (9p, virtiofs) are not among them: as a
rule one kernel alone writes there, and some machines have nothing else."""


def network_type(path: Path, mounts: Path = MOUNTS) -> str | None:
    """The type of the network file system on which `path`, which need not exist yet, lies; None where it is local.

    `mounts` is the kernel's table, a mount a line. None as well on systems without one.
    """
    place, found = os.path.realpath(path), ("", "")
    for folder, kind in _mounted(mounts):
        # A later line of the same folder hides an earlier one.
        if _holds(folder, place) and len(folder) >= len(found[0]):
            found = folder, kind
    return found[1] if found[1] in NETWORKED else None


def _mounted(mounts: Path) -> Iterator[tuple[str, str]]:
    """Folder and type of each mount. Blanks in names stand as octal escapes."""
    try:
        text = mounts.read_text(encoding="utf-8", errors="surrogateescape")
    except OSError:
        return
    for line in text.splitlines():
        if len(fields := line.split(" ")) >= 3:
            folder = fields[1].replace("\\040", " ").replace("\\011", "\t").replace("\\012", "\n")
            yield folder.replace("\\134", "\\"), fields[2]


def _holds(folder: str, place: str) -> bool:
    return folder == "/" or place == folder or place.startswith(f"{folder}/")

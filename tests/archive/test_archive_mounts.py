"""An archive on a network file system is refused before anything is touched, wherever links lead."""

from __future__ import annotations

from pathlib import Path

import pytest

from archive import mounts
from archive.mounts import network_type
from archive.store import Archive
from evolve.core.errors import ArchiveError
from evolve.doctor import surroundings
from evolve.doctor.findings import State

TABLE = """\
/dev/vda / ext4 rw,relatime 0 0
proc /proc proc rw 0 0
server:/home /home nfs4 rw,vers=4.2,addr=10.0.0.1 0 0
/dev/vdb /home/local xfs rw 0 0
//files/team /mnt/the\\040team cifs rw 0 0
tmpfs /home/nobody tmpfs rw 0 0
me@host:/ /home/nobody fuse.sshfs rw 0 0
host /shared 9p rw,trans=virtio 0 0
a line that is cut
"""


@pytest.fixture
def table(tmp_path: Path) -> Path:
    path = tmp_path / "mounts"
    path.write_text(TABLE)
    return path


@pytest.mark.parametrize(
    ("path", "kind"),
    [
        ("/home/me/.evolve/archive.db", "nfs4"),
        ("/home", "nfs4"),
        ("/homes/archive.db", None),
        ("/home/local/archive.db", None),
        ("/mnt/the team/archive.db", "cifs"),
        ("/home/nobody/archive.db", "fuse.sshfs"),
        ("/shared/archive.db", None),
        ("/var/archive.db", None),
    ],
)
def test_the_mount_that_holds_a_path_decides(table: Path, path: str, kind: str | None) -> None:
    assert network_type(Path(path), table) == kind


def test_a_link_is_followed(table: Path, tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to("/home/me")
    assert network_type(tmp_path / "link" / "archive.db", table) == "nfs4"


def test_a_system_without_such_a_table_has_no_opinion(tmp_path: Path) -> None:
    assert network_type(tmp_path / "archive.db", tmp_path / "nowhere") is None


def test_this_machine_has_its_own_table(tmp_path: Path) -> None:
    assert network_type(tmp_path / "archive.db") is None


def test_opening_says_what_to_do_and_touches_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    share = tmp_path / "share"
    share.mkdir()
    old = share / "old.db"
    Archive.open(old).close()
    content = old.read_bytes()
    monkeypatch.setattr(mounts, "_mounted", lambda _: iter([("/", "ext4"), (str(share.resolve()), "nfs4")]))
    for path, create in ((old, False), (share / "new" / "archive.db", True)):
        with pytest.raises(ArchiveError, match=r"network file system \(nfs4\)") as caught:
            Archive.open(path, create=create)
        assert "--archive PATH" in caught.value.remedy and "postgresql://" in caught.value.remedy
        found = surroundings.archive(str(path))
        assert found.state is State.FORBIDDEN and "network file system" in found.says
    assert old.read_bytes() == content
    assert [path.name for path in share.iterdir()] == ["old.db"]

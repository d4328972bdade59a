"""Programs of any language in the wider sandbox: what runs there, what it can not reach, and what it is charged."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from evolve.core.types import Source, Status
from sandbox.base import Reply
from sandbox.bubblewrap import BubblewrapSandbox
from sandbox.command import BUILD, PREPARE, RUN, Command, wrap
from sandbox.limits import MEBIBYTE, Limits
from sandbox.mounts import Tools
from sandbox.session import ProcessSession

pytestmark = pytest.mark.bubblewrap
needs_c = pytest.mark.skipif(shutil.which("cc") is None, reason="needs a C compiler")
needs_perl = pytest.mark.skipif(shutil.which("perl") is None, reason="needs perl")

LIMITS = Limits(
    wall_seconds=20.0, cpu_seconds=10.0, memory_bytes=1024 * MEBIBYTE, processes=64, file_bytes=64 * MEBIBYTE
)
BUILDER = BubblewrapSandbox(tools=Tools(handles_children=True, builds=True))
RUNNER = BubblewrapSandbox(tools=Tools())
ADD = """
#include <stdio.h>
int main(int count, char **words) {
    long sum = 0; int value;
    while (scanf("%d", &value) == 1) sum += value;
    printf("%ld %s\\n", sum, count > 1 ? words[1] : "-");
    return 0;
}
"""
BURN = """
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>
static void burn(void) {
    struct timespec t;
    do clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t); while (t.tv_sec * 1e9 + t.tv_nsec < 8e6);
}
int main(int count, char **words) {
    if (words[1][0] == 'i' && signal(SIGCHLD, SIG_IGN) != SIG_ERR) return 9;
    for (int i = 0; i < 10; i++) {
        int child = fork();
        if (child == 0) {
            if (words[1][0] == 'o') { setsid(); if (fork()) _exit(0); }
            burn();
            if (words[1][0] == 'd') pause();
            _exit(0);
        }
        if (words[1][0] != 'z' && words[1][0] != 'd') waitpid(child, 0, 0);
    }
    if (words[1][0] != 'w') usleep(400000);
    puts("done");
    return 0;
}
"""


def call_once(
    source: Source, entry: str, *args: object, limits: Limits = LIMITS, sandbox: BubblewrapSandbox = BUILDER
) -> Reply:
    session = sandbox.open(source, limits)
    try:
        return session.call(entry, *args)
    finally:
        session.close()


def build(command: Command, text: str, limits: Limits = LIMITS) -> Reply:
    return call_once(wrap(command, Source({command.program: text}, RUN, "command")), BUILD, limits=limits)


def run(command: Command, text: str, *args: object, limits: Limits = LIMITS) -> Reply:
    """Built in one session and run in another, as an evaluation does it."""
    built = build(command, text)
    assert built.status is Status.OK, built.error
    session = RUNNER.open(wrap(command, Source({command.program: text}, RUN, "command")), limits)
    assert session.call(PREPARE, built.value).status is Status.OK
    return session.last_call(RUN, *args)


def shell(text: str, *args: object, limits: Limits = LIMITS) -> Reply:
    return run(Command("a.sh", 'sh a.sh "$@"'), text, *args, limits=limits)


@needs_c
def test_c_is_compiled_and_gets_its_input_and_arguments() -> None:
    command = Command("add.c", './add "$1"', "cc -O1 -o add add.c")
    built = build(command, ADD)
    assert sorted(built.value) == ["add", "add.c"] and built.value["add"][0] & 0o100
    reply = run(command, ADD, "3 4 5", ["a 'b' $HOME"])
    assert (reply.status, reply.value) == (Status.OK, "12 a 'b' $HOME\n")


@needs_perl
def test_perl_and_its_modules() -> None:
    text = "use List::Util qw(sum); use POSIX qw(floor); print sum(map { floor($_) } split ' ', <STDIN>);"
    assert run(Command("a.pl", "perl a.pl"), text, "1.5 2.5").value == "3"


def test_a_python_of_the_same_version_without_packages() -> None:
    text = """
import importlib.util, json, os, sys
found = [name for name in ("numpy", "evolve", "sandbox", "evaluators", "pydantic") if importlib.util.find_spec(name)]
print(json.dumps([sys.version_info[:2], found, sys.stdin.read(), sorted(os.environ)]))
"""
    import json
    import sys

    version, found, given, names = json.loads(run(Command("a.py", "python3 a.py"), text, "in").value)
    assert version == list(sys.version_info[:2]) and found == [] and given == "in"
    assert set(names) <= {"PATH", "HOME", "LANG", "LC_CTYPE", "LD_LIBRARY_PATH", "PWD", "OLDPWD", "SHLVL", "_"}


def test_shell_pipelines_files_of_the_problem_and_no_input() -> None:
    command = Command("a.sh", "sh a.sh", files={"table.txt": b"b\na\n"})
    assert run(command, "sort table.txt | tr ab xy | tee out >/dev/null; cat out -").value == "x\ny\n"


def test_a_failure_says_its_last_lines() -> None:
    reply = shell("echo out; echo first >&2; echo last >&2; exit 3")
    assert reply.status is Status.CRASHED and reply.error.endswith("RuntimeError: exit status 3: first\nlast")
    assert "killed by signal 11" in run(Command("a.sh", "kill -11 $$"), "").error
    assert "exit status 127 (a program that is not there)" in build(Command("a", "./a", "no-such-compiler"), "").error


def test_nothing_of_the_machine_is_there(tmp_path: Path) -> None:
    secret = tmp_path / "secret"
    secret.write_text("x")
    project = Path(__file__).resolve().parents[2]
    text = f"""
for place in /root /home /etc/passwd /etc/shadow /etc/hostname /proc/self /sys /var /run {project} {secret} \
    {Path.home()}; do [ -e "$place" ] && echo "$place"; done
find / -name problem_file.py -o -name "evolve_discovery*" -o -name problem.toml 2>/dev/null
ls /dev /etc
"""
    shown = set((shell(text).value or "").split())
    assert shown <= {"/dev:", "/etc:", "null", "urandom", "alternatives", "ld.so.cache"}


def test_nothing_can_be_written_but_in_tmp() -> None:
    text = """
for place in / /usr /usr/bin /usr/lib /etc /opt /opt/python /opt/runner /dev /bin; do
    (echo x > "$place/new") 2>/dev/null && echo "$place"
done
echo x > /tmp/new && echo tmp
"""
    assert shell(text).value == "tmp\n"


@needs_perl
def test_no_network_no_namespaces_no_tracing() -> None:
    text = """
use Socket; my @open;
push @open, $_->[0] for grep { socket(my $s, $_->[1], $_->[2], 0) } (["inet", PF_INET, SOCK_STREAM],
    ["unix", PF_UNIX, SOCK_STREAM], ["netlink", 16, SOCK_RAW]);
socketpair(my $a, my $b, PF_UNIX, SOCK_STREAM, 0) or push @open, "no pair";
push @open, "connect" if connect($a, sockaddr_un("/dev/log")) or $! != 1;
my %calls = (sendto => 44, sendmsg => 46, recvmsg => 47, bind => 49,
    ptrace => 101, mount => 165, unshare => 272, bpf => 321, perf => 298, keyctl => 250, userfaultfd => 323,
    io_uring => 425, process_vm_writev => 311, memfd => 319, pidfd_getfd => 438);
for (sort keys %calls) { $! = 0; my $r = syscall($calls{$_}, 0, 0, 0, 0, 0); push @open, $_ unless $! == 1; }
print join " ", "none", @open;
"""
    import platform

    if platform.machine() != "x86_64":
        pytest.skip("the numbers are those of x86_64")
    assert run(Command("a.pl", "perl a.pl"), text).value == "none"


@needs_perl
def test_pairs_of_sockets_are_few() -> None:
    text = """
use Socket; my @kept;
for (1..3) { fork() }
for (1..100) { socketpair(my $one, my $two, PF_UNIX, SOCK_STREAM, 0) or last; push @kept, $one, $two }
sleep 10;
"""
    reply = run(Command("a.pl", "perl a.pl"), text)
    assert (reply.status, reply.error) == (Status.FORBIDDEN, "it made more than 256 sockets")


def test_a_fork_bomb_ends_and_takes_nobody_with_it() -> None:
    reply = shell("b() { b | b & }; b; while :; do :; done", limits=Limits(20.0, 5.0, 512 * MEBIBYTE, processes=16))
    assert reply.status in (Status.FORBIDDEN, Status.TIMED_OUT, Status.CRASHED)
    assert shell("echo alive").value == "alive\n"


def test_many_processes_can_not_hold_more_than_one_may() -> None:
    text = """
import os, time
for _ in range(6):
    if not os.fork():
        block = bytearray(os.urandom(1) * (40 << 20))
        time.sleep(30)
time.sleep(30)
"""
    limits = Limits(20.0, 10.0, 160 * MEBIBYTE, processes=16)
    reply = run(Command("a.py", "python3 a.py"), text, limits=limits)
    assert reply.status is Status.OUT_OF_MEMORY, reply


def test_what_is_left_behind_is_killed_and_holds_nothing_up() -> None:
    reply = shell("(trap '' HUP TERM; while :; do :; done) & echo done")
    assert (reply.status, reply.value) == (Status.OK, "done\n")


@needs_c
@pytest.mark.parametrize("how", ["waited", "orphans", "zombies", "daemons", "ignored"])
def test_processor_time_of_children_is_charged_however_they_end(how: str) -> None:
    """80 ms in pieces of 8, which is less than a tick of the kernel."""
    reply = run(Command("burn.c", './burn "$1"', "cc -O1 -o burn burn.c"), BURN, "", [how[0]])
    assert reply.status is Status.OK, reply.error
    assert reply.cpu_seconds > 0.08


def test_a_wrapper_that_leaves_processes_behind_is_refused() -> None:
    text = "import os, time\ndef run():\n    if not os.fork():\n        time.sleep(60)\n    return 'x'\n"
    session: ProcessSession = RUNNER.open(Source({"program.py": text}, "run"), LIMITS)
    reply = session.last_call("run")
    assert reply.status is Status.FORBIDDEN and session.violation == "it left processes behind"


def test_too_much_output_is_an_error_and_does_not_fill_memory() -> None:
    command = Command("a.sh", "sh a.sh", output_bytes=1000)
    assert "more than 1000 bytes on standard output" in run(command, "yes").error
    reply = shell("yes 1234567 | head -c 3000000", limits=Limits(20.0, 5.0, 512 * MEBIBYTE, 16, reply_bytes=MEBIBYTE))
    assert reply.status is Status.INVALID and "more than" in reply.error
    assert shell("yes x | head -c 3000000 >&2; echo ok").value == "ok\n"


def test_a_child_that_sleeps_or_works_is_timed_out() -> None:
    limits = Limits(1.0, 0.5, 512 * MEBIBYTE, processes=16)
    assert shell("sleep 60", limits=limits).status is Status.TIMED_OUT
    assert shell("while :; do :; done", limits=limits).status is Status.TIMED_OUT


def test_a_build_that_never_ends_or_fills_the_disk() -> None:
    slow = Limits(1.0, 5.0, 512 * MEBIBYTE, processes=16)
    assert build(Command("a", "./a", "sleep 60"), "", slow).status is Status.TIMED_OUT
    small = Limits(20.0, 5.0, 512 * MEBIBYTE, processes=16, file_bytes=MEBIBYTE)
    full = build(Command("a", "./a", "yes | head -c 9000000 > big"), "", small)
    assert full.status is Status.CRASHED
    # Files with holes take no room, but would when they are read.
    holes = "for i in 1 2 3; do dd if=/dev/null of=f$i bs=1 seek=900000 2>/dev/null; done"
    assert "the build leaves more than 1048576 bytes" in build(Command("a", "./a", holes), "", small).error


def test_links_that_point_outside_are_links_and_nothing_else(tmp_path: Path) -> None:
    secret = tmp_path / "secret"
    secret.write_text("of the host")
    command = Command(
        "a.sh",
        "cat inside; cat link folder/secret up/etc/passwd 2>/dev/null; echo end",
        f"echo in > real; ln -s real inside; ln -s {secret} link; ln -s {tmp_path} folder; ln -s ../../.. up",
    )
    built = build(command, "")
    assert {name for name, (_, data) in built.value.items() if b"host" in data} == set()
    assert built.value["link"][1] == str(secret).encode()
    assert run(command, "").value == "in\nend\n"
    assert secret.read_text() == "of the host" and sorted(p.name for p in tmp_path.iterdir()) == ["secret"]


def test_nothing_survives_from_the_build_or_from_one_run_to_another() -> None:
    command = Command(
        "a.sh",
        "ls /tmp /tmp/work; [ -e /tmp/mark ] && echo seen; touch /tmp/mark; (sleep 100 &) ; true",
        "touch /tmp/mark; (sleep 100 &) ; touch kept",
    )
    first, second = run(command, "").value, run(command, "").value
    assert first == second and "seen" not in first and "kept" in first


def test_folders_of_the_machine_are_shown_read_only(tmp_path: Path) -> None:
    (tmp_path / "table").write_text("42")
    tools = Tools((str(tmp_path),))
    text = f"cat {tmp_path}/table; echo x > {tmp_path}/table"
    source = wrap(Command("a.sh", "sh a.sh"), Source({"a.sh": text}, RUN, "command"))
    session = BubblewrapSandbox(tools=tools).open(source, LIMITS)
    assert session.call(PREPARE, {"a.sh": (0o644, text.encode())}).status is Status.OK
    reply = session.last_call(RUN)
    assert reply.status is Status.CRASHED and "ead-only" in reply.error
    assert (tmp_path / "table").read_text() == "42"


def test_the_wrapper_can_not_be_reached_by_its_child() -> None:
    """Signals to the first process of a namespace need a handler there, and it has none."""
    for name in ("KILL", "TERM", "STOP", "USR1", "HUP", "INT"):
        assert shell(f"kill -{name} 1; echo alive").value == "alive\n"

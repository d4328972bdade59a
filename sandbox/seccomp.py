"""The system calls that a sandboxed program may make, as a classic BPF program for the kernel's seccomp filter.

An allow list: what CPython and numpy need, everything else fails with EPERM. Calls made for another architecture,
or for x32, kill the process. New processes are allowed only where the limits say so, threads always, new
namespaces never. `clone3` passes its flags in memory, where a filter can not look, so it fails with ENOSYS and the C
library falls back to `clone`. What runs a command may make some calls more, which compilers, shells and interpreters
need, and which reach nothing beyond the program's own processes and files; what builds one also sets modes and times
of files, which anywhere else could be a message to the next run. `execve` stays allowed because the filter
is loaded before the interpreter is started; another program would run under the same filter, limits and mounts.

Layout of a filter and of what it reads: linux/filter.h, linux/seccomp.h. Numbers: asm/unistd_64.h (x86_64) and
asm-generic/unistd.h (aarch64).
"""

from __future__ import annotations

import errno
import os
import struct
from functools import cache

from evolve.core.errors import UsageError

ARCHITECTURES = {"x86_64": 0xC000003E, "aarch64": 0xC00000B7}

# name:number on x86_64:number on aarch64, "-" where the architecture has no such call.
_ALLOWED = """
read:0:63 write:1:64 futex:202:98 clock_gettime:228:113 munmap:11:215 poll:7:- ppoll:271:73
readv:19:65 writev:20:66 pread64:17:67 pwrite64:18:68 preadv:295:69 pwritev:296:70 lseek:8:62 close:3:57
close_range:436:436 dup:32:23 dup2:33:- dup3:292:24 select:23:- pselect6:270:72
sched_yield:24:124 clock_getres:229:114 clock_nanosleep:230:115 nanosleep:35:101 gettimeofday:96:169 time:201:-
times:100:153 getrusage:98:165 mprotect:10:226 mremap:25:216 brk:12:214 msync:26:227
membarrier:324:283 open:2:- openat:257:56 stat:4:- fstat:5:80 lstat:6:- newfstatat:262:79 statx:332:291 access:21:-
faccessat:269:48 faccessat2:439:439 readlink:89:- readlinkat:267:78 getdents64:217:61 getcwd:79:17 chdir:80:49
fchdir:81:50 mkdir:83:- mkdirat:258:34 rmdir:84:- unlink:87:- unlinkat:263:35 rename:82:- renameat:264:38
renameat2:316:276 link:86:- linkat:265:37 symlink:88:- symlinkat:266:36 truncate:76:45 ftruncate:77:46
umask:95:166 fsync:74:82 fdatasync:75:83
rt_sigaction:13:134 rt_sigprocmask:14:135 rt_sigreturn:15:139 rt_sigpending:127:136 rt_sigtimedwait:128:137
rt_sigsuspend:130:133 sigaltstack:131:132 restart_syscall:219:128 pause:34:- kill:62:129 tkill:200:130 tgkill:234:131
alarm:37:- setitimer:38:103 getitimer:36:102 getpid:39:172 gettid:186:178 getppid:110:173 getuid:102:174
geteuid:107:175 getgid:104:176 getegid:108:177 getresuid:118:148 getresgid:120:150 getgroups:115:158 getpgid:121:155
getpgrp:111:- getsid:124:156 setsid:112:157 setpgid:109:154 set_tid_address:218:96 set_robust_list:273:99
get_robust_list:274:100 rseq:334:293 arch_prctl:158:- getcpu:309:168 sched_getaffinity:204:123 sched_getparam:143:121
sched_getscheduler:145:120 sched_get_priority_min:147:126 sched_get_priority_max:146:125 getpriority:140:141
getrlimit:97:163 setrlimit:160:164 sysinfo:99:179 uname:63:160 getrandom:318:278
wait4:61:260 waitid:247:95 exit:60:93 exit_group:231:94
"""
_WITH_PROCESSES = "fork:57:- vfork:58:- execve:59:221 pipe:22:- pipe2:293:59"
# Waiting for files (node, java), room for files and copies of them (ld, cp), extended attributes, to read (ls, cp), the
# only user and group that there are, which make sets before it starts a command, and what node and Rust do with a pair
# of sockets beyond reading and writing.
_WITH_TOOLS = """
statfs:137:43 fstatfs:138:44
epoll_create:213:- epoll_create1:291:20 epoll_ctl:233:21 epoll_wait:232:- epoll_pwait:281:22 eventfd:284:-
eventfd2:290:19 fallocate:285:47 copy_file_range:326:285 sendfile:40:71
getxattr:191:8 lgetxattr:192:9 fgetxattr:193:10 listxattr:194:11 llistxattr:195:12
flistxattr:196:13 setuid:105:146 setgid:106:144 setreuid:113:145 setregid:114:143 setresuid:117:147
setresgid:119:149 shutdown:48:210 getsockname:51:204 getsockopt:55:209 recvfrom:45:207
"""
# Modes and times of files (ld, install, touch, tar), locks of whole files, of which an open file has one at most
# (rustc), and advice on the page cache (cp, sort), which is the whole machine's: the next feels what was dropped.
_WITH_BUILDS = """
chmod:90:- fchmod:91:52 fchmodat:268:53 utimensat:280:88 utime:132:- utimes:235:- futimesat:261:- flock:73:32
fadvise64:221:223
"""
# Access lists of files are not supported; told so, install and `cp -p` set the mode alone.
_UNSUPPORTED = ("setxattr:188:5", "lsetxattr:189:6", "fsetxattr:190:7")

# What CUDA makes when it begins: a file in memory, a socket from which others could have its descriptor of unified
# memory (it fails where it may not listen; nobody can connect), descriptors for events.
_WITH_GPU = "pipe:22:- pipe2:293:59 memfd_create:319:279 bind:49:200 listen:50:201 eventfd:284:- eventfd2:290:19"
# Calls with one argument that is a command: number of the call, and the commands that are allowed.
# prctl: names of threads and of mappings; above all not PR_SET_PDEATHSIG, which ties the tree to its parent.
# fcntl: no locks, which cost kernel memory that nothing bounds. ioctl: questions about terminals and pipes.
# prlimit64: the caller's own limits, and no other process's.
_COMMANDS = {
    "prctl:157:167": (0, (15, 16, 0x53564D41)),
    "fcntl:72:25": (1, (0, 1, 2, 3, 4, 1030, 1032)),
    "ioctl:16:29": (1, (0x5401, 0x5413, 0x541B, 0x5421, 0x5450, 0x5451)),
    "prlimit64:302:261": (0, (0,)),
}
# The processors of the calling thread alone. A pair of Unix sockets, which the file channels of Java and the children
# of node and Rust need: two ends in the same hands, without a name that anybody could find. What would pass open files
# is not listed, and `monitor` bounds their number, because what is sent and not read is the kernel's to keep.
_TOOL_COMMANDS = {"sched_setaffinity:203:122": (0, (0,)), "socketpair:53:199": (0, (1,))}
_GPU_COMMANDS = {"socket:41:198": (0, (1,))}
# The driver's commands for computing, told from others by their low 16 bits ("F" and a number; the rest is the size):
# nv-ioctl-numbers.h and nv_escape.h of NVIDIA's kernel modules. Those of its unified memory are plain numbers:
# uvm_ioctl.h, uvm_linux_ioctl.h; without those for tools and tests. A filter does not see which device is asked.
_IOCTL, _IOCTL_TYPE = "ioctl:16:29", 0x4600
_DRIVER = (200, 201, 206, 207, 209, 210, 212, 214, 215, 217, 218)
_RESOURCES = (0x27, 0x29, 0x2A, 0x2B, 0x34, 0x35, 0x41, 0x4A, 0x4E, 0x4F, 0x54, 0x57, 0x58, 0x5E)
_UNIFIED_MEMORY = (
    *(0x30000001, 0x30000002, 23, 24, 25, 26, 27, 28, 29, 30, 31, 33, 34, 37, 38, 39, 42, 43, 44, 45, 46, 47),
    *(51, 53, 54, 55, 65, 66, 68, 69, 70, 71, 72, 73, 75),
)
# Memory that is shared and has no file would be nobody's in the kernel's account as soon as it is unmapped.
_MMAP, _MAP_SHARED, _MAP_ANONYMOUS = "mmap:9:222", 0x01, 0x20
# What empties the page cache: MADV_COLD and MADV_PAGEOUT, of asm-generic/mman-common.h.
_MADVISE, _EVICTIONS = "madvise:28:233", (20, 21)
_SIGACTION = "rt_sigaction:13:134"
_SIGCHLD = 17
_CLONE, _CLONE3 = "clone:56:220", "clone3:435:435"
_CLONE_THREAD = 0x00010000
_CLONE_NAMESPACES = 0x7E020000
_X32_BIT = 0x40000000

_LOAD, _JUMP, _EQUAL, _AT_LEAST, _ANY_BIT, _RETURN, _AND = 0x20, 0x05, 0x15, 0x35, 0x45, 0x06, 0x54
_LONGEST_JUMP = 255
_ALLOW, _KILL, _ERROR = 0x7FFF0000, 0x80000000, 0x00050000
_NUMBER, _ARCHITECTURE, _ARGUMENTS = 0, 4, 16
_DENY = _ERROR | errno.EPERM

Instruction = tuple[int, int, int, int]
"""Operation, jump if true, jump if false (both counted from the next instruction), operand."""


@cache
def program(
    processes: bool,
    machine: str | None = None,
    *,
    tools: bool = False,
    builds: bool = False,
    handles_children: bool = True,
    gpu: bool = False,
) -> bytes:
    """The filter for this machine, as an array of `sock_filter`; with `processes` the program may fork.

    With `tools` it may do what compilers and interpreters do, with `builds` what only the former need. Without
    `handles_children` it can not say what is to become of its children: the kernel forgets the processor time of those
    that are ignored. With `gpu` it may speak with NVIDIA's driver, and share memory that has no file.

    Raises UsageError where the architecture is neither x86_64 nor aarch64.
    """
    machine = machine or os.uname().machine
    if machine not in ARCHITECTURES:
        raise UsageError(
            f"the bubblewrap sandbox knows the system calls of {', '.join(ARCHITECTURES)}, not of {machine}",
            "Use the Docker sandbox on this machine.",
        )
    column = 1 + list(ARCHITECTURES).index(machine)
    allow: list[Instruction] = [(_RETURN, 0, 0, _ALLOW)]
    more = [_WITH_PROCESSES] * processes + [_WITH_TOOLS] * tools + [_WITH_BUILDS] * builds + [_WITH_GPU] * gpu
    answers = dict.fromkeys(" ".join([_ALLOWED, *more]).split(), allow)
    commanded = {**_COMMANDS, **(_TOOL_COMMANDS if tools else {}), **(_GPU_COMMANDS if gpu else {})}
    for call, (argument, commands) in commanded.items():
        answers[call] = _one_of(argument, commands)
    for call in _UNSUPPORTED if builds else ():
        answers[call] = [(_RETURN, 0, 0, _ERROR | errno.EOPNOTSUPP)]
    answers |= {_MMAP: _mmap(), _MADVISE: _none_of(2, _EVICTIONS), _CLONE: _clone(processes)}
    answers[_CLONE3] = [(_RETURN, 0, 0, _ERROR | errno.ENOSYS)]
    if not handles_children:
        answers[_SIGACTION] = _sigaction()
    if gpu:
        answers |= {_MMAP: allow, _IOCTL: _ioctl_of_gpu()}
    numbered = {call.split(":")[column]: answer for call, answer in answers.items()}
    code = _entry(machine) + _tree(_ranges({int(n): answer for n, answer in numbered.items() if n != "-"}))
    return b"".join(struct.pack("=HBBI", *instruction) for instruction in code)


def allowed_numbers(machine: str, tools: bool = False, builds: bool = False) -> dict[str, int]:
    """Every call that the filter names, those for tools and builds where asked for, with its number there."""
    column = 1 + list(ARCHITECTURES).index(machine)
    calls = [*(_ALLOWED + _WITH_PROCESSES).split(), *_COMMANDS, _MMAP, _MADVISE, _CLONE, _CLONE3]
    calls += [*_WITH_TOOLS.split(), *_TOOL_COMMANDS] if tools else []
    calls += [*_WITH_BUILDS.split(), *_UNSUPPORTED] if builds else []
    return {c.split(":")[0]: int(c.split(":")[column]) for c in calls if c.split(":")[column] != "-"}


def _entry(machine: str) -> list[Instruction]:
    code = [
        (_LOAD, 0, 0, _ARCHITECTURE),
        (_EQUAL, 1, 0, ARCHITECTURES[machine]),
        (_RETURN, 0, 0, _KILL),
        (_LOAD, 0, 0, _NUMBER),
    ]
    if machine == "x86_64":
        code += [(_AT_LEAST, 0, 1, _X32_BIT), (_RETURN, 0, 0, _KILL)]
    return code


def _ranges(answers: dict[int, list[Instruction]]) -> list[tuple[int, list[Instruction]]]:
    """The first number of each row of calls that are answered alike, from 0 on; what is not listed is refused."""
    ranges: list[tuple[int, list[Instruction]]] = []
    for number in sorted({0, *answers, *(number + 1 for number in answers)}):
        answer = answers.get(number, [(_RETURN, 0, 0, _DENY)])
        if not ranges or ranges[-1][1] != answer:
            ranges.append((number, answer))
    return ranges


def _tree(ranges: list[tuple[int, list[Instruction]]]) -> list[Instruction]:
    """Finds the range by halving: each process of a program pays for every number once, when its filter is installed.

    Every answer ends in a return, because it may replace the loaded number.
    """
    if len(ranges) == 1:
        return ranges[0][1]
    middle = len(ranges) // 2
    lower, upper = _tree(ranges[:middle]), _tree(ranges[middle:])
    first = ranges[middle][0]
    if len(lower) <= _LONGEST_JUMP:
        return [(_AT_LEAST, len(lower), 0, first), *lower, *upper]
    return [(_AT_LEAST, 0, 1, first), (_JUMP, 0, 0, len(lower)), *lower, *upper]


def _one_of(argument: int, values: tuple[int, ...]) -> list[Instruction]:
    """Allows the call where the low 32 bits of the argument, which are all that the kernel reads, are listed."""
    code: list[Instruction] = [(_LOAD, 0, 0, _ARGUMENTS + 8 * argument)]
    for value in values:
        code += [(_EQUAL, 0, 1, value), (_RETURN, 0, 0, _ALLOW)]
    return [*code, (_RETURN, 0, 0, _DENY)]


def _ioctl_of_gpu() -> list[Instruction]:
    """What `_COMMANDS` allow, and the driver's commands."""
    argument, commands = _COMMANDS[_IOCTL]
    code = [*_one_of(argument, (*commands, *_UNIFIED_MEMORY))[:-1], (_AND, 0, 0, 0xFFFF)]
    for number in (*_DRIVER, *_RESOURCES):
        code += [(_EQUAL, 0, 1, _IOCTL_TYPE | number), (_RETURN, 0, 0, _ALLOW)]
    return [*code, (_RETURN, 0, 0, _DENY)]


def _none_of(argument: int, values: tuple[int, ...]) -> list[Instruction]:
    """Refuses the call where the low 32 bits of the argument are listed."""
    code: list[Instruction] = [(_LOAD, 0, 0, _ARGUMENTS + 8 * argument)]
    for value in values:
        code += [(_EQUAL, 0, 1, value), (_RETURN, 0, 0, _DENY)]
    return [*code, (_RETURN, 0, 0, _ALLOW)]


def _mmap() -> list[Instruction]:
    """Refuses memory that is shared (MAP_SHARED_VALIDATE has that bit too) and has no file."""
    return [
        (_LOAD, 0, 0, _ARGUMENTS + 8 * 3),
        (_ANY_BIT, 0, 2, _MAP_ANONYMOUS),
        (_ANY_BIT, 0, 1, _MAP_SHARED),
        (_RETURN, 0, 0, _DENY),
        (_RETURN, 0, 0, _ALLOW),
    ]


def _sigaction() -> list[Instruction]:
    """Refuses another action for SIGCHLD; the question which one there is has no second argument."""
    return [
        (_LOAD, 0, 0, _ARGUMENTS),
        (_EQUAL, 1, 0, _SIGCHLD),
        (_RETURN, 0, 0, _ALLOW),
        (_LOAD, 0, 0, _ARGUMENTS + 8),
        (_EQUAL, 1, 0, 0),
        (_RETURN, 0, 0, _DENY),
        (_LOAD, 0, 0, _ARGUMENTS + 12),
        (_EQUAL, 1, 0, 0),
        (_RETURN, 0, 0, _DENY),
        (_RETURN, 0, 0, _ALLOW),
    ]


def _clone(processes: bool) -> list[Instruction]:
    without_thread = _ALLOW if processes else _DENY
    return [
        (_LOAD, 0, 0, _ARGUMENTS),
        (_ANY_BIT, 0, 1, _CLONE_NAMESPACES),
        (_RETURN, 0, 0, _DENY),
        (_ANY_BIT, 0, 1, _CLONE_THREAD),
        (_RETURN, 0, 0, _ALLOW),
        (_RETURN, 0, 0, without_thread),
    ]


@cache
def tasks_are_counted_by_namespace() -> bool:
    """Since Linux 5.14 RLIMIT_NPROC counts a user's tasks in their user namespace, before that all over the machine."""
    major, minor = os.uname().release.split(".")[:2]
    return (int(major), int("".join(filter(str.isdigit, minor)) or 0)) >= (5, 14)

"""What the system offers to keep the code under test from files, the network and other processes.

    separate()          ("namespaces",) or an empty tuple: for the processes that are forked from now on
    restrict(folder)    ("privileges", "seccomp", "landlock") or fewer: for this process and its children

Each mechanism works alone, and what the system lacks is left out: checking works without any. If the environment has
NN_SANDBOX=off, nothing is used.

    namespaces    no network, no shared memory of others, no other process can be seen or signaled, and the kernel
                  kills all processes when the first of them ends
    landlock      files can be written in the scratch folder only, and processes outside can't be traced
    seccomp       modes, owners, times and attributes of files can't be changed, which Landlock does not cover
    privileges    no new privileges by setuid programs; root loses all but reading files
"""

from __future__ import annotations

import contextlib
import ctypes
import errno
import os
import struct
from typing import Any

NEW_IPC, NEW_USER, NEW_PID, NEW_NET = 0x08000000, 0x10000000, 0x20000000, 0x40000000
CAPBSET_DROP, SET_NO_NEW_PRIVS = 24, 38
CREATE_RULESET, ADD_RULE, RESTRICT_SELF = 444, 445, 446  # the same on every architecture
RULESET_VERSION, PATH_BENEATH = 1, 1
WRITE_FILE, REFER, TRUNCATE, IOCTL = 1 << 1, 1 << 13, 1 << 14, 1 << 15
REMOVE_AND_MAKE = sum(1 << bit for bit in range(4, 13))
CONNECT_AND_BIND = 0b11
SET_SECCOMP, FILTER = 22, 2  # of prctl
LOAD_WORD, JUMP_IF_EQUAL, JUMP_IF_GREATER_OR_EQUAL, RETURN = 0x20, 0x15, 0x35, 0x06  # instructions of the kernel's BPF
NUMBER, ARCHITECTURE = 0, 4  # offsets in the data of a system call
ALLOW, REFUSE = 0x7FFF0000, 0x00050000 | errno.EPERM
OTHER_ABI = 0x40000000  # system calls of x32, the same ones by other numbers
REFUSED_CALLS = {
    # chmod, fchmod, chown, fchown, lchown, utime, setxattr to fremovexattr, utimes, fchownat, futimesat, fchmodat,
    # utimensat
    "x86_64": (0xC000003E, (90, 91, 92, 93, 94, 132, 188, 189, 190, 197, 198, 199, 235, 260, 261, 268, 280)),
    # setxattr to fsetxattr, removexattr to fremovexattr, fchmod, fchmodat, fchownat, fchown, utimensat
    "aarch64": (0xC00000B7, (5, 6, 7, 14, 15, 16, 52, 53, 54, 55, 88)),
}
"""The kernel's number of each architecture, and the system calls that change what Landlock does not cover."""
REFUSED_EVERYWHERE = (425, 452, 463, 466, 469)  # io_uring_setup, fchmodat2, setxattrat, removexattrat, file_setattr
SWITCH = "NN_SANDBOX"
OPEN_PATH = 0o10000000  # O_PATH
KEPT_CAPABILITIES = {2}  # of root: to read what belongs to others
CAPABILITY_VERSION = 0x20080522
DEVICES = ("/dev/null", "/dev/zero", "/dev/full", "/dev/tty", "/dev/urandom")


def separate() -> tuple[str, ...]:
    """Put the next child into namespaces of its own. The mechanisms that worked."""
    with contextlib.suppress(OSError, AttributeError, ValueError):
        if os.environ.get(SWITCH) != "off" and _new_namespaces():
            return ("namespaces",)
    return ()


def restrict(folder: str) -> tuple[str, ...]:
    """Take rights from this process and its children. The mechanisms that worked."""
    found: list[str] = []
    if os.environ.get(SWITCH) == "off":
        return ()
    with contextlib.suppress(OSError, AttributeError, ValueError):
        if _drop_privileges():
            found.append("privileges")
    with contextlib.suppress(OSError, AttributeError, ValueError):
        if _filter_system_calls():
            found.append("seccomp")
    with contextlib.suppress(OSError, AttributeError, ValueError):
        if _landlock(folder):
            found.append("landlock")
    return tuple(found)


def _libc() -> Any:
    return ctypes.CDLL(None, use_errno=True)


def _new_namespaces() -> bool:
    """Call unshare. A user who is not root needs a namespace of users, too."""
    libc, own = _libc(), NEW_PID | NEW_NET | NEW_IPC
    if libc.unshare(own) == 0:
        return True
    user, group = os.getuid(), os.getgid()
    with open("/proc/self/status") as file:
        if "CapEff:\t0000000000000000\n" not in file.read():  # it would lose rights that it may need to read files
            return False
    if libc.unshare(own | NEW_USER) != 0:
        return False
    for name, text in (("setgroups", "deny"), ("uid_map", f"{user} {user} 1"), ("gid_map", f"{group} {group} 1")):
        with open(f"/proc/self/{name}", "w") as file:
            file.write(text)
    return True


def _drop_privileges() -> bool:
    libc = _libc()
    if libc.prctl(SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0:
        return False
    for capability in set(range(64)) - KEPT_CAPABILITIES:
        libc.prctl(CAPBSET_DROP, capability, 0, 0, 0)  # fails without effect for a user who is not root
    kept = sum(1 << capability for capability in KEPT_CAPABILITIES) if os.geteuid() == 0 else 0
    libc.capset(struct.pack("=Ii", CAPABILITY_VERSION, 0), struct.pack("=6I", kept, kept, 0, 0, 0, 0))
    return True


def _filter_system_calls() -> bool:
    """Refuse the system calls of REFUSED_CALLS, and all of another architecture than that of this process."""
    if os.uname().machine not in REFUSED_CALLS:
        return False
    architecture, own = REFUSED_CALLS[os.uname().machine]
    numbers = (*own, *REFUSED_EVERYWHERE)
    last = len(numbers) + 5  # the instruction that refuses; jumps count from the next instruction
    program = [(LOAD_WORD, 0, 0, ARCHITECTURE), (JUMP_IF_EQUAL, 0, last - 2, architecture)]
    program += [(LOAD_WORD, 0, 0, NUMBER), (JUMP_IF_GREATER_OR_EQUAL, last - 4, 0, OTHER_ABI)]
    program += [(JUMP_IF_EQUAL, last - i, 0, number) for i, number in enumerate(numbers, 5)]
    program += [(RETURN, 0, 0, ALLOW), (RETURN, 0, 0, REFUSE)]
    code = ctypes.create_string_buffer(b"".join(struct.pack("=HBBI", *row) for row in program))
    filters = struct.pack("@HP", len(program), ctypes.addressof(code))
    return bool(_libc().prctl(SET_SECCOMP, FILTER, filters, 0, 0) == 0)


def _landlock(folder: str) -> bool:
    libc = _libc()
    version = libc.syscall(CREATE_RULESET, None, ctypes.c_size_t(0), RULESET_VERSION)
    if version < 1:
        return False
    files = WRITE_FILE | REMOVE_AND_MAKE | (REFER if version > 1 else 0) | (TRUNCATE if version > 2 else 0)
    files |= IOCTL if version > 4 else 0
    network = CONNECT_AND_BIND if version > 3 else 0
    scoped = 0b11 if version > 5 else 0  # abstract sockets and signals to processes outside
    attributes = struct.pack("=QQQ", files, network, scoped)[: 8 if version < 4 else 16 if version < 6 else 24]
    rules = libc.syscall(CREATE_RULESET, attributes, ctypes.c_size_t(len(attributes)), 0)
    if rules < 0:
        return False
    try:
        for path in (folder, *DEVICES):
            with contextlib.suppress(OSError):
                place = os.open(path, OPEN_PATH | os.O_CLOEXEC)
                allowed = files if path == folder else files & (WRITE_FILE | TRUNCATE | IOCTL)
                libc.syscall(ADD_RULE, rules, PATH_BENEATH, struct.pack("=Qi", allowed, place), 0)
                os.close(place)
        return bool(libc.syscall(RESTRICT_SELF, rules, 0) == 0)
    finally:
        os.close(rules)

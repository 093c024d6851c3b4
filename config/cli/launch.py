"""Becomes a supervised program: gives up root, dies with the supervisor, then exec.

Run as a script by the supervisor (`python -I -S launch.py SIGNAL PARENT UID GID program …`), so it
imports next to nothing. The order matters: a change of credentials clears the death signal.
"""

import ctypes
import os
import sys

PR_SET_PDEATHSIG = 1


def main(words: list[str]) -> None:
    """Prepare this process and replace it by the program."""
    signal, parent, uid, gid = (int(word) for word in words[:4])
    program = words[4:]
    if uid:
        os.setgroups([])
        os.setgid(gid)
        os.setuid(uid)
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal)
        if os.getppid() != parent:
            sys.exit(0)  # the supervisor died before the request was made
    os.umask(0o077)
    os.execv(program[0], program)  # noqa: S606


if __name__ == "__main__":
    main(sys.argv[1:])

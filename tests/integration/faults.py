# SPDX-FileCopyrightText: Copyright © Segue contributors
# SPDX-License-Identifier: MIT

"""Calls that fail: see faults.c, which is led from here. Not with AddressSanitizer, whose allocator it would hide.

    faults = Faults(session)
    session.start_service(env=faults.env)
    for fault in faults.each('memory'):     # the first allocation fails, then the second ...
        ...                                 # ... until this gets by with none that does
"""

import errno
import mmap
import os
import struct
import subprocess

CALLS = {name: 1 << i for i, name in enumerate(
    ['memory', 'thread', 'open', 'fstat', 'fcntl', 'pread', 'pwrite', 'readlink', 'advice'])}
LAYOUT = struct.Struct('=IiiiIIQ64s128s')
OURS = 'segue'      # in the names of both our libraries, and in no other's
STEPS_MAX = 2000    # more than anything takes


class Faults:
    """One for a session. `steps` are those tried so far, `failed` those of them that met a fault."""

    def __init__(self, session):
        self.session = session
        self.path = session.path / 'faults'
        self.path.write_bytes(bytes(LAYOUT.size))
        with open(self.path, 'r+b') as f:
            self.map = mmap.mmap(f.fileno(), LAYOUT.size)
        # what is freed isn't what it was: its use is seen
        self.env = {'SEGUE_FAULTS': str(self.path), 'MALLOC_PERTURB_': '165',
                    'LD_PRELOAD': str(session.build / 'tests/integration/libsegue-test-faults.so')}
        self.steps = self.failed = 0

    def arm(self, call, nth=1, result=-errno.ENOMEM, lasting=False, of=OURS):
        """The nth call of a kind fails that is made by a library with this in its name; all after it, too, if
        lasting. A result is a negative errno, or what reads and writes give: 0 for nothing, 1 for a byte."""
        LAYOUT.pack_into(self.map, 0, 0, nth, lasting, result, 0, 0, 0, of.encode(), b'')
        struct.pack_into('=I', self.map, 0, CALLS[call])

    def disarm(self):
        """Where the first one was that failed: library and address; None: there was none."""
        struct.pack_into('=I', self.map, 0, 0)
        *_, n_failed, _, at, _, where = LAYOUT.unpack_from(self.map)
        return (where.rstrip(b'\0').decode(), at) if n_failed else None

    def each(self, call, **how):
        """Let each such call fail in turn, until there is none more."""
        for nth in range(1, STEPS_MAX):
            self.arm(call, nth, **how)
            yield nth
            where = self.disarm()
            self.steps += 1
            if where is None:
                return
            self.failed += 1
        raise AssertionError(f'{STEPS_MAX} steps are not enough')

    def place(self):
        """The line of the source where the first one failed, for a report."""
        *_, at, _, where = LAYOUT.unpack_from(self.map)
        library = where.rstrip(b'\0').decode()
        if not library:
            return 'nowhere'
        return subprocess.run(['addr2line', '-Cfsi', '-e', library, hex(at - 1)], capture_output=True,
                              text=True).stdout.replace('\n', ' ')


def open_descriptors(process):
    """How many a process has, and what they lead to."""
    folder = f'/proc/{process.pid}/fd'
    links = []
    for name in os.listdir(folder):
        try:
            links.append(os.readlink(f'{folder}/{name}'))
        except FileNotFoundError:
            pass
    return sorted(links)

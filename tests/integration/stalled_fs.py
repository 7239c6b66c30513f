# SPDX-FileCopyrightText: Copyright © Segue contributors
# SPDX-License-Identifier: MIT

"""A file system with one file, hall.wav, whose every read waits for ever: `stalled_fs.py MOUNTPOINT`.

Speaks FUSE's protocol itself (linux/fuse.h), as little of it as that needs. Wants root; ending it ends
every wait.
"""

import ctypes
import errno
import os
import stat
import struct
import sys

LOOKUP, FORGET, GETATTR, OPEN, READ, INIT = 1, 2, 3, 14, 15, 26
ROOT, FILE = 1, 2
SIZE = 1 << 20


def attributes(node):
    mode, size = (stat.S_IFDIR | 0o755, 0) if node == ROOT else (stat.S_IFREG | 0o644, SIZE)
    return struct.pack('<6Q3I7I', node, size, 0, 0, 0, 0, 0, 0, 0, mode, 1, 0, 0, 0, 4096, 0)


def answer(opcode, node, body):
    """The reply's error and payload; None: there is none."""
    if opcode == INIT:
        return 0, struct.pack('<4I2H2I2H8I', 7, 31, 0, 0, 16, 12, 4096, 1, 0, 0, *[0] * 8)
    if opcode == LOOKUP and body.rstrip(b'\0') == b'hall.wav':
        return 0, struct.pack('<4Q2I', FILE, 0, 3600, 3600, 0, 0) + attributes(FILE)
    if opcode == LOOKUP:
        return -errno.ENOENT, b''
    if opcode == GETATTR:
        return 0, struct.pack('<Q2I', 3600, 0, 0) + attributes(node)
    if opcode == OPEN:
        return 0, struct.pack('<Q2I', 0, 0, 0)
    if opcode in (READ, FORGET):
        return None
    return -errno.ENOSYS, b''


def main():
    device = os.open('/dev/fuse', os.O_RDWR)
    libc = ctypes.CDLL(None, use_errno=True)
    data = f'fd={device},rootmode=40000,user_id=0,group_id=0,allow_other'
    if libc.mount(b'stalled', os.fsencode(sys.argv[1]), b'fuse.stalled', 0, data.encode()) != 0:
        sys.exit(f'mount: {os.strerror(ctypes.get_errno())}')
    while True:
        try:
            request = os.read(device, 1 << 16)
        except OSError as error:
            if error.errno == errno.ENODEV:     # unmounted
                return
            raise
        _, opcode, unique, node = struct.unpack_from('<IIQQ', request)
        reply = answer(opcode, node, request[40:])
        if reply is not None:
            os.write(device, struct.pack('<IiQ', 16 + len(reply[1]), reply[0], unique) + reply[1])


main()

# SPDX-FileCopyrightText: Copyright © Segue contributors
# SPDX-License-Identifier: MIT

"""A file system with one file, hall.wav, whose every read waits for ever: `stalled_fs.py MOUNTPOINT`. With a FILE
behind it, it has what that has, can be written, and prints which thread closes it.

Speaks FUSE's protocol itself (linux/fuse.h), as little of it as that needs. Wants root; ending it ends
every wait.
"""

import ctypes
import errno
import os
import stat
import struct
import sys

LOOKUP, FORGET, GETATTR, SETATTR, OPEN, READ, WRITE, RELEASE, FLUSH, INIT = 1, 2, 3, 4, 14, 15, 16, 18, 25, 26
ROOT, FILE = 1, 2
content = open(sys.argv[2], 'rb').read() if len(sys.argv) > 2 else None


def attributes(node):
    n_bytes = 1 << 20 if content is None else len(content)
    mode, size = (stat.S_IFDIR | 0o755, 0) if node == ROOT else (stat.S_IFREG | 0o644, n_bytes)
    return struct.pack('<6Q3I7I', node, size, 0, 0, 0, 0, 0, 0, 0, mode, 1, 0, 0, 0, 4096, 0)


def answer(opcode, node, thread, body):
    """The reply's error and payload; None: there is none."""
    global content
    if opcode == INIT:
        return 0, struct.pack('<4I2H2I2H8I', 7, 31, 0, 0, 16, 12, 4096, 1, 0, 0, *[0] * 8)
    if opcode == LOOKUP and body.rstrip(b'\0') == b'hall.wav':
        return 0, struct.pack('<4Q2I', FILE, 0, 3600, 3600, 0, 0) + attributes(FILE)
    if opcode == LOOKUP:
        return -errno.ENOENT, b''
    if opcode == SETATTR:
        content = b''       # it is emptied to be written
    if opcode in (GETATTR, SETATTR):
        return 0, struct.pack('<Q2I', 3600, 0, 0) + attributes(node)
    if opcode == OPEN:
        return 0, struct.pack('<Q2I', 0, 0, 0)
    if opcode == FORGET or opcode == READ and content is None:
        return None
    if opcode == READ:
        offset, size = struct.unpack_from('<8xQI', body)
        return 0, content[offset:offset + size]
    if opcode == WRITE:
        return 0, struct.pack('<2I', *struct.unpack_from('<16xI', body), 0)
    if opcode == FLUSH:     # each close() waits for this
        print('closed by', thread, flush=True)
    if opcode in (FLUSH, RELEASE):
        return 0, b''
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
        opcode, unique, node, thread = struct.unpack_from('<4xIQQ8xI', request)
        reply = answer(opcode, node, thread, request[40:])
        if reply is not None:
            os.write(device, struct.pack('<IiQ', 16 + len(reply[1]), reply[0], unique) + reply[1])


main()

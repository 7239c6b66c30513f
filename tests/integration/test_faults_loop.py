# SPDX-FileCopyrightText: Copyright © Segue contributors
# SPDX-License-Identifier: MIT

"""The main loop stands still for seconds: the audio doesn't notice, and then everybody is answered."""

import contextlib
import ctypes
import errno
import os
import time

import numpy as np
import pytest

from bus import options
from mix import curve, error_db

SEIZE, INTERRUPT, DETACH = 0x4206, 0x4207, 17       # of ptrace(2)
WALL = 0x40000000
RATE = 48000
PERIOD = 128        # frames of 375 Hz
libc = ctypes.CDLL(None, use_errno=True)
libc.ptrace.argtypes = [ctypes.c_long, ctypes.c_long, ctypes.c_void_p, ctypes.c_void_p]


def trace(request, thread):
    if libc.ptrace(request, thread, None, None) == 0:
        return
    if ctypes.get_errno() == errno.EPERM:
        pytest.skip('threads may not be traced here')
    raise OSError(ctypes.get_errno(), f'ptrace({request:#x})')


@contextlib.contextmanager
def stopped(thread):
    """One thread of a process stands still, the others run."""
    trace(SEIZE, thread)
    trace(INTERRUPT, thread)
    os.waitpid(thread, WALL)
    try:
        yield
    finally:
        trace(DETACH, thread)


@pytest.mark.plain
@pytest.mark.slow
def test_the_main_loop_blocked_for_5_seconds_in_mid_fade(session, segue, source):
    service = session.processes['service']
    source.set('Frequency', 375.0)
    began = source.heard(source.wave('sine', gain=0.5, fade=0.0))
    scheduled = source.recorder.position() + 9 * RATE
    later = source.wave('sine', gain=0.1, fade=0.0, at=scheduled)
    fading = source.wave('sine', gain=0.25, fade=7.0)
    source.recorder.wait_for_frames(RATE // 2)
    buffers = [segue.generate('noise', seed=k) for k in range(20)]

    # the main thread has the process's number
    with stopped(service.pid):
        asked = [source.begin('Wave', '(sa{sv})', ('sine', options({'at': scheduled + (10 + k) * RATE})),
                              interface=source.SOURCE) for k in range(20)]
        released = [segue.bus.begin(b, 'org.segue.Segue1.Buffer', 'Release', '()', ()) for b in buffers]
        segue.bus.connection.flush_sync(None)
        time.sleep(5)       # the block itself
        segue.bus.dispatch()
        assert not any(reply.done for reply in asked + released)

    serials = [reply.result()[0] for reply in asked]
    for reply in released:
        reply.result()
    for serial in serials:
        source.cancel(serial)
        assert source.finished(serial).result == 'failed'
    faded = source.heard(fading)
    assert source.heard(later, deadline=20) == scheduled

    source.recorder.wait_for_position(scheduled + RATE // 10)
    assert source.recorder.gaps() == [] and source.get('Xruns') == 0
    take = source.recorder.take()
    end = scheduled + RATE // 10
    period = take[began:began + PERIOD].astype(float)
    gains = np.full(end - began, 0.5)
    g = curve(7 * RATE)
    gains[faded - began:faded - began + len(g)] = (1 - g) * 0.5 + g * 0.25
    gains[faded - began + len(g):] = 0.25
    gains[scheduled - began:] = 0.1
    expected = gains / 0.5 * period[np.arange(end - began) % PERIOD]
    assert error_db(take[began:end], expected) < -100
    segue.destroy(source)
    segue.assert_nothing_is_live()

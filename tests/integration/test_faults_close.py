# SPDX-FileCopyrightText: Copyright © Segue contributors
# SPDX-License-Identifier: MIT

"""Who closes a file may have to wait for its file system: that is never the main loop, however a load ends."""

import os
import time

import pytest

from bus import BusError


@pytest.fixture
def main_thread(session, segue):
    """It has the process's number."""
    return session.processes['service'].pid


def assert_closed_by_others(closers, main_thread, times):
    """So many times at least."""
    end = time.monotonic() + 10
    while len(closers()) < times and time.monotonic() < end:
        time.sleep(0.02)
    assert len(closers()) >= times
    assert main_thread not in closers()


def test_of_the_same_file_loaded_again(segue, watched_file, main_thread):
    path, closers = watched_file
    first = segue.ready(segue.load_file(path, keep=True))
    again = segue.load_file(path, keep=True)
    assert again == first
    # another one: their files are opened by one thread after the other, so that one has been closed
    segue.ready(segue.load_file(path, gain=0.5))
    assert_closed_by_others(closers, main_thread, 3)


def test_of_loads_that_are_cancelled(source, segue, watched_file, main_thread):
    path, closers = watched_file
    for k in range(30):
        segue.release(segue.load_file(path, gain=0.01 + k / 100))
    serials = []
    for k in range(30):
        serials.append(source.load(path, gain=0.5 + k / 100))
        try:
            source.cancel(serials[-1])
        except BusError:        # it is loaded
            pass
    for serial in serials:
        source.finished(serial)
    segue.wait_for_rest()
    assert_closed_by_others(closers, main_thread, 30)


def test_of_what_is_written(segue, watched_file, main_thread):
    """But for the descriptor that came with the call: sd-bus closes it with the message."""
    path, closers = watched_file
    buffer = segue.ready(segue.generate('noise', seconds=0.1))
    fd = os.open(path, os.O_RDWR | os.O_TRUNC)
    try:
        segue.bus.call(buffer, 'org.segue.Segue1.Buffer', 'Write', '(h)', (0,), fds=[fd])
        segue.get('Version')
        assert closers().count(main_thread) <= 1
    finally:
        os.close(fd)

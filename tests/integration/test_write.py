# SPDX-FileCopyrightText: Copyright © Segue contributors
# SPDX-License-Identifier: MIT

"""Buffer.Write: what a buffer holds comes back as a file."""

import os

import numpy as np
import pytest

from bus import BusError, memfd
from files import wav_header, write_float_wav, write_wav

DBUS = 'org.freedesktop.DBus.Error.'
RATE = 48000
HEADER = len(wav_header(1, 0))


@pytest.fixture
def write(segue):
    """Have a buffer written into this descriptor."""
    def run(buffer, fd):
        segue.bus.call(buffer, 'org.segue.Segue1.Buffer', 'Write', '(h)', (0,), fds=[fd])
    return run


def read_floats(fd, channels):
    """What libsndfile wrote: the data chunk of a WAV, wherever it is."""
    text = os.pread(fd, os.fstat(fd).st_size, 0)
    assert text[:4] == b'RIFF' and text[8:12] == b'WAVE'
    at = text.index(b'data') + 8
    return np.frombuffer(text[at:at + int.from_bytes(text[at - 4:at], 'little')], '<f4').reshape(-1, channels)


def refused(call, *args):
    with pytest.raises(BusError) as e:
        call(*args)
    return e.value


def test_a_sample_comes_back_as_it_was(segue, write, tmp_path):
    samples = np.random.default_rng(1).uniform(-1, 1, (10000, 2)).astype('f4')
    buffer = segue.ready(segue.load_file(write_float_wav(tmp_path / 'a.wav', samples)))
    with memfd(b'') as fd:
        write(buffer, fd)
        assert np.array_equal(read_floats(fd, 2), samples)


def test_a_response_comes_back_at_its_own_rate(segue, write, tmp_path):
    samples = np.random.default_rng(2).uniform(-1, 1, (5000, 1)).astype('f4')
    path = write_float_wav(tmp_path / 'a.wav', samples, rate=44100)
    buffer = segue.ready(segue.load_file(path, kind='response'))
    with memfd(b'') as fd:
        write(buffer, fd)
        assert np.array_equal(read_floats(fd, 1), samples)


def test_a_table_comes_back_as_a_period(segue, write):
    buffer = segue.ready(segue.generate('harmonics:1,0.5'))
    with memfd(b'') as fd:
        write(buffer, fd)
        period = read_floats(fd, 1)[:, 0]
    phase = 2 * np.pi * np.arange(len(period)) / len(period)
    expected = np.sin(phase) + 0.5 * np.sin(2 * phase)
    assert period / np.abs(period).max() == pytest.approx(expected / np.abs(expected).max(), abs=1e-5)


def test_files_that_can_not_be_written_are_refused(segue, write, tmp_path):
    buffer = segue.ready(segue.generate('noise', seconds=0.1))
    path = tmp_path / 'a.wav'
    path.write_bytes(b'')
    with open(path) as f:
        assert refused(write, buffer, f.fileno()).name == DBUS + 'AccessDenied'
    with memfd(b'full') as fd:
        assert refused(write, buffer, fd).message == "noise: isn't empty"
        assert os.pread(fd, 8, 0) == b'full'
    with open('/dev/null', 'w') as f:
        assert refused(write, buffer, f.fileno()).message == 'noise: not a regular file'


def test_what_has_no_samples_yet_or_never_is_told(segue, write, tmp_path):
    path = tmp_path / 'long.wav'
    path.write_bytes(wav_header(1, 1200 * 44100, 44100))
    os.truncate(path, HEADER + 4 * 1200 * 44100)
    loading = segue.load_file(path)
    write_wav(tmp_path / 'a.wav', np.full(100, 0.5))
    (tmp_path / 'kit.sfz').write_text('<region> sample=a.wav')
    with memfd(b'') as fd:
        error = refused(write, loading, fd)
        assert (error.name, error.message) == ('org.segue.Segue1.Error.Busy', 'long.wav: is still loading')
        segue.release(loading)
        kit = segue.ready(segue.load_file(tmp_path / 'kit.sfz'))
        error = refused(write, kit, fd)
        assert (error.name, error.message) == (DBUS + 'InvalidArgs', 'kit.sfz: has no samples of its own')
        assert os.fstat(fd).st_size == 0


def test_a_buffer_may_be_released_while_it_is_written(session, segue, write):
    """By its last owner, again and again: memory and answers come out right either way."""
    for _ in range(20):
        buffer = segue.ready(segue.generate('noise', seconds=2.0))
        with memfd(b'') as fd:
            asked = segue.bus.begin(buffer, 'org.segue.Segue1.Buffer', 'Write', '(h)', (0,), fds=[fd])
            segue.release(buffer)
            asked.result()
            assert len(read_floats(fd, 1)) == 2 * RATE
    segue.bus.wait_until('rest', lambda: segue.get('BytesLive') == segue.get('BytesRetired') == 0)

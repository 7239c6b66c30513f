# SPDX-FileCopyrightText: Copyright © Segue contributors
# SPDX-License-Identifier: MIT

"""Much at once: floods of requests, readers that stand still, long files."""

import signal
import subprocess
import wave

import numpy as np
import pytest

from bus import MANAGER, PROPERTIES, Segue, options
from chain import RATE
from files import wav_header
from fixture import wait_until

GROWTH_KIB = 32 * 1024


@pytest.mark.plain
def test_10000_swaps_as_fast_as_the_bus_takes_them(session, source, segue):
    service = session.processes['service']
    source.heard(source.wave('sine', gain=0.5))
    before = largest = service.resident_kib()
    gains = [(k % 100) / 100 for k in range(9999)] + [0.625]
    replies = []
    for k, gain in enumerate(gains):
        replies.append(source.begin('Wave', '(sa{sv})', ('sine', options({'gain': gain, 'fade': 0.001})),
                                    interface='org.segue.Segue1.Source'))
        if k % 100 == 99:
            replies[-1].result()
            largest = max(largest, service.resident_kib())
    serials = [r.result()[0] for r in replies]
    assert serials == sorted(set(serials))

    position = source.heard(serials[-1])
    results = source.bus.wait_until('answer to each', lambda: answers(source, serials))
    assert set(results) == {'applied', 'superseded'}
    source.recorder.wait_for_position(position + 4800)
    take = source.recorder.take()
    assert np.isclose(np.abs(take[take.end - 1280:]).max(), 0.625, atol=1e-5)
    segue.wait_for_rest()
    assert max(largest, service.resident_kib()) < before + GROWTH_KIB


def answers(node, serials):
    """Each request's result, once all have one."""
    results = {f.serial: f.result for f in node.all_finished()}
    return [results[s] for s in serials] if set(serials) <= set(results) else None


@pytest.mark.plain
def test_a_stopped_reader_of_signals_neither_blocks_nor_grows_the_service(session, source):
    service = session.processes['service']
    reader = session.start('reader', ['dbus-monitor', "type='signal',sender='org.segue.Segue1'"])
    source.heard(source.wave('sine', gain=0.5))
    before = service.resident_kib()
    reader.signal(signal.SIGSTOP)
    try:
        for k in range(3000):
            serial = source.wave('sine', gain=(k % 100) / 100, fade=0.0)
        source.heard(serial)
        assert service.resident_kib() < before + GROWTH_KIB
    finally:
        reader.signal(signal.SIGCONT)


@pytest.fixture(scope='module')
def long_flac(tmp_path_factory):
    """Ten minutes at another rate than the graph's, so that it is decoded and resampled."""
    path = tmp_path_factory.mktemp('flac') / 'long.wav'
    noise = np.random.default_rng(1).uniform(-0.1, 0.1, 60 * 44100 * 2)
    minute = (noise * 32767).astype('<i2').tobytes()
    with wave.open(str(path), 'wb') as w:
        w.setparams((2, 2, 44100, 0, 'NONE', None))
        for _ in range(10):
            w.writeframes(minute)
    subprocess.run(['flac', '-s', '-0', path, '-o', path.with_suffix('.flac')], check=True)
    path.unlink()
    return path.with_suffix('.flac')


@pytest.mark.plain
def test_a_small_wave_overtakes_a_long_load(source, segue, long_flac):
    xruns = source.get('Xruns')
    overtaken = source.load(long_flac)
    for _ in range(30):
        source.clock()
    assert source.all_finished() == []      # all answered while it loads
    source.heard(source.wave('sine', gain=0.5))
    assert source.finished(overtaken).result == 'superseded'
    segue.wait_for_rest()
    assert segue.get('BuffersReclaimed') == 0   # it was never made
    assert source.get('Xruns') == xruns
    assert source.recorder.gaps() == []


@pytest.mark.plain
def test_a_long_load_lets_the_sound_and_the_bus_go_on(source, segue, long_flac):
    xruns = source.get('Xruns')
    buffer = segue.load_file(long_flac)
    for k in range(5):
        source.heard(source.wave('sine', gain=0.5 + k / 10))
        source.clock()
    assert segue.buffer(buffer, 'State') == 'loading'   # all heard and answered while it does
    segue.bus.wait_until('end of loading', lambda: segue.buffer(buffer, 'State') != 'loading', deadline=60)
    assert segue.buffer(buffer, 'State') == 'ready'
    assert source.get('Xruns') == xruns
    assert source.recorder.gaps() == []


def test_a_file_that_is_still_recorded_ends_where_it_did_when_it_was_opened(segue, tmp_path):
    """Its header doesn't say how long it is, and more comes faster than it is read."""
    path = tmp_path / 'recording.wav'
    path.write_bytes(wav_header(1, 0, data_bytes=0xffffffff) + bytes(4 * RATE))
    writer = subprocess.Popen(['dd', 'if=/dev/zero', f'of={path}', 'bs=1M', 'count=1000', 'oflag=append',
                               'conv=notrunc', 'status=none'])
    try:
        wait_until('growth', lambda: path.stat().st_size > 1 << 20)
        buffer = segue.ready(segue.load_file(path))
        assert 1 << 20 <= segue.buffer(buffer, 'Bytes') <= path.stat().st_size
    finally:
        writer.kill()
        writer.wait()
        path.unlink()


N_LEFT = 5000


@pytest.mark.plain
def test_who_leaves_with_many_buffers_holds_nobody_up(session, segue):
    """What it owned is given up bit by bit, and others are answered in between."""
    def ask(n):
        return [segue.bus.begin(MANAGER, PROPERTIES, 'Get', '(ss)', (segue.INTERFACE, 'BuffersLive'))
                for _ in range(n)]

    with session.bus() as other:
        Segue(other).import_many(N_LEFT)
        other.wait_until('buffers', lambda: segue.get('BuffersLive') == N_LEFT)
        replies = ask(200)
    replies += ask(400)
    seen = {reply.result()[0] for reply in replies}
    segue.assert_nothing_is_live()
    assert segue.get('BuffersReclaimed') == N_LEFT
    assert seen - {0, N_LEFT}, 'all at once'

# SPDX-FileCopyrightText: Copyright © Segue contributors
# SPDX-License-Identifier: MIT

"""A cycle in which a swap is taken, and those of its fade, are done in their time as others are.

The tests' driver waits for its graph, so no cycle is missed however long one takes. Looked at is the time that the
data loop's thread is on a processor: a busy machine hardly adds to it.
"""

import numpy as np
import pytest

from chain import impulse_response
from files import write_float_wav
from recording import Recorder, loads

pytestmark = [pytest.mark.plain, pytest.mark.session(quantum=128)]

N_SWAPS = 30
FADE = 64 / 48000       # seconds: within a cycle, or two
ADDED_MOST = 0.1        # of the time a cycle has


def swap_waves(node, path):
    for k in range(N_SWAPS):
        yield node.wave('sine', gain=0.5 + k % 2 / 4, fade=FADE)


def swap_responses(node, path):
    files = [write_float_wav(path / f'room{k}.wav', impulse_response(0.5, seed=k)) for k in range(2)]
    for k in range(N_SWAPS):
        yield node.load(files[k % 2], fade=FADE)


@pytest.mark.parametrize('kind, swap', [('source', swap_waves), ('convolver', swap_responses)])
def test_a_swap_makes_no_cycle_long(session, segue, kind, swap):
    node = segue.create('node', kind, audio_position='[ MONO ]')
    recorder = Recorder(session, ['node:output_MONO'], watched=session.processes['service'])
    heard, leads = [], []
    for serial in swap(node, session.path):
        heard.append(node.heard(serial))
        leads.append(node.get('SwapLead'))
    recorder.wait_for_frames(4800)
    cycles = recorder.cycles()
    begins, of_cycles = cycles['position'][1:], loads(cycles)

    def load_at(position):
        return of_cycles[np.searchsorted(begins, position, 'right') - 1]

    # the medians: an interrupt counts for the cycle it comes in
    takes, fades = (np.median([load_at(p) for p in positions]) for positions in
                    ([p - lead for p, lead in zip(heard, leads)], heard))
    quiet = np.median(of_cycles)
    print(f'{quiet:.3f} of its time is what a cycle takes; with a take {takes:.3f}, with a fade {fades:.3f}')
    assert max(takes, fades) < quiet + ADDED_MOST

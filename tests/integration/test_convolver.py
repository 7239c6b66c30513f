# SPDX-FileCopyrightText: Copyright © Segue contributors
# SPDX-License-Identifier: MIT

"""A convolver in the graph gives the convolution of all that came in, and swaps are heard as the mix."""

import numpy as np
import pytest

from chain import RATE, Chain, impulse_response
from convolution import taps
from files import write_float_wav


# ---- convolution

@pytest.mark.parametrize('inputs, n_channels', [('M', 1), ('LR', 1), ('LR', 2), ('LR', 4)],
                         ids=['mono', 'one for both', 'diagonal', 'true stereo'])
def test_it_is_the_convolution_without_a_frame_of_delay(session, segue, tmp_path, inputs, n_channels):
    chain = Chain(session, segue, {'M': ['MONO'], 'LR': ['FL', 'FR']}[inputs])
    response = impulse_response(0.6, n_channels)
    path = write_float_wav(tmp_path / 'room.wav', response)
    chain.swap(path, taps(response, len(inputs), len(inputs)))
    start = chain.play()
    chain.recorder.wait_for_position(start + RATE)
    chain.assert_is_the_mix()

# SPDX-FileCopyrightText: Copyright © Segue contributors
# SPDX-License-Identifier: MIT

"""Every allocation fails in turn, on the main loop and in workers: one error, and everything is as it was."""

import pytest

from attempts import FAILED, NO_MEMORY, Attempts, try_each
from bus import BusError

NAMES = [name for name, value in vars(Attempts).items() if callable(value) and value.__code__.co_argcount == 1]
# the least of them that are met, below what is seen by as much as others' versions may differ
LEAST = {'notes': 0, 'settings': 0, 'play': 1, 'write': 2, 'reading': 5, 'buffer_of_noise': 5}
LEAST_OF_OTHERS = 9
LEAST_OF_THE_BUS = 40
QUICK = 'make_source', 'wave', 'response_of_samples', 'buffer_of_a_file'


def is_no_memory(name, message):
    return name == NO_MEMORY or name == FAILED and ('no memory' in message or 'Cannot allocate memory' in message)


@pytest.mark.plain
@pytest.mark.parametrize('name', [n if n in QUICK else pytest.param(n, marks=pytest.mark.slow) for n in NAMES])
def test_an_allocation_that_fails_is_one_error_and_nothing_else(stage, tmp_path, name):
    try_each(stage, getattr(Attempts(stage, tmp_path), name), 'memory', is_no_memory,
             LEAST.get(name, LEAST_OF_OTHERS))


@pytest.mark.plain
@pytest.mark.slow
def test_an_allocation_of_the_bus_that_fails_leaves_nobody_waiting(stage, tmp_path):
    """The call may end as it would if the bus had gone: then the service is back on it by itself."""
    attempts = Attempts(stage, tmp_path)
    attempts.is_unsure = True
    operation = attempts.wave
    for nth in stage.faults.each('memory', of='libsystemd'):
        try:
            error = operation()
        except BusError as e:
            error = e.name, e.message
        stage.faults.disarm()
        print(f'allocation {nth}, {stage.faults.place()}: {error}')
        assert error is None or not error[0].startswith('local:')
        stage.session.wait_for_name('org.segue.Segue1', stage.service)
        stage.clean()
    assert stage.faults.failed >= LEAST_OF_THE_BUS

# SPDX-FileCopyrightText: Copyright © Segue contributors
# SPDX-License-Identifier: MIT

"""seguectl used wrongly, or where something it needs is missing: one line that says what and why."""

import pytest

# the fixtures are its own
from test_seguectl import (FAILED, USAGE, begin, ctl, hall, on_terminal, room, synth)    # noqa: F401


# ---- words

@pytest.mark.parametrize('args, wrong', [
    (('load', 'synth', '-dash.wav'), '-dash.wav'), (('load', 'synth', 'hall.wav', '-abc'), '-abc'),
    (('-x',), '-x'), (('wave', '-x', 'synth', 'saw'), '-x')])
def test_the_option_that_is_not_there_is_named(ctl, args, wrong):
    assert ctl(*args, status=USAGE) == f"seguectl: No option '{wrong}'. See seguectl --help\n"


def test_an_option_without_its_argument_is_named(ctl):
    assert ctl('load', 'synth', 'hall.wav', '--fade', status=USAGE) == 'seguectl: --fade needs an argument\n'


def test_help_is_an_option(ctl):
    assert "Did you mean '--help'?" in ctl('help', status=USAGE)


def test_the_usage_of_a_command_without_arguments_ends_with_its_name(ctl):
    assert ctl('buffers', 'x', status=USAGE) == 'seguectl: Usage: seguectl buffers\n'


# ---- properties

@pytest.mark.parametrize('key', ['Buffer', 'Ids', 'CycleTime', 'Peak'])
def test_what_is_no_setting_can_only_be_read(synth, ctl, key):
    for value in '6', 'x':
        assert ctl('set', 'synth', key, value, status=FAILED) == f'seguectl: synth: {key} can only be read\n'


def test_a_number_too_large_is_refused_under_the_name_it_was_called(synth, ctl):
    assert ctl('set', 'synth', 'segue.channel', '4294967296', status=USAGE) == (
        'seguectl: segue.channel: the number is too large\n')

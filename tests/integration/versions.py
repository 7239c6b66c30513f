# SPDX-FileCopyrightText: Copyright © Segue contributors
# SPDX-License-Identifier: MIT

"""What differs between the versions of PipeWire and of its tools, as far as the tests meet it."""

import os
import subprocess

import pytest

PIPEWIRE = tuple(int(n) for n in subprocess.run(['pkg-config', '--modversion', 'libpipewire-0.3'], check=True,
                                                capture_output=True, text=True).stdout.split('.'))


# in a virtual machine the shipped configuration has a minimum of its own, which this takes back: in the context's
# properties, and beside them
IN_VM = ('', '''context.properties.rules = [
    { matches = [ { cpu.vm.name = !null } ]  actions = { update-props = { default.clock.min-quantum = 1 } } }
]''') if PIPEWIRE >= (1, 4) else ('vm.overrides = { }', '')


def sink_format(rate):
    """Properties of a null sink that is to have its ports without a session manager: 1.4 looks at the first format
    alone, and only if nothing of it is a choice. Otherwise the sink follows the graph's rate."""
    return f'audio.format = F32P  audio.rate = {rate}' if (1, 4) <= PIPEWIRE < (1, 6) else ''


# forcing the quantum makes the graph anew, and a node meets the shared memory of its links with a fault each
REMAPS = PIPEWIRE >= (1, 4)

# WirePlumber 0.5 sets every volume, to what it has saved, or to 1
SETS_VOLUMES = PIPEWIRE >= (1, 4)

# pw-record runs in its main thread since 1.4, as anybody does
QUIETLY = ['chrt', '--fifo', '50'] if PIPEWIRE >= (1, 4) and os.geteuid() == 0 else []


def before(*version):
    """For tests of what later ones don't let happen."""
    return pytest.mark.skipif(PIPEWIRE >= version, reason=f"PipeWire {'.'.join(map(str, version))} doesn't let it happen")


def since(*version):
    """For tests of what older ones don't have."""
    return pytest.mark.skipif(PIPEWIRE < version, reason=f'PipeWire {".".join(map(str, version))} has it first')

# SPDX-FileCopyrightText: Copyright © Segue contributors
# SPDX-License-Identifier: MIT

"""The user's unit, started by a user manager of the test's own, as hardened as it is shipped."""

import os
import pathlib
import re
import shutil
import subprocess

import pytest

from bus import Segue
from fixture import PLAIN_BUILD, ROOT, wait_until

MANAGER = pathlib.Path('/lib/systemd/systemd')
# the trees of control groups that a manager uses, one or two of these
CGROUPS = [p for p in map(pathlib.Path, ('/sys/fs/cgroup', '/sys/fs/cgroup/systemd', '/sys/fs/cgroup/unified'))
           if os.access(p / 'cgroup.procs', os.W_OK)]
NOT_HERE = os.getuid() != 0 or not MANAGER.exists() or not CGROUPS


def systemd_version():
    return int(re.match(r'systemd (\d+)', subprocess.run(['systemctl', '--version'], check=True, capture_output=True,
                                                         text=True).stdout)[1])


# and the one tree later ones insist on
IS_UNIFIED = os.path.exists('/sys/fs/cgroup/cgroup.controllers')

# it starts only where systemd is the system's, too
START = '''
for group; do mkdir -p "$group" && echo $$ >"$group/cgroup.procs" || exit; done
mount -t tmpfs tmpfs /run && mkdir -p /run/systemd/system || exit
exec {manager} --user
'''
# whose tests run as root
AS_ROOT = '[Unit]\nConditionUser=\n'


def put(path, text):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)


@pytest.fixture
def units(session):
    """What is installed for a user, in the session's own folders; the manager with its bus and PipeWire."""
    session.stop()
    config, data = session.path / 'config', session.path / 'home/data'
    put(config / 'systemd/user/segue.service', (PLAIN_BUILD / 'module/segue.service').read_text())
    put(data / 'dbus-1/services/org.segue.Segue1.service',
        (PLAIN_BUILD / 'module/org.segue.Segue1.service').read_text())
    shutil.copy(ROOT / 'module/segue.conf', config / 'pipewire')
    for unit in 'segue.service', 'pipewire.service', 'pipewire.socket':
        put(config / f'systemd/user/{unit}.d/test.conf', AS_ROOT)

    groups = [p / session.remote for p in CGROUPS]
    try:
        session.start('systemd', ['unshare', '--mount', 'sh', '-c', START.format(manager=MANAGER), 'sh', *groups])
        wait_until('bus', lambda: session.run('busctl', '--user', 'list').returncode == 0)
        yield session
    finally:
        session.stop()
        for group in groups:
            for path in sorted(group.rglob('*/'), reverse=True):
                path.rmdir()
            group.rmdir()


@pytest.mark.plain
@pytest.mark.skipif(NOT_HERE, reason='needs root, systemd and control groups')
@pytest.mark.skipif(not NOT_HERE and not IS_UNIFIED and systemd_version() >= 256,
                    reason='this systemd needs the unified control groups')
def test_the_unit_is_started_by_the_bus_and_outlives_bus_and_pipewire(units):
    def systemctl(*args):
        return units.run('systemctl', '--user', *args, timeout=20).stdout.strip()

    def main_pid():
        return systemctl('show', '--value', '-p', 'MainPID', 'segue')

    def has_port():
        return 'synth:output_FL' in units.ports()

    assert systemctl('is-active', 'segue') == 'inactive'
    units.run(PLAIN_BUILD / 'tools/seguectl/seguectl', 'create', 'source', 'synth', 'mode=dsp', timeout=20, check=True)
    wait_until('port', has_port)
    pid = main_pid()
    assert pid != '0'

    systemctl('restart', 'pipewire')
    wait_until('port', has_port)
    systemctl('restart', 'dbus')
    units.wait_for_name('org.segue.Segue1')
    with units.bus() as bus:
        Segue(bus).node('synth')
    assert main_pid() == pid

    systemctl('stop', 'segue')
    assert systemctl('is-active', 'segue') == 'inactive'
    assert systemctl('show', '--value', '-p', 'Result', 'segue') == 'success'

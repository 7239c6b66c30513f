# SPDX-FileCopyrightText: Copyright © Segue contributors
# SPDX-License-Identifier: MIT

"""What `meson install` puts where, and what it says of places nobody searches."""

import json
import os
import signal
import subprocess

import pytest

from fixture import PLAIN_BUILD, ROOT, wait_until

# relative to the prefix; {lib} is its folder of libraries
SESSION = {
    'lib/systemd/user/segue.service',
    'share/dbus-1/interfaces/org.segue.Segue1.xml',
    'share/dbus-1/services/org.segue.Segue1.service',
    'share/pipewire/pipewire.conf.avail/50-segue.conf',
    'share/pipewire/segue.conf',
}
EVERYTHING = SESSION | {
    'bin/segue-bench',
    'bin/seguectl',
    'include/segue/handover.h',
    '{lib}/pipewire-0.3/libpipewire-module-segue.so',
    '{lib}/spa-0.2/segue/libspa-segue.so',
    'share/pkgconfig/segue.pc',
    'share/bash-completion/completions/seguectl',
    'share/fish/vendor_completions.d/seguectl.fish',
    'share/man/man1/segue-bench.1',
    'share/man/man1/seguectl.1',
    'share/man/man5/segue.conf.5',
    'share/man/man7/libpipewire-module-segue.7',
    'share/zsh/site-functions/_seguectl',
}
AS_BUILT = pytest.mark.skipif(not (PLAIN_BUILD / 'build.ninja').exists(), reason='it was built elsewhere')
VARIABLES = 'PIPEWIRE_MODULE_DIR', 'SPA_PLUGIN_DIR', '/etc/pipewire', 'systemctl --user link', 'XDG_DATA_DIRS'


def meson(*command, **env):
    return subprocess.run(['meson', *command], env=os.environ | env, check=True, capture_output=True,
                          text=True).stdout


def option(build, name):
    options = json.loads((build / 'meson-info/intro-buildoptions.json').read_text())
    return next(o['value'] for o in options if o['name'] == name)


def install(build, root, *arguments):
    """Everything below the prefix, and what was said."""
    said = meson('install', '-C', str(build), '--no-rebuild', *arguments, DESTDIR=str(root))
    below = root / option(build, 'prefix')[1:]
    files = {str(p.relative_to(below)) for p in below.rglob('*') if p.is_file()}
    assert sum(p.is_file() for p in root.rglob('*')) == len(files), 'something is outside of the prefix'
    return files, said


@AS_BUILT
def test_everything_is_installed_in_its_place(tmp_path):
    files, _ = install(PLAIN_BUILD, tmp_path)
    lib = option(PLAIN_BUILD, 'libdir')
    assert files == {f.format(lib=lib) for f in EVERYTHING}


@pytest.mark.parametrize('prefix, unsearched', [
    ('/usr', []),
    ('/usr/local', VARIABLES[:3]),
    ('/opt/segue', VARIABLES),
])
def test_a_prefix_that_is_not_searched_is_told_with_the_remedy(tmp_path, prefix, unsearched):
    meson('setup', f'--prefix={prefix}', '-Dtests=false', str(tmp_path / 'build'), str(ROOT))
    files, said = install(tmp_path / 'build', tmp_path / 'root', '--tags', 'session')
    assert files == SESSION
    # meson tells the command that says so, later also what that says
    told = list(dict.fromkeys(line.split('echo ')[-1].rstrip("'") for line in said.splitlines()
                              if 'is not searched by' in line))
    assert [variable for line in told for variable in VARIABLES if variable in line] == list(unsearched), told
    assert all(prefix in line for line in told)


@AS_BUILT
def test_systemd_understands_the_unit(session, tmp_path):
    install(PLAIN_BUILD, tmp_path, '--tags', 'session')
    unit, = tmp_path.rglob('segue.service')
    result = session.run('systemd-analyze', '--user', 'verify', unit)
    assert (result.returncode, result.stderr) == (0, '')


@pytest.mark.plain
@AS_BUILT
def test_the_bus_starts_the_service_as_installed(session, tmp_path):
    """On a bus without systemd the activation file's own command is run."""
    install(PLAIN_BUILD, tmp_path, '--tags', 'session')
    for name, folder in ('org.segue.Segue1.service', 'services'), ('segue.conf', 'config/pipewire'):
        installed, = tmp_path.rglob(name)
        (session.path / folder / name).write_bytes(installed.read_bytes())
    session.run('busctl', '--user', 'call', 'org.freedesktop.DBus', '/', 'org.freedesktop.DBus', 'ReloadConfig')
    session.run(PLAIN_BUILD / 'tools/seguectl/seguectl', 'create', 'source', 'synth', 'mode=dsp', check=True)
    wait_until('ports of synth', lambda: 'synth:output_FL' in session.ports())
    with session.bus() as bus:
        pid = bus.call('/org/freedesktop/DBus', 'org.freedesktop.DBus', 'GetConnectionUnixProcessID', '(s)',
                       ('org.segue.Segue1',), destination='org.freedesktop.DBus')
        os.kill(pid, signal.SIGTERM)
        bus.wait_until('end of the service', lambda: not bus.has_owner('org.segue.Segue1'))

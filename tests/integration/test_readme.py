# SPDX-FileCopyrightText: Copyright © Segue contributors
# SPDX-License-Identifier: MIT

"""What README.md and the examples of the manual tell to type or to configure does what it says: it is run as written.

Commands are the lines of ```sh and those in the running text, configurations ```segue (our process) and ```pipewire
(the daemon). A command either is run or stands in one of the tables below.
"""

import os
import re
import select
import signal
import subprocess

import numpy as np
import pytest

from bus import Segue
from files import write_float_wav, write_midi
from fixture import ROOT, wait_until

README = (ROOT / 'README.md').read_text()
MANUAL, CONF = ((ROOT / f'man/{page}').read_text().split('.Sh EXAMPLES')[1].split('.Sh')[0]
                for page in ('seguectl.1', 'segue.conf.5'))
CONFIGURATIONS = {
    'README.md': re.findall('```segue\n(.*?)```', README, re.S),
    'segue.conf.5': re.findall(r'\.Bd -literal\n(.*?)\.Ed', CONF, re.S),
}
IN_DAEMON = '\n'.join(re.findall('```pipewire\n(.*?)```', README, re.S))
# what a command begins with
PROGRAM = re.compile(r'(apt|busctl|dpkg-\w+|ffmpeg|man|meson|pipewire|pw-\w+|segue-bench|seguectl|systemctl)(?= |$)'
                     r'|(\./|build/|tools/)\w|examples/[\w-]+\.py\b')

# why it isn't run here
ELSEWHERE = {
    './tools/demo': 'test_demo.py runs it',
    './tools/demo --live': 'it wants the PipeWire somebody listens to',
    './tests/run': 'it runs this',
    './tests/run NAME': 'it runs this',
    './tests/package': 'test_package.py runs it',
    'meson setup build --prefix=/usr && ninja -C build && sudo ninja -C build install': 'test_install.py installs',
    'meson install': 'test_install.py installs',
    'ssh HOST seguectl load room church.wav --fade 1s': 'test_machines.py has a server for it',
    'ssh HOST seguectl load room - --fade 1s <church.wav': 'test_machines.py has a server for it',
    'ssh HOST seguectl monitor': 'test_machines.py has a server for it',
    'dpkg-buildpackage -b -us -uc': 'tests/package builds the packages',
    'apt install ../pipewire-segue_*.deb': 'tests/package installs them',
    'systemctl --user enable segue': 'test_systemd.py has the unit',
    'seguectl top': 'test_top.py runs it in a terminal',
    'man segue.conf': 'meson looks over the pages',
    'man seguectl': 'meson looks over the pages',
    'examples/stream-wavetables.py NODE': 'test_examples.py runs it',
    'ffmpeg -i hall.m4a hall.wav': "another project's",
    'tools/goals': 'it takes minutes',
    './tools/setup build': 'it installs packages of the system',
    './tools/setup build bench': 'it installs packages of the system',
    'pw-cli': 'the name alone',
    'pw-link': 'the name alone',
    'segue-bench': 'the name alone',
}

# what is run in its place: shorter, or where the text has a part only
INSTEAD = {
    'seguectl create': 'seguectl create --help',
    'seguectl load': 'seguectl load --help',
    'seguectl set': 'seguectl set --help',
    # it tells whom the system gives no priority
    'build/tools/segue-bench/segue-bench handover':
        'segue-bench handover --frames 64 --live 10 --cycles 100 2>/dev/null',
    'segue-bench convolver': 'segue-bench convolver --ir 0.1 --seconds 0.1',
    'segue-bench source': 'segue-bench source --voices 1 --quantum 64 --cycles 100',
    'segue-bench swap': 'segue-bench swap --ir 0.1 --seconds 0.1',
}

# started, seen to print, ended
GO_ON = 'seguectl monitor', 'seguectl top --json'

# before a node is played, its links run
WAIT = r'while [ "$(seguectl get \1 Quantum)" = 0 ]; do sleep 0.01; done; '


class Desktop:
    """Somebody's who reads: with WirePlumber, a keyboard, and the files of the examples where commands are typed."""

    def __init__(self, session, begin):
        self.session, self.begin = session, begin
        self.home = session.path / 'home'
        tools = session.build / 'tools'
        # PipeWire's tools warn of a system that gives them no priority
        session.env |= {
            'PATH': f'{tools}/seguectl:{tools}/segue-bench:{os.environ["PATH"]}', 'PIPEWIRE_DEBUG': '1'}
        session.start_wireplumber()
        write_files(self.home)
        # what they stand for; ID and a buffer's number follow
        self.words = {'NODE': 'keys', 'SINK': 'test-sink', 'KEYBOARD': self.start_keyboard()}
        self.used = set()

    def start_keyboard(self):
        """The name of its port; it holds no key within ten minutes."""
        path = write_midi(self.home / 'keyboard.mid', [(600 * 48000, (0xb0, 0, 0))])
        self.session.start('keyboard', ['pw-midiplay', '--target', '0', path]).expected |= {1}      # ended by us
        ports = wait_until('keyboard', lambda: [p for p in self.session.ports() if p.startswith('pw-midiplay:')])
        return ports[0]

    def type(self, where, command):
        self.used.add(command)
        if command in ELSEWHERE:
            return
        if command == 'systemctl --user start segue':
            self.session.start_service()
        elif command in GO_ON:
            self.watch(command)
        else:
            self.run(where, self.filled_in(INSTEAD.get(command, command)))

    def filled_in(self, command):
        """With what is this session's in place of the words that stand for it, and no faster than links are made."""
        if ' ID ' in command:
            self.words['ID'] = str(self.session.node_id('synth'))
        for word, value in self.words.items():
            command = re.sub(rf'\b{word}\b', value, command)
        return re.sub(r'^(?=seguectl (?:note|play) (\w+))', WAIT, command, flags=re.M)

    def run(self, where, command):
        result = self.session.run('sh', '-ec', command, timeout=30, cwd=self.home, stdin=subprocess.DEVNULL)
        assert (result.returncode, result.stderr) == (0, ''), f'{where}: {command}: {result.stderr}'
        if command.startswith('seguectl keep'):
            self.words['play synth 7'] = f'play synth {result.stdout.strip()}'

    def watch(self, command):
        process = self.begin(*command.split()[1:], stdin=subprocess.DEVNULL)

        def prints():
            self.run(command, 'seguectl wave synth saw')
            return select.select([process.stdout], [], [], 0)[0]
        wait_until(f'line of {command}', prints)
        process.send_signal(signal.SIGINT)
        assert process.communicate(timeout=20)[1] == ''
        assert process.returncode == -signal.SIGINT


def write_files(home):
    """Whatever the examples call by a name. libsndfile doesn't mind what a WAV is called."""
    sound = 0.25 * np.sin(2 * np.pi * 440 / 48000 * np.arange(24000))
    for name in 'hall.wav', 'church.wav', 'voice.wav', 'bell.wav', 'horn.wav', 'rain.flac', 'L.wav', 'R.wav':
        write_float_wav(home / name, sound)
    for rate in 44100, 48000:
        write_float_wav(home / f'eq-{rate}.wav', sound[:4800], rate)
    write_float_wav(home / 'hrir.wav', np.stack([sound[:4800]] * 16, axis=1))
    (home / 'kits').mkdir()
    for name, sample in ('kit.sfz', 'bell.wav'), ('kits/kit.sfz', '../bell.wav'):
        (home / name).write_text(f'<region> key=36 sample={sample}\n')


@pytest.fixture
def desktop(session, begin):
    return Desktop(session, begin)


def commands(text):
    """(line, command) of a page in Markdown, as they are read."""
    language = None
    for number, line in enumerate(text.splitlines(), 1):
        if line.startswith('```'):
            language = line[3:] if language is None else None
        elif language == 'sh' and line:
            yield number, re.sub(r'\s+#.*', '', line)
        elif language is None:
            yield from ((number, span) for span in re.findall('`([^`]+)`', line) if PROGRAM.match(span))


def alarms(process):
    return [line for line in process.text().splitlines() if line.startswith(('[E]', '[W]'))]


# ---- commands

def test_every_block_says_what_it_is():
    fences = re.findall('^```(.*)', README, re.M)
    assert set(fences[::2]) <= {'sh', 'segue', 'pipewire', 'text'} and set(fences[1::2]) == {''}


def test_every_command_of_the_readme_runs(session, desktop):
    for number, command in commands(README):
        desktop.type(f'README.md:{number}', command)
    assert set(ELSEWHERE) | set(INSTEAD) <= desktop.used
    assert (desktop.home / 'FILE').exists()
    with session.bus() as bus:
        assert Segue(bus).node('synth').get('Gain') == 0.5      # pw-cli's, which says nothing


def test_every_example_of_the_manual_runs(session, desktop):
    session.start_service()
    desktop.run('before', 'seguectl create source synth')
    blocks = re.findall(r'^\.Bd -literal -offset indent\n(.*?)^\.Ed|^\.Dl (.*)', MANUAL, re.M | re.S)
    assert len(blocks) == len(re.findall(r'^\.(?:Bd|Dl)', MANUAL, re.M))
    for block in blocks:
        desktop.type('seguectl.1', ''.join(block).strip())
    assert (desktop.home / 'hall.png').exists()


# ---- configurations

@pytest.mark.parametrize('page', CONFIGURATIONS)
def test_every_configuration_starts(session, page):
    session.start_wireplumber()
    write_files(session.path / 'home')
    for text in CONFIGURATIONS[page]:
        process = session.start_service(text.replace('/home/me', str(session.path / 'home')))
        with session.bus() as bus:
            segue = Segue(bus)
            names = re.findall(r'type = (?!none)\w+\s+node.name = (\S+)', text)
            assert names
            for name in names:
                bus.wait_until(f'{name} ready', lambda: segue.node(name).get('State') in ('idle', 'running'))
        assert alarms(process) == []
        process.stop()
    assert CONFIGURATIONS[page]


@pytest.mark.session(fragment=IN_DAEMON)
def test_the_configuration_of_the_daemon_starts(session):
    assert session.node_id(re.search('node.name = (\\S+)', IN_DAEMON)[1])
    assert alarms(session.processes['pipewire']) == []


def test_a_node_is_left_out_as_the_readme_says(session):
    omit = re.search('`({ type = none .*?})`', README)[1].replace('NAME', 'synth')
    process = session.start_service('segue.nodes = [ { type = source  node.name = synth }\n'
                                    f'{{ type = source  node.name = other }} {omit} ]')
    with session.bus() as bus:
        assert [path.rsplit('/')[-1] for path in Segue(bus).objects() if '/node/' in path] == ['other']
    assert alarms(process) == []

# SPDX-FileCopyrightText: Copyright © Segue contributors
# SPDX-License-Identifier: MIT

"""A private, headless audio session: its own runtime directory, bus, PipeWire and Segue.

Nothing of the user's is touched: HOME, the runtime directory, the bus and the remote's name all are
the session's own. Everything waits for what it needs under a deadline; nothing sleeps and hopes.

    with Session() as session:
        session.start_service()
        session.bus().call(...)
"""

import json
import os
import pathlib
import shutil
import signal
import socket
import subprocess
import tempfile
import time

import versions

ROOT = pathlib.Path(__file__).resolve().parents[2]
BUILD = pathlib.Path(os.environ.get('SEGUE_BUILD', ROOT / 'build')).resolve()
# measurements of memory, wake-ups and system calls want a build without sanitizers
PLAIN_BUILD = pathlib.Path(os.environ.get('SEGUE_PLAIN_BUILD', BUILD)).resolve()
# with RealtimeSanitizer: process() is watched
RTSAN_BUILD = pathlib.Path(os.environ.get('SEGUE_RTSAN_BUILD', ROOT / 'build/rtsan')).resolve()
DEADLINE = 10.0     # seconds: far beyond what anything here takes

# as in the session.conf that dbus-daemon ships, without its service directories
BUS_CONFIG = '''<!DOCTYPE busconfig PUBLIC "-//freedesktop//DTD D-Bus Bus Configuration 1.0//EN"
 "http://www.freedesktop.org/standards/dbus/1.0/busconfig.dtd">
<busconfig><type>session</type><listen>unix:path={socket}</listen><auth>EXTERNAL</auth>
<servicedir>{services}</servicedir>
<policy context="default"><allow user="*"/><allow send_destination="*"/><allow eavesdrop="true"/><allow own="*"/>
</policy>
<limit name="max_incoming_bytes">1000000000</limit>
<limit name="max_outgoing_bytes">1000000000</limit>
<limit name="max_message_size">1000000000</limit>
<limit name="max_incoming_unix_fds">250000000</limit>
<limit name="max_outgoing_unix_fds">250000000</limit>
<limit name="max_match_rules_per_connection">50000</limit>
<limit name="max_replies_per_connection">50000</limit>
</busconfig>'''

PIPEWIRE_CONFIG = '''
context.properties = {{
    core.name = {remote}
    default.clock.rate = {rate}
    default.clock.allowed-rates = [ 44100 48000 96000 ]
    default.clock.quantum = {quantum}
    default.clock.min-quantum = 1
    default.clock.max-quantum = 8192
    clock.power-of-two-quantum = false
    {properties}
    {in_vm[0]}
}}
{in_vm[1]}
# since 1.4 links are passive by their nodes only, otherwise
module.link-factory.args = {{ allow.link.passive = true }}
context.spa-libs = {{ segue.test.* = libsegue-test-driver }}
context.objects = [
    {{ factory = spa-node-factory args = {{
        factory.name = segue.test.driver  node.name = test-driver  node.freewheel = {freewheel}
        node.group = {group}  priority.driver = 300000 }} }}
    {{ factory = adapter args = {{
        factory.name = support.null-audio-sink  node.name = test-sink  media.class = Audio/Sink
        node.group = {group}  {sink_format}  audio.channels = 2  audio.position = [ FL FR ]  priority.session = 2000
        adapter.auto-port-config = {{ mode = dsp  monitor = true  position = preserve }} }} }}
]
'''


def wait_until(what, predicate, deadline=DEADLINE):
    """Ask again and again until predicate() is true; its value. The pause is the price of asking."""
    end = time.monotonic() + deadline
    while True:
        value = predicate()
        if value:
            return value
        if time.monotonic() > end:
            raise AssertionError(f'no {what} within {deadline:g} s')
        time.sleep(0.005)


def pkg_config(package, variable):
    return subprocess.run(['pkg-config', f'--variable={variable}', package], check=True,
                          capture_output=True, text=True).stdout.strip()


def is_sanitized(build):
    """Was this build made with AddressSanitizer?"""
    try:
        options = json.loads((build / 'meson-info/intro-buildoptions.json').read_text())
    except FileNotFoundError:
        return False
    return any(o['name'] == 'b_sanitize' and 'address' in o['value'] for o in options)


def realtime_sanitizer(build):
    """The runtime of RealtimeSanitizer, of a build that was made with it."""
    return build / 'tests/realtime/libsegue-rtsan.so'


class Process:
    """A child with its output in a file, ended by us or by a test."""

    def __init__(self, name, command, env, log, **popen):
        self.name = name
        self.log = log
        self.expected = {0}     # exit statuses that are no complaint
        with open(log, 'ab') as out:
            self.popen = subprocess.Popen([str(c) for c in command], env=env, stdout=out,
                                          stderr=subprocess.STDOUT, stdin=subprocess.DEVNULL, **popen)
        self.pid = self.popen.pid

    def alive(self):
        return self.popen.poll() is None

    def text(self):
        return self.log.read_text(errors='replace')

    def resident_kib(self):
        with open(f'/proc/{self.pid}/status') as f:
            return next(int(line.split()[1]) for line in f if line.startswith('VmRSS:'))

    def data_thread(self):
        """Its number: by the name that later versions give it, or because it is the first that was made."""
        tasks = sorted(pathlib.Path(f'/proc/{self.pid}/task').iterdir(), key=lambda t: int(t.name))
        named = [t for t in tasks if (t / 'comm').read_text().startswith('data-loop')]
        return (named or tasks[1:])[0].name

    def signal(self, number):
        self.popen.send_signal(number)

    def kill(self):
        """End it as a crash would."""
        self.expected = {-signal.SIGKILL}
        self.popen.kill()
        self.popen.wait()

    def stop(self, deadline=20.0):
        """End it as a user would. Its complaint, or None."""
        if self.alive():
            self.popen.terminate()
        try:
            status = self.popen.wait(deadline)
        except subprocess.TimeoutExpired:
            self.popen.send_signal(signal.SIGABRT)
            self.popen.send_signal(signal.SIGCONT)
            self.popen.wait()
            return f'{self.name} did not end within {deadline:g} s'
        if status in self.expected | {-signal.SIGTERM}:
            return None
        return f'{self.name} ended with status {status}'


class Session:
    """See the module's text. Public: env, path, seguectl, processes by name, and the methods below."""

    def __init__(self, quantum=256, rate=48000, fragment=None, build=BUILD, properties='', freewheel=False,
                 user=None, realtime=False):
        """properties: more of the context's, for daemon and service; freewheel: faster than time; user: whose
        everything is; realtime: that user may have real-time priority."""
        self.build = build
        self.seguectl = build / 'tools/seguectl/seguectl'
        self.properties = properties
        # a node of this group is all it takes
        self.group = 'pipewire.freewheel' if freewheel else 'segue.test'
        self.user = user
        self.wrapper = ['setpriv', f'--reuid={user}', '--regid=nogroup', '--clear-groups'] if user else []
        if realtime:
            self.wrapper += ['--inh-caps=+sys_nice', '--ambient-caps=+sys_nice']
        self.sanitized = is_sanitized(build)
        self.path = pathlib.Path(tempfile.mkdtemp(prefix='segue-test.'))
        self.processes = {}
        self.complaints = []
        self.fragment = fragment
        self._started = []
        self._kept_logs = None
        self._make_dirs()
        self._make_env()
        self._write('pipewire.conf.d/10-test.conf', PIPEWIRE_CONFIG.format(
            remote=self.remote, rate=rate, quantum=quantum, properties=properties, group=self.group,
            freewheel=str(freewheel).lower(), sink_format=versions.sink_format(rate),
            in_vm=versions.IN_VM))
        if fragment:
            self._write('pipewire.conf.d/50-test.conf', fragment)

    def __enter__(self):
        try:
            self.start_bus()
            self.start_pipewire()
        except BaseException:
            self.stop()
            raise
        return self

    def __exit__(self, *exc):
        self.stop()
        if exc[0] is None:
            assert not self.complaints, '\n'.join(self.complaints)

    # ---- what a session is made of

    def _make_dirs(self):
        for name in 'runtime', 'home', 'config/pipewire', 'services', 'spa', 'log':
            (self.path / name).mkdir(parents=True)
        (self.path / 'runtime').chmod(0o700)
        if self.user:
            for path in self.path, *self.path.rglob('*/'):
                shutil.chown(path, self.user)
        # the plugin is found as segue/libspa-segue in a plugin directory, as if it were installed
        (self.path / 'spa/segue').symlink_to(self.build / 'spa-plugin')

    def _make_env(self):
        keep = 'PATH', 'TMPDIR', 'LLVM_SYMBOLIZER_PATH'
        self.remote = f'segue-test-{os.getpid()}'
        self.env = {k: os.environ[k] for k in keep if k in os.environ} | {
            'HOME': f'{self.path}/home',
            'LC_ALL': 'C.UTF-8',
            'XDG_RUNTIME_DIR': f'{self.path}/runtime',
            'XDG_CONFIG_HOME': f'{self.path}/config',
            'XDG_STATE_HOME': f'{self.path}/home/state',
            'XDG_CACHE_HOME': f'{self.path}/home/cache',
            'XDG_DATA_HOME': f'{self.path}/home/data',
            'DBUS_SESSION_BUS_ADDRESS': f'unix:path={self.path}/runtime/bus',
            'PIPEWIRE_REMOTE': self.remote,
            'PIPEWIRE_DEBUG': os.environ.get('PIPEWIRE_DEBUG', '2'),
            # what libraries keep to the end
            'LSAN_OPTIONS': f'suppressions={ROOT}/tests/integration/leaks.supp:print_suppressions=0',
            'SPA_PLUGIN_DIR': ':'.join([f'{self.path}/spa', f'{self.build}/tests/integration',
                                        pkg_config('libspa-0.2', 'plugindir')]),
            'PIPEWIRE_MODULE_DIR': ':'.join([f'{self.build}/module',
                                             pkg_config('libpipewire-0.3', 'moduledir')]),
        }

    def _sanitizer_env(self, name):
        """What a program that isn't instrumented itself needs to load an instrumented plugin."""
        # unloaded plugins have no names in a report
        keep = {'PIPEWIRE_DLCLOSE': 'false'}
        if realtime_sanitizer(self.build).exists():
            return keep | {'LD_PRELOAD': str(realtime_sanitizer(self.build)),
                           'RTSAN_OPTIONS': f'external_symbolizer_path={shutil.which("addr2line")}'}
        if not self.sanitized:
            return {}
        log = f'log_path={self.path}/log/{name}.sanitizer'
        library = subprocess.run(['gcc', '-print-file-name=libasan.so'], check=True,
                                 capture_output=True, text=True).stdout.strip()
        # libasan.so may be a linker script: the preloader wants the library itself
        if not os.path.realpath(library).endswith(tuple('0123456789')):
            library = os.path.basename(library)
        return keep | {
            'LD_PRELOAD': os.path.realpath(library),
            'ASAN_OPTIONS': f'{log}:detect_leaks=1:fast_unwind_on_malloc=0:malloc_context_size=12',
            'UBSAN_OPTIONS': f'{log}:print_stacktrace=1:halt_on_error=1',
        }

    def _write(self, name, text):
        path = self.path / 'config/pipewire' / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(text)
        return path

    def start(self, name, command, env=None, **popen):
        """Start a process under a name, ended with the session."""
        process = Process(name, [*self.wrapper, *command], self.env | (env or {}), self.path / f'log/{name}.log',
                          **popen)
        self.processes[name] = process
        self._started.append(process)
        return process

    # ---- the parts

    def start_bus(self):
        path = self.path / 'runtime/bus'
        config = self.path / 'bus.conf'
        config.write_text(BUS_CONFIG.format(socket=path, services=self.path / 'services'))
        path.unlink(missing_ok=True)
        process = self.start('bus', ['dbus-daemon', '--nofork', '--nopidfile', f'--config-file={config}'])
        self._wait_for_socket(process, path)
        return process

    def change_bus(self, old, new):
        """Have the bus read its configuration anew, with this changed."""
        config = self.path / 'bus.conf'
        config.write_text(config.read_text().replace(old, new))
        with self.bus() as bus:
            bus.call('/org/freedesktop/DBus', 'org.freedesktop.DBus', 'ReloadConfig',
                     destination='org.freedesktop.DBus')

    def start_pipewire(self):
        # with the module inside, the daemon is what loads the instrumented plugin
        env = self._sanitizer_env('pipewire') if self.fragment and 'segue' in self.fragment else {}
        process = self.start('pipewire', ['pipewire'], env)
        self._wait_for_socket(process, self.path / 'runtime' / self.remote)

        def has_sink():
            assert process.alive(), f'{process.name} ended: {process.text()}'
            return any(port.startswith('test-sink:playback') for port in self.ports())
        wait_until('null sink', has_sink)
        return process

    def start_wireplumber(self):
        process = self.start('wireplumber', ['wireplumber'])
        wait_until('WirePlumber', lambda: 'default.audio.sink' in self.run('pw-metadata').stdout)
        return process

    def start_service(self, fragment=None, wait=True, wrapper=(), env=None):
        """Segue in a process of its own, configured as shipped, and by a fragment."""
        shutil.copy(ROOT / 'module/segue.conf', self.path / 'config/pipewire/segue.conf')
        if self.properties:
            self._write('segue.conf.d/10-test.conf', f'context.properties = {{ {self.properties} }}')
        if fragment:
            self._write('segue.conf.d/50-test.conf', fragment)
        process = self.start('service', [*wrapper, 'pipewire', '-c', 'segue.conf'],
                             self._sanitizer_env('service') | (env or {}))
        if wait:
            self.wait_for_name('org.segue.Segue1', process)
        return process

    def _wait_for_socket(self, process, path):
        def answers():
            assert process.alive(), f'{process.name} ended: {process.text()}'
            with socket.socket(socket.AF_UNIX) as s:
                return s.connect_ex(str(path)) == 0
        wait_until(process.name, answers)

    def wait_for_name(self, name, process=None):
        from bus import Bus

        with Bus(self.env['DBUS_SESSION_BUS_ADDRESS']) as bus:
            def owned():
                assert process is None or process.alive(), f'{process.name} ended: {process.text()}'
                return bus.has_owner(name)
            wait_until(f'owner of {name}', owned)

    def bus(self):
        """A new client on the session's bus."""
        from bus import Bus

        return Bus(self.env['DBUS_SESSION_BUS_ADDRESS'])

    # ---- PipeWire's own tools: each under a timeout, since they hang when the daemon goes

    def run(self, *command, timeout=5, check=False, **options):
        return subprocess.run([*self.wrapper, *map(str, command)], env=self.env, timeout=timeout, check=check,
                              capture_output=True, text=True, **options)

    def ports(self):
        try:
            return self.run('pw-link', '-io', timeout=2).stdout.split()
        except subprocess.TimeoutExpired:
            return []

    def objects(self):
        """The graph, as pw-dump tells it: in another list follows what has changed meanwhile."""
        text, objects = self.run('pw-dump', check=True).stdout.strip(), {}
        while text:
            more, end = json.JSONDecoder().raw_decode(text)
            objects |= {o['id']: o for o in more}
            text = text[end:].lstrip()
        return [o for o in objects.values() if 'type' in o]     # those that have gone have none

    def node(self, name):
        """One node of the graph by its name, or None."""
        for o in self.objects():
            if o['type'].endswith(':Node') and o['info']['props'].get('node.name') == name:
                return o
        return None

    def node_id(self, name):
        return wait_until(f'node {name}', lambda: self.node(name))['id']

    def link(self, out, into, passive=False):
        """A passive link has nothing run for its sake."""
        wait_until(f'ports {out}, {into}', lambda: {out, into} <= set(self.ports()))
        self.run('pw-link', *(['--passive'] if passive else []), out, into, check=True)

    def unlink(self, out, into):
        self.run('pw-link', '-d', out, into, check=True)

    def set_props(self, node_id, **params):
        """pw-cli's way to a node's Props."""
        items = ' '.join(f'"{k}" {json.dumps(v)}' for k, v in params.items())
        return self.run('pw-cli', 'set-param', node_id, 'Props', f'{{ params = [ {items} ] }}')

    def set_quantum(self, frames):
        """Between two cycles. To force one starts every node anew since 1.2, one after the other."""
        self._set('clock.quantum', frames)

    def force_quantum(self, frames):
        self._set('clock.force-quantum', frames)

    def force_rate(self, rate):
        self._set('clock.force-rate', rate)

    def _set(self, key, value):
        self.run('pw-metadata', '-n', 'settings', 0, key, value, check=True)

    # ---- the end

    def stop(self):
        """End everything, the youngest first, and note what went wrong."""
        for process in reversed(self._started):
            complaint = process.stop()
            if complaint:
                self.complaints.append(complaint)
        for report in sorted((self.path / 'log').glob('*.sanitizer.*')):
            self.complaints.append(report.read_text(errors='replace'))

    def logs(self):
        """What each process has said, for a failed test's report: (name, text) of each."""
        if self._kept_logs is not None:
            return self._kept_logs
        return [(p.name, text[-8000:]) for p in self._started if (text := p.text())]

    def remove(self):
        self._kept_logs = self.logs()
        shutil.rmtree(self.path, ignore_errors=True)

# SPDX-FileCopyrightText: Copyright © Segue contributors
# SPDX-License-Identifier: MIT

"""Whatever runs on the data loop says so, and the compiler follows what it calls: -Werror=function-effects, in the
build with RealtimeSanitizer."""

import json
import re
import shlex
import subprocess

import pytest

from fixture import ROOT, RTSAN_BUILD, realtime_sanitizer

PLUGIN = ROOT / 'spa-plugin'
COMPILED = RTSAN_BUILD / 'compile_commands.json'
MARK = re.compile(r'SEGUE_(DATA|MAIN)_LOOP[^;{]*?(\w+)\(')
ALLOCATES = '#include <stdlib.h>\nSEGUE_DATA_LOOP void *violate(void);\nvoid *violate(void) { return malloc(1); }\n'

pytestmark = pytest.mark.skipif(not realtime_sanitizer(RTSAN_BUILD).exists(),
                                reason='needs a build with RealtimeSanitizer')


def commands():
    """How each file of the plugin is compiled, by its path."""
    found = {}
    for entry in json.loads(COMPILED.read_text()):
        path = (RTSAN_BUILD / entry['file']).resolve()
        # tests compile some of them once more, in other ways
        if entry['output'].startswith('spa-plugin/'):
            found[path] = shlex.split(entry['command'])
    return found


def functions(library):
    """Those that other files can call."""
    lines = subprocess.run(['nm', '--extern-only', '--defined-only', library], check=True, capture_output=True,
                           text=True).stdout.splitlines()
    return {line.split()[2] for line in lines if ' T ' in line}


def marked(text):
    return {m[2] for m in MARK.finditer(text)}


def test_every_function_in_the_data_loops_folder_says_where_it_runs():
    said = {name for header in (PLUGIN / 'rt').glob('*.h') for name in marked(header.read_text())}
    there = functions(RTSAN_BUILD / 'spa-plugin/rt/libsegue_rt.a')
    assert 'segue_source_process' in there
    assert there - said == set()


def test_process_of_every_node_is_marked():
    """But for the one that PipeWire's ready() is called from."""
    for path in PLUGIN.glob('*.c'):
        text = path.read_text()
        defined = set(re.findall(r'^(?:\w+ )*static \w+ (\w*process\w*)\(', text, re.MULTILINE))
        assert defined - marked(text) <= {'process_inputs'}, path


def test_each_file_is_looked_into():
    found = commands()
    assert set(PLUGIN.rglob('*.c')) == set(found)
    for path, command in found.items():
        assert '-Werror=function-effects' in command and '-fsanitize=realtime' in command, path


def test_the_compiler_is_told_to_look_away_at_the_clock_and_the_fft_alone():
    away = {path.name for path in PLUGIN.rglob('*.[ch]') if 'ignored "-Wfunction-effects"' in path.read_text()}
    assert away == {'statistics.c', 'spectra.c'}


def test_an_allocation_is_refused(tmp_path):
    source = PLUGIN / 'rt/ramp.c'
    command = commands()[source]
    violating = tmp_path / 'violating.c'
    violating.write_text(f'#include "{source}"\n{ALLOCATES}')
    command = [c for c in command[:command.index('-MD')]] + ['-fsyntax-only', f'-I{PLUGIN}', str(violating)]
    result = subprocess.run(command, cwd=RTSAN_BUILD, capture_output=True, text=True)
    assert result.returncode != 0
    assert re.search(r'error: .*must not call non-.nonblocking. function .malloc', result.stderr), result.stderr

# SPDX-FileCopyrightText: Copyright © Segue contributors
# SPDX-License-Identifier: MIT

"""What is run again, and that nothing gets lost by it."""

import os
import subprocess
import sys
import xml.etree.ElementTree as xml

from fixture import ROOT

TESTS = '''
import pathlib
import pytest
from again import Again

def number(tmp):
    """Of this run, from 1 on."""
    with open(tmp, 'a') as f:
        f.write('.')
    return len(pathlib.Path(tmp).read_text())

@pytest.fixture
def complains(request):
    yield
    assert number('complains') > 1, 'a complaint of the first run'

def test_can_measure_at_last():
    if number('last') < 3:
        raise Again('twice')

def test_can_never_measure():
    number('never')
    raise Again

def test_fails_in_the_end(complains):
    if number('fails') == 1:
        raise Again

def test_speaks_of_it():
    number('speaks')
    raise AssertionError('Again')
'''


def test_only_what_could_not_measure_is_run_again(tmp_path):
    (tmp_path / 'conftest.py').write_text('import again\n\n'
                                          'def pytest_configure(config):\n    config.pluginmanager.register(again)\n')
    (tmp_path / 'test_some.py').write_text(TESTS)
    result = subprocess.run([sys.executable, '-m', 'pytest', '-q', '-p', 'no:cacheprovider', '--junitxml=log.xml'],
                            cwd=tmp_path, env=os.environ | {'PYTHONPATH': str(ROOT / 'tests/integration')},
                            stdout=subprocess.PIPE, text=True)
    cases = list(xml.parse(tmp_path / 'log.xml').iter('testcase'))
    failed = [c.get('name') for c in cases if len(c)]
    assert [c.get('name') for c in cases if not len(c)] == ['test_can_measure_at_last']
    assert sorted(set(failed)) == ['test_can_never_measure', 'test_fails_in_the_end', 'test_speaks_of_it']
    runs = {name: len((tmp_path / name).read_text()) for name in ('last', 'never', 'fails', 'speaks')}
    assert runs == {'last': 3, 'never': 6, 'fails': 1, 'speaks': 1}
    assert 'run 3 times: test_some.py::test_can_measure_at_last' in result.stdout

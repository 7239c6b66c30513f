# SPDX-FileCopyrightText: Copyright © Segue contributors
# SPDX-License-Identifier: MIT

"""The Debian packages: see tests/package."""

import re

import pytest

from fixture import ROOT
from suite import run_suite


def libraries(names):
    return {name for name in names if re.fullmatch(r'lib.*-dev', name)} - {'libc6-dev'}


def test_the_package_is_built_with_the_libraries_that_are_set_up_to_build():
    build_depends = re.search(r'^Build-Depends:((?:\n .*)*)', (ROOT / 'debian/control').read_text(), re.MULTILINE)[1]
    set_up = (ROOT / 'tools/packages').read_text().split('[build]')[1].split('[')[0]
    assert libraries(re.findall(r'^ ([^ ,]+)', build_depends, re.MULTILINE)) == libraries(set_up.split())


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_the_package_is_built_installed_activated_and_purged():
    run_suite(ROOT / 'tests/package')

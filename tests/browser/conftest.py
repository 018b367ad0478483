"""A real JupyterLab, a real Chromium. Without a browser these tests skip, in CI they fail."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator

import pytest

from tests.browser.lab import CHROMIUM_ARGUMENTS, Lab

_NAMES = (
    "chromium-headless-shell",
    "chromium",
    "chromium-browser",
    "google-chrome",
    "google-chrome-stable",
    "chrome",
)


def find_browser() -> str | None:
    return next((path for name in _NAMES if (path := shutil.which(name))), None)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if "tests/browser/" in item.nodeid:
            item.add_marker(pytest.mark.browser)


def draws_pictures(request: pytest.FixtureRequest) -> bool:
    return getattr(request.module, "draws_pictures", False)


@pytest.fixture(scope="module", autouse=True)
def _plain_pictures(request: pytest.FixtureRequest) -> None:
    """Draw no still pictures, save in a module with `draws_pictures`; there in JupyterLab's kernels, too."""
    if not draws_pictures(request):
        request.getfixturevalue("plain_pictures")


@pytest.fixture(scope="package")  # its event loop must not run on under the tests of other packages
def browser() -> Iterator[object]:
    path = find_browser()
    if path is None:
        reason = f"no browser on this machine (looked for {', '.join(_NAMES)})"
        if os.environ.get("CI"):
            pytest.fail(f"{reason}: CI has to install one")
        pytest.skip(reason)
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=CHROMIUM_ARGUMENTS)
        yield browser
        browser.close()


@pytest.fixture(scope="package")
def only_lab_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lab]:
    with Lab(tmp_path_factory.mktemp("lab")) as lab:
        yield lab


@pytest.fixture(scope="module")
def lab_server(only_lab_server: Lab, request: pytest.FixtureRequest) -> Lab:
    only_lab_server.draw_pictures(draws_pictures(request))
    return only_lab_server


@pytest.fixture
def lab(lab_server: Lab, browser: object) -> Iterator[Lab]:
    """JupyterLab with a fresh browser page; kernels are shut down afterwards."""
    with lab_server.session(browser):
        yield lab_server

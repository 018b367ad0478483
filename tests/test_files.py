"""The cache folder, and files that are written as a whole."""

import errno
import sys
from pathlib import Path

import platformdirs
import pytest
from platformdirs.macos import MacOS
from platformdirs.unix import Unix
from platformdirs.windows import Windows

from vaewidgets.errors import WriteError
from vaewidgets.files import cache_folder, write_whole


@pytest.mark.parametrize(
    ("platform", "variables", "expected"),
    [
        (Unix, {"XDG_CACHE_HOME": "/x/cache"}, "/x/cache/vaewidgets"),
        (Unix, {}, "~/.cache/vaewidgets"),
        (MacOS, {}, "~/Library/Caches/vaewidgets"),
        (Windows, {}, "/x/local/vaewidgets"),
        (Unix, {"VAEWIDGETS_CACHE": "~/mine"}, "~/mine"),
    ],
)
def test_the_cache_is_where_the_platform_has_it(platform, variables, expected, monkeypatch):
    for name in ("VAEWIDGETS_CACHE", "XDG_CACHE_HOME"):
        monkeypatch.delenv(name, raising=False)
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr(platformdirs, "PlatformDirs", platform)
    monkeypatch.setattr(platformdirs.windows, "get_win_folder", lambda _: "/x/local")
    assert cache_folder() == Path(expected).expanduser()


def write_half(target):
    with write_whole(target) as file:
        file.write(b"tw")
        raise OSError("disk full")


def test_a_file_is_written_whole_or_not_at_all(tmp_path):
    target = tmp_path / "file"
    with write_whole(target) as file:
        file.write(b"one")
        assert not target.exists()
    with pytest.raises(
        WriteError, match=r"file' was not written: disk full; what was there before is as it was"
    ):
        write_half(target)
    assert target.read_bytes() == b"one"
    assert list(tmp_path.iterdir()) == [target]


def test_a_folder_that_is_missing_is_said():
    with (
        pytest.raises(
            WriteError, match=r"none/file' was not written: No such file.*Make its folder first"
        ) as raised,
        write_whole("/none/file"),
    ):
        pass
    assert raised.value.errno == errno.ENOENT


@pytest.mark.skipif(sys.platform == "win32", reason="links and modes are POSIX")
def test_a_link_is_followed_and_a_mode_is_kept(tmp_path):
    (tmp_path / "link").symlink_to("target")
    (tmp_path / "plain").touch()
    for mode in ((tmp_path / "plain").stat().st_mode & 0o777, 0o600):
        with write_whole(tmp_path / "link") as file:
            file.write(b"text")
        assert (tmp_path / "link").is_symlink()
        assert (tmp_path / "target").stat().st_mode & 0o777 == mode
        (tmp_path / "target").chmod(0o600)

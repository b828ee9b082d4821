"""An applet's files: no path leads out, none is a file and a folder, and there are not too many."""

from __future__ import annotations

import pytest

from player.core.applet_files import LARGEST_VERSION, MOST_FILES, AppletFile, clean_path, digest_of, with_file


def file(path: str, size: int = 1, sha256: str = "aa") -> AppletFile:
    return AppletFile(path, "text/html", "md5", sha256, size)


@pytest.mark.parametrize(
    "given",
    ["", ".", "/etc/passwd", "../a", "js/node_modules/a.js", "a/../../b", "..\\a", "C:/a", "a\0b", "a\nb", "a\u202eb", "x" * 401],
)
def test_a_path_stays_in_the_package(given: str):
    with pytest.raises(ValueError, match=r"package|characters|longer"):
        clean_path(given)


@pytest.mark.parametrize(("given", "kept"), [("index.html", "index.html"), ("./a//b.js", "a/b.js"), ("a\\b.js", "a/b.js")])
def test_a_path_is_kept_in_one_form(given: str, kept: str):
    assert clean_path(given) == kept


def test_a_file_takes_the_place_of_the_one_of_its_path():
    files = with_file(with_file(with_file((), file("b")), file("a/c")), file("b", 7))
    assert [(one.path, one.size, one.name) for one in files] == [("a/c", 1, "c"), ("b", 7, "b")]


@pytest.mark.parametrize(("first", "second"), [("a", "a/b"), ("a/b/c", "a")])
def test_nothing_is_a_file_and_a_folder(first: str, second: str):
    with pytest.raises(ValueError, match="folder"):
        with_file((file(first),), file(second))


def test_there_are_not_too_many_and_not_too_large():
    with pytest.raises(ValueError, match="files at most"):
        with_file([file(str(number)) for number in range(MOST_FILES)], file("more"))
    with pytest.raises(ValueError, match="MiB at most"):
        with_file([file("a", LARGEST_VERSION)], file("b"))


def test_the_same_files_are_called_the_same_in_any_order():
    assert digest_of([file("a"), file("b")]) == digest_of([file("b"), file("a")])
    assert len({digest_of([file("a")]), digest_of([file("b")]), digest_of([file("a", sha256="bb")])}) == 3

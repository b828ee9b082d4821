"""What a bundle's manifest may say, and which machine may have it."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from player.core.bundle import INSTALLER, MOST_BYTES, MOST_FILES, Bundle, Part, encode, parse, refusal

SHA = "0" * 64
BUNDLE = Bundle(
    "1.2.3", "aarch64", "3.11", (Part(INSTALLER, 5, SHA, program=True), Part("wheels/a-1.0+x_y.whl", 0, SHA)), None, False
)
NAMES = st.from_regex(r"[A-Za-z0-9_+-][A-Za-z0-9._+@-]{0,10}(/[A-Za-z0-9_+-][A-Za-z0-9._+@-]{0,10}){0,3}", fullmatch=True)


def manifest(**changes: Any) -> bytes:
    return json.dumps(json.loads(encode(BUNDLE)) | changes).encode()


def files(**changes: Any) -> bytes:
    said = json.loads(encode(BUNDLE))["files"]
    return manifest(files=said | changes)


@given(
    st.dictionaries(NAMES, st.tuples(st.integers(0, 10**6), st.booleans()), max_size=5),
    st.integers(0, 999_999),
    st.none() | st.integers(0, 10**10),
    st.booleans(),
)
def test_what_was_encoded_is_parsed(parts: dict[str, tuple[int, bool]], number: int, expires: float | None, older: bool):
    made = (Part(INSTALLER, 1, SHA, program=True), *(Part(path, *said[:1], SHA, said[1]) for path, said in sorted(parts.items())))
    found = parse(encode(Bundle(f"{number}.0", "x86_64", "3.13", made, expires, older)))
    assert (found.version, found.machine, found.python) == (f"{number}.0", "x86_64", "3.13")
    assert (found.expires, found.allow_older) == (expires, older)
    assert set(found.parts) == set(made)


@pytest.mark.parametrize(
    ("said", "words"),
    [
        (b"<html>", "not JSON"),
        (b"[" * 200_000, "not JSON"),
        (b"[]", "not of format"),
        (manifest(format=2), "not of format"),
        (manifest(version="1.x"), "version"),
        (manifest(version="1.2.3.4.5"), "version"),
        (manifest(version=None), "version"),
        (manifest(machine="\ud800"), "which do not exist"),
        (manifest(python="3.11; rm"), "which do not exist"),
        (manifest(files={}), "does not hold scripts/install"),
        (manifest(files=[INSTALLER]), "does not hold scripts/install"),
        (files(a={"size": 1}), "does not say what a"),
        (files(a={"size": -1, "sha256": SHA}), "does not say what a"),
        (files(a={"size": "1", "sha256": SHA}), "does not say what a"),
        (files(a={"size": 1, "sha256": SHA.upper() + "A"}), "does not say what a"),
        (manifest(expires="tomorrow"), "its end 'tomorrow' is not a time"),
        (manifest(expires="2026-03-01T12:00:00"), "is not a time with its offset"),
        (manifest(expires=5), "its end '5' is not a time"),
        (manifest(expires="0001-01-01T00:00:00+23:59"), "is not a time with its offset"),
        (manifest(expires="9999-12-31T23:59:59-23:59"), "is not a time with its offset"),
        (files(a=5), "does not say what a"),
        (files(a={"size": MOST_BYTES - 4, "sha256": SHA}), "larger than"),
        (files(**{f"f{number}": {"size": 0, "sha256": SHA} for number in range(MOST_FILES - 1)}), "larger than"),
    ],
)
def test_u1_a_manifest_that_says_something_else_is_refused_in_words(said: bytes, words: str):
    with pytest.raises(ValueError, match=words):
        parse(said)


@pytest.mark.parametrize(
    "said",
    [
        files(a={"size": MOST_BYTES - 5, "sha256": SHA}),
        files(**{f"f{number}": {"size": 0, "sha256": SHA} for number in range(MOST_FILES - 2)}),
        files(**{"x" * 250: {"size": 0, "sha256": SHA}}),
    ],
    ids=["bytes", "files", "a path"],
)
def test_what_is_as_large_as_a_bundle_may_be_is_taken(said: bytes):
    assert parse(said).version == BUNDLE.version


@pytest.mark.parametrize(
    "path", ["../x", "/x", "a/../x", "a//x", "a/", "", ".", "..", "a\\x", "a\0x", "a\nx", "a/./x", "x" * 251, "ä"]
)
def test_c8_a_path_that_leads_elsewhere_is_refused(path: str):
    with pytest.raises(ValueError, match="not a path inside a bundle"):
        parse(files(**{path: {"size": 1, "sha256": SHA}}))


@pytest.mark.parametrize(
    ("running", "machine", "python", "words"),
    [
        ("1.2.2", "aarch64", "3.11", None),
        ("0.9", "aarch64", "3.11", None),
        ("1.2.3", "aarch64", "3.11", "1.2.3 is installed"),
        ("1.2.3.0", "aarch64", "3.11", "only a newer version"),
        ("1.10", "aarch64", "3.11", "only a newer version"),
        ("1.2.2", "x86_64", "3.11", "this machine is x86_64"),
        ("1.2.2", "aarch64", "3.13", "Python 3.13"),
    ],
)
def test_u2_only_a_newer_version_for_this_sort_of_machine_is_installed(running: str, machine: str, python: str, words: str | None):
    found = refusal(BUNDLE, running=running, highest="", machine=machine, python=python, not_before=0.0)
    assert (found is None) is (words is None)
    assert (words or "") in (found or "")


@pytest.mark.parametrize(
    ("highest", "older", "refused"), [("1.2.3", False, False), ("1.2.4", False, True), ("1.2.4", True, False), ("", False, False)]
)
def test_u2_nothing_below_the_highest_that_stayed_but_by_the_signers_word(highest: str, older: bool, refused: bool):
    found = refusal(
        replace(BUNDLE, allow_older=older), running="1.0", highest=highest, machine="aarch64", python="3.11", not_before=0.0
    )
    assert (found is not None and f"{highest} has run here" in found) is refused
    assert refused or found is None


@pytest.mark.parametrize("older", [False, True])
@pytest.mark.parametrize(("not_before", "refused"), [(0.0, False), (999.0, False), (1000.0, True)])
def test_u2_past_its_end_it_is_refused_whatever_it_says(not_before: float, refused: bool, older: bool):
    said = replace(BUNDLE, expires=1000.0, allow_older=older)
    found = refusal(said, running="1.0", highest="", machine="aarch64", python="3.11", not_before=not_before)
    assert (found == "it was to be installed until 1970-01-01 00:16 UTC; take one that was made since") is refused
    assert refused or found is None

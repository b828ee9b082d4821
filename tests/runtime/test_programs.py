"""A program asked for its answer: what it said, how it ended, and that none is waited for beyond its time."""

from __future__ import annotations

import os
import time
from pathlib import Path

import pytest

from player.errors import BoxError
from player.runtime.programs import Ran, run_program
from tests.fakes.running import eventually


def program(folder: Path, script: str) -> str:
    path = folder / "asked"
    path.write_text(f"#!/bin/sh\n{script}\n")
    path.chmod(0o755)
    return str(path)


async def asked(command: str, *arguments: str, within_s: float = 20.0) -> Ran:
    environment = {"PATH": os.environ["PATH"], "WORD": "own"}
    return await run_program("audio", (command, *arguments), environment, package="a-package", within_s=within_s)


async def test_what_it_says_and_complains_of_and_how_it_ended_is_told(tmp_path: Path):
    found = await asked(program(tmp_path, 'read -r line; echo "$WORD $1 ${HOME:-nowhere} $line"; echo sorry >&2; exit 3'), "given")
    assert found == Ran(3, "own given nowhere \n", "sorry")
    assert (await asked(program(tmp_path, "kill -9 $$"))).code == -9


async def test_one_that_hangs_is_ended_and_is_an_error_of_the_ability(tmp_path: Path):
    pid = tmp_path / "pid"
    began = time.monotonic()
    with pytest.raises(BoxError, match=r"^audio: asked did not answer within 0\.5 s") as caught:
        await asked(program(tmp_path, f"echo $$ > {pid}; exec sleep 600"), within_s=0.5)
    assert caught.value.ability == "audio"
    assert time.monotonic() - began < 300
    await eventually(lambda: not Path(f"/proc/{pid.read_text().strip()}").exists(), 20)


async def test_one_that_is_not_there_names_what_brings_it(tmp_path: Path):
    with pytest.raises(BoxError, match=r"nothing cannot be started \(No such file or directory\); `apt install a-package`"):
        await asked(str(tmp_path / "nothing"))

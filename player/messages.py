"""The words between agent and stage: one JSON object a line, `{"kind": …, "body": …}`, typed at both ends (`core.ports.stage`).

A request travels with a number, a word for what is asked (`WORDS`) and its particulars; the answer with the same number. Agent and
stage are installed together, but while a version is installed one of them may be older for a moment: a request that it does not
know is answered by a sentence, another message that it does not know is passed over, and the socket holds.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, TypeVar, assert_never, cast, get_args

import msgspec

from player.core.ports import stage as port
from player.core.ports.stage import AnyAnswer, AnyRequest, AppletAsked, AppletSaid, PinEntered, Request, StageStatus
from player.errors import ContentError

LINE_LIMIT = 64 * 1024 * 1024  # a screenshot travels in one line
WORDS: Mapping[str, type[AnyRequest]] = {
    "reread": port.Reread,
    "cut_unlisted": port.CutUnlisted,
    "restart": port.RestartStage,
    "next": port.NextItem,
    "previous": port.PreviousItem,
    "play": port.PlayContent,
    "identify": port.ShowIdentity,
    "message": port.ShowText,
    "screenshot": port.TakePicture,
    "drop_plays": port.DropPlays,
    "release": port.ReleaseItems,
    "pin_answer": port.AnswerPin,
    "outlook": port.TellOutlook,
    "log": port.ReadLog,
    "trigger": port.ShowTrigger,
    "applet_command": port.CommandApplet,
    "applet_answer": port.AnswerApplet,
    "applet_examination": port.ExamineApplet,
}
_WORD_OF: Mapping[type[Request[Any]], str] = {kind: word for word, kind in WORDS.items()}
_WHERE = "the socket between agent and stage"
# What msgspec and text that is not UTF-8 raise are ValueErrors.
_UNREADABLE = (ValueError, TypeError, RecursionError)
A = TypeVar("A")


@dataclass(frozen=True, slots=True)
class Asked:
    """A request and its number."""

    number: int
    request: AnyRequest


@dataclass(frozen=True, slots=True)
class NotUnderstood:
    """A request that this side cannot read, and why: to be answered by `RequestRefused`."""

    number: int
    reason: str


@dataclass(frozen=True, slots=True)
class Answered:
    """The answer to the request of that number, still as JSON: what it is to be, only the request says (`answer_to`)."""

    number: int
    result: msgspec.Raw


@dataclass(frozen=True, slots=True)
class RequestRefused:
    """Why the request of that number is not carried out, as a sentence."""

    number: int
    reason: str


@dataclass(frozen=True, slots=True)
class PassedOver:
    """A message of a kind that this side does not know, or that says what it has no word for."""

    kind: str


Said = StageStatus | PinEntered | AppletSaid | AppletAsked
Message = Said | Asked | NotUnderstood | Answered | RequestRefused | PassedOver


class _Line(msgspec.Struct):
    kind: str
    body: msgspec.Raw


class _Request(msgspec.Struct):
    id: int
    op: str
    args: msgspec.Raw = msgspec.Raw(b"{}")


class _Answer(msgspec.Struct):
    id: int
    result: msgspec.Raw = msgspec.Raw(b"{}")
    error: str | None = None


def encode_request(number: int, request: Request[Any]) -> bytes:
    """One line, ending in a newline."""
    return _line("Request", _Request(number, _WORD_OF[type(request)], _raw(request)))


def encode(message: Said | Answered | RequestRefused) -> bytes:
    """One line, ending in a newline."""
    match message:
        case Answered(number, result):
            return _line("Answer", _Answer(number, result))
        case RequestRefused(number, reason):
            return _line("Answer", _Answer(number, error=reason))
        case StageStatus() | PinEntered() | AppletSaid() | AppletAsked():
            return _line(type(message).__name__, message)
        case _:
            assert_never(message)


def _line(kind: str, body: Any) -> bytes:
    return msgspec.json.encode({"kind": kind, "body": body}) + b"\n"


def answered(number: int, answer: AnyAnswer) -> Answered:
    """`answer` on its way to the one who asked."""
    return Answered(number, _raw({} if answer is None else answer))


def answer_to(request: Request[A], answer: Answered) -> A:
    """What was asked for. Raises ContentError where the answer is something else."""
    (wanted,) = get_args(type(request).__orig_bases__[0])  # type: ignore[attr-defined]  # Python's, of every class with such a base
    if wanted is type(None):
        return cast("A", None)
    try:
        return cast("A", msgspec.json.decode(answer.result, type=wanted))
    except _UNREADABLE as error:
        raise ContentError("bad_message", _WHERE, str(error)) from error


def decode(line: bytes) -> Message:
    """Raises ContentError for anything that is no message, or one that cannot be what it says it is."""
    try:
        said = msgspec.json.decode(line, type=_Line)
        match said.kind:
            case "Request":
                return _asked(msgspec.json.decode(said.body, type=_Request))
            case "Answer":
                answer = msgspec.json.decode(said.body, type=_Answer)
                return Answered(answer.id, answer.result) if answer.error is None else RequestRefused(answer.id, answer.error)
            case "StageStatus":
                return _status(said.body)
            case "PinEntered":
                return msgspec.json.decode(said.body, type=PinEntered)
            case "AppletSaid":
                return msgspec.json.decode(said.body, type=AppletSaid)
            case "AppletAsked":
                return msgspec.json.decode(said.body, type=AppletAsked)
            case _:
                return PassedOver(said.kind)
    except _UNREADABLE as error:
        raise ContentError("bad_message", _WHERE, str(error)) from error


def _status(body: msgspec.Raw) -> StageStatus | PassedOver:
    try:
        return msgspec.json.decode(body, type=StageStatus)
    except msgspec.ValidationError:  # of another version, with a state that has no word here
        return PassedOver("StageStatus")


def _asked(asked: _Request) -> Asked | NotUnderstood:
    kind = WORDS.get(asked.op)
    if kind is None:
        return NotUnderstood(asked.id, f"it does not know the request {asked.op!r}")
    try:
        return Asked(asked.id, msgspec.json.decode(asked.args, type=kind))
    except _UNREADABLE as error:
        return NotUnderstood(asked.id, f"the request {asked.op} was not understood: {error}")


def _raw(value: Any) -> msgspec.Raw:
    return msgspec.Raw(msgspec.json.encode(value))

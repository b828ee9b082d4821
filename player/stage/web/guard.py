"""What a page may open: the rules for its requests, which the browser asks about before it acts. Answers are data; nothing is sent.

Documents come from http and https alone, a document that fails is given up before the browser draws its own error page, and an
item's headers go to its own server alone: they may be credentials. A package (HTML unpacked on disk) is served from its folder
under an address of its own that does not exist, so that no page ever has a file: address and none can leave its folder. A picture
is a page of its own there, and may ask for nothing but itself.
"""

from __future__ import annotations

import base64
import hashlib
import mimetypes
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any
from urllib.parse import quote, unquote, urlsplit

from player.core.address_policy import Why
from player.core.applet_storage import SERVED, file_of
from player.stage.web.picture_page import FILE, POLICY, PagePicture

PACKAGE = "https://package.invalid"
FILE_LIMIT = 32 * 1024 * 1024
WITHIN_THE_PAGE = ("http", "https", "about", "data", "blob", "javascript")


@dataclass(frozen=True, slots=True)
class Verdict:
    """A call of the `Fetch` domain that answers the request; `failure` (code, reason) when the page cannot be shown."""

    method: str
    params: dict[str, Any] = field(default_factory=dict)
    failure: tuple[str, str] | None = None


_NAMES_SCHEME = re.compile(r"[a-z][a-z0-9+.\t-]*:", re.IGNORECASE)  # whatever follows: a server writes what it likes
GIVEN_UP = Verdict("Fetch.failRequest", {"errorReason": "Aborted"})


class Guard:
    """The rules for one item; `main` is the page's own frame, `origin` whose server its address is of.

    Of an applet: `root` is the folder that it was built as, `own` where what it keeps is (`core.applet_storage`).
    """

    def __init__(
        self, main: str, target: str | PagePicture = "", headers: Mapping[str, str] | None = None, root: Path | None = None,
        own: Path | None = None,
    ) -> None:  # fmt: skip
        self._main, self._headers, self._folder, self._own = main, dict(headers or {}), None, own
        self._picture = target if isinstance(target, PagePicture) else None
        self.address = f"{PACKAGE}/" if isinstance(target, PagePicture) else target
        if self.address.startswith("/"):
            self._folder, self.address = _package(Path(self.address), root)
        self.origin = origin(self.address)

    @property
    def patterns(self) -> list[dict[str, str]]:
        """What the browser has to ask about: all documents twice, and all of the page's own server where we add to it."""
        if self._picture is not None:
            return [{"urlPattern": "*", "requestStage": "Request"}]
        asked = [{"urlPattern": "*", "resourceType": "Document", "requestStage": stage} for stage in ("Request", "Response")]
        if self._headers or self._folder:
            asked.append({"urlPattern": f"{self.origin}/*", "requestStage": "Request"})
        elif self._own:
            asked.append({"urlPattern": f"{self.origin}{SERVED}*", "requestStage": "Request"})
        return asked

    def verdict(self, paused: Mapping[str, Any], why: Why) -> Verdict:
        """About a `Fetch.requestPaused`: before the request, or when the head of its answer is there; `why` it did not open."""
        if self._picture is not None:
            return self._of_picture(self._picture, paused["request"]["url"])
        if failure := self._failure(paused, why):
            mine = failure if paused["frameId"] == self._main else None
            return replace(GIVEN_UP, failure=mine)
        before = "responseStatusCode" not in paused
        asked = paused["request"]
        if not before or origin(asked["url"]) != self.origin:
            return Verdict("Fetch.continueRequest")
        path = urlsplit(asked["url"]).path
        if self._own is not None and path.startswith(SERVED):
            return self._from_folder(self._own, path.removeprefix(SERVED), mine=False, named=file_of)
        if self._folder is not None:
            return self._from_folder(self._folder, path, mine=paused["frameId"] == self._main and asked["url"] == self.address)
        if not self._headers:
            return Verdict("Fetch.continueRequest")
        return Verdict("Fetch.continueRequest", {"headers": _listed(asked["headers"] | self._headers)})

    def _failure(self, paused: Mapping[str, Any], why: Why) -> tuple[str, str] | None:
        url = paused["request"]["url"]
        if not opens(url):
            return "page_refused", f"{url:.80} is not http or https"
        if not opens(led := _led_to(paused)):  # the browser would ask whoever stands there whether it may start a program
            return "page_refused", f"{url:.80} leads to {led:.80}, which is not http or https"
        if paused["frameId"] != self._main or paused.get("resourceType") != "Document":
            return None
        reason, status = paused.get("responseErrorReason"), paused.get("responseStatusCode", 0)
        if (reason or status >= 400) and (unopened := why(url)):
            code = unopened.code if unopened.code == "forbidden_address" else "page_unreachable"
            return code, f"{url} cannot be opened: {unopened.reason}"
        if reason:
            return "page_unreachable", f"{url} cannot be reached: {reason}"
        if status >= 400:
            return "page_error", f"{url} answered {status}"
        return None

    def _of_picture(self, picture: PagePicture, url: str) -> Verdict:
        if url == self.address:
            return _answer(picture.page(), "text/html; charset=utf-8", {"Content-Security-Policy": POLICY})
        if url != f"{PACKAGE}{FILE}":
            return Verdict("Fetch.failRequest", {"errorReason": "BlockedByClient"})
        try:
            return _answer(picture.path.read_bytes(), picture.type)
        except OSError as error:
            return Verdict("Fetch.fulfillRequest", {"responseCode": 404}, ("missing", f"its file cannot be read: {error.strerror}"))

    def _from_folder(self, folder: Path, asked: str, *, mine: bool, named: Callable[[str], str] = unquote) -> Verdict:
        """The file of that path as the browser writes it; `mine`: the page itself, which cannot be shown without it.

        `named` makes the file's own name of it.
        """
        folder = folder.resolve()
        try:
            path = (folder / named(asked).lstrip("/")).resolve()
            if not path.is_relative_to(folder) or path.stat().st_size > FILE_LIMIT:
                raise FileNotFoundError(path)
            body = path.read_bytes()
        except (OSError, ValueError):
            failure = ("page_error", f"the package has no file {asked:.80}") if mine else None
            return Verdict("Fetch.fulfillRequest", {"responseCode": 404}, failure)
        kind = mimetypes.guess_type(path.name)[0] or "application/octet-stream"
        text = f"{kind}; charset=utf-8" if kind == "text/html" else kind
        return _answer(body, text)


def _led_to(paused: Mapping[str, Any]) -> str:
    """Where the head of a redirect leads, if it names a scheme; else, and of anything else, its own address."""
    url: str = paused["request"]["url"]
    if paused.get("responseStatusCode", 0) // 100 != 3:
        return url
    places = (head["value"] for head in paused.get("responseHeaders", ()) if head["name"].lower() == "location")
    place: str = next(places, url).strip()
    return place if _NAMES_SCHEME.match(place) else url


def is_new_document(paused: Mapping[str, Any]) -> bool:
    """Whether a page, or a frame, is about to be led on; each hop of a chain of redirects is one."""
    return paused.get("resourceType") == "Document" and not {"responseStatusCode", "responseErrorReason"} & paused.keys()


def opens(url: str) -> bool:
    """Whether an item or a frame may be that address."""
    return scheme(url) in ("http", "https")


def scheme(url: str) -> str:
    """What stands before the colon of an address, in lower case."""
    return url.partition(":")[0].lower()


def origin(url: str) -> str:
    """Scheme, host and port, as written."""
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc}".lower()


def _package(path: Path, root: Path | None) -> tuple[Path, str]:
    """A folder (its index.html is meant) or a page in one, or further down in `root` -> the folder and the page's address."""
    path = path.resolve()
    folder, page = (path, "index.html") if path.is_dir() else (path.parent, path.name)
    if root is not None and path.is_relative_to(root.resolve()):
        folder, page = root.resolve(), str(path.relative_to(root.resolve()))
    scheme, _, host = PACKAGE.partition("://")
    mark = hashlib.sha256(str(folder).encode()).hexdigest()[:16]
    return folder, f"{scheme}://{mark}.{host}/{quote(page)}"


def _answer(body: bytes, kind: str, headers: Mapping[str, str] | None = None) -> Verdict:
    head = _listed({"Content-Type": kind, **(headers or {})})
    return Verdict("Fetch.fulfillRequest", {"responseCode": 200, "responseHeaders": head, "body": base64.b64encode(body).decode()})


def _listed(headers: Mapping[str, str]) -> list[dict[str, str]]:
    return [{"name": name, "value": value} for name, value in headers.items()]

"""Puts the sample content into a demonstration server: an account, the content, a playlist that every paired device plays."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from player.demo.adcast import wire
from player.demo.adcast.accounts import Accounts, hash_password
from player.demo.adcast.library import Library
from player.demo.adcast.playlists import Playlists
from player.demo.files import Files
from player.demo.samples import Sample
from player.demo.store import Store

EMAIL, PASSWORD = "demo@example.com", "demo-password"
COMPANY = "Solvane Coffee & Bakery"


async def open_account(store: Store, accounts: Accounts) -> int:
    """The tenant of the account that samples are put into, made once."""
    user = store.one("SELECT * FROM users WHERE email = ?", EMAIL)
    if not user:
        user = accounts.create("Demo", EMAIL, await asyncio.to_thread(hash_password, PASSWORD), COMPANY)
    return int(user["tenant_id"])


async def seed(
    store: Store, accounts: Accounts, library: Library, playlists: Playlists, files: Files, samples: Sequence[Sample]
) -> None:
    """Adds the samples, unless they are there already."""
    tenant = await open_account(store, accounts)
    if not store.one("SELECT id FROM playlists WHERE tenant_id = ? AND is_default", tenant):
        contents = [await _add(library, files, tenant, sample) for sample in samples]
        items = [wire.PlaylistItem(content_id=content) for content in contents]
        transition = wire.TransitionBody(type="crossfade", duration=0.8)
        body = wire.SavePlaylist(name="Solvane, all day", transition=transition, is_default=True, items=items)
        playlists.add(tenant, body)


async def _add(library: Library, files: Files, tenant: int, sample: Sample) -> int:
    stored = await asyncio.to_thread(files.add, sample.path)
    body = wire.Upload.model_validate({"name": sample.name, "type": sample.kind, "duration": sample.duration_s})
    return library.add(tenant, body, stored)

"""Good documents of everything that is read from outside, which `spoil` makes bad ones of."""

from __future__ import annotations

import json

from player import messages
from player.core.bundle import INSTALLER
from player.core.cover import StageState
from player.core.ports.stage import PinEntered, ReadLog, StageStatus
from tests.cms.spot.test_programme import layout as spot_layout
from tests.cms.spot.test_programme import playlist as spot_playlist
from tests.cms.spot.test_programme import zone as spot_zone
from tests.fakes import screenzzie

ITEM = {
    "id": 1, "content_id": 5, "name": "Summer", "type": "video", "download_url": "/5.mp4", "duration": 30, "file_hash": "ab" * 32,
    "order": 1, "transition": {"type": "fade", "duration": 1}, "web": {"zoom": 1.5, "scripts": True}, "schedule_id": 3,
}  # fmt: skip
PAGE = {"id": 2, "content_id": 6, "name": "Board", "type": "web", "source_url": "https://board.example/", "duration": "20"}
NEWS = {"id": 3, "content_id": 7, "type": "ticker", "text": "Fresh bread", "speed": 60}
LOBBY = {"id": 1, "name": "Lobby", "transition": "fade", "shuffle": 0, "items": [ITEM, PAGE, NEWS]}
ADCAST = {
    "playlist": LOBBY, "content_to_delete": [9], "show_watermark": "1",
    "content_to_download": [{"content_id": 8, "type": "image", "download_url": "/8.jpg", "file_size": "1000"}],
}  # fmt: skip
REGION = {"id": "r1", "x": 0, "y": 0, "width": 960, "height": 540, "z": 1, "fit": "cover", "background": "#102030", "items": [ITEM]}
ADCAST_LAYOUT = {"layout": {"width": 1920, "height": 1080, "regions": [REGION, {**REGION, "id": "r2", "items": [NEWS]}]}}
CONDITIONS = (
    {"type": "weather", "operator": "between", "value": [1, 20], "unit": "F"}, {"type": "weather", "operator": "gt", "value": 4},
    {"type": "time_range", "operator": "between", "value": "09:00-17:00"},
    {"type": "day_type", "operator": "in", "value": ["weekend", "holiday"]},
)  # fmt: skip
SCHEDULE = {
    "id": 5, "playlist_id": "day", "days_of_week": [1, "7"], "start_time": "09:00", "end_time": "17:00:00",
    "start_date": "2026-03-01", "end_date": None, "priority": 3, "is_active": 1, "conditions": [*CONDITIONS],
}  # fmt: skip
PLANNED = {
    "schedules": [{**SCHEDULE, "id": n, "conditions": [one]} for n, one in enumerate(CONDITIONS)] + [SCHEDULE], "default": "usual",
    "playlists": {"day": LOBBY, "usual": {"id": "usual", "items": [{"id": 9, "content_id": 5}]}},
    "content": {"5": {"type": "image"}},
}  # fmt: skip
HEARTBEAT = {
    "status": "ok", "paired": True, "is_locked": False, "lock_pin": "1234", "heartbeat_interval": 30, "server_time": 1_774_440_000,
    "pending_commands": [{"id": 7, "type": "set_volume", "payload": {"volume": 35}, "created_at": "2026-03-25T12:00:00Z"}],
    "emergency_alerts": [{"id": 1, "title": "Fire", "severity": "extreme", "image_url": "/a.png", "color": "#ff0000"}],
    "app_update": {"version": "1.2", "url": "/u", "sha256": "ab" * 32, "signature": "c2ln", "mandatory": 1},
}  # fmt: skip
REGISTRATION = {
    "device_id": 1,
    "pairing_code": "4A7X2B",
    "paired": False,
    "device_name": None,
    "is_locked": False,
    "lock_pin": None,
}
SPOT = {"id": 4, "name": "Lobby", **spot_layout(spot_zone(), spot_zone(id=9, x="50%", width="50%"), background="#000000")}
SPOT_DATED = {"id": 4, "playlist": spot_playlist(
    {"id": 30, "asset_id": 3, "asset": {"id": 3, "type": "video", "url": "/f/3", "duration": 8}, "starts_at": "2026-04-01"}
)}  # fmt: skip
SPOT_COMMAND = {
    "command_id": 7,
    "command": "volume",
    "payload": {"volume": 3},
    "created_at": "2026-03-25T12:00:00Z",
    "expires_at": 5,
}
PUSHED = (
    {"event": "player.command", "channel": "private-player.4", "data": json.dumps(SPOT_COMMAND)},
    {"event": "pusher:connection_established", "data": '{"socket_id": "1.2", "activity_timeout": 120}'},
    {"event": "pusher:error", "data": {"code": 4301, "message": "too long"}},
)  # fmt: skip
SCREENZZIE = {
    "screen": screenzzie.screen(currentPlaylistId="day", defaultSequenceId="both"),
    "playlists": {"day": screenzzie.playlist("day", screenzzie.item(0, "a"), screenzzie.page(1, "https://x.example/"))},
    "sequences": {"both": {"id": "both", "name": "Both", "items": [{"id": "1", "playlistId": "day", "repeatCount": 2}]}},
    "media": {"a": screenzzie.media("a", type="video", duration=7)},
    "schedules": [screenzzie.schedule("s", "day", dayOfWeek=[0, "5"], startTime="22:00", endTime="02:00", startDate="2026-03-02")],
}  # fmt: skip
LAYOUT = b"""width = 1280
height = 720
background = "#102030"
[[region]]
id = "main"
width = 960
height = 600
fit = "cover"
transition = {type = "fade", duration = 1.5}
volume = 40
[[region.item]]
file = "film.mp4"
[[region.item]]
url = "https://board.example/"
web = {zoom = 1.5}
[[region]]
y = 600
[[region.item]]
text = "Fresh bread"
speed = 60
"""
FOLDER = (
    LAYOUT
    + b"""[[schedule]]
playlist = "evening"
days = ["mon", "sun"]
start_time = 18:00:00
end_time = "02:00"
start_date = 2026-03-01
priority = 3
"""
)
BUNDLE = {
    "format": 1, "version": "1.2.3", "machine": "x86_64", "python": "3.11", "expires": "2027-01-01T00:00:00+00:00",
    "files": {INSTALLER: {"size": 10, "sha256": "ab" * 32, "program": True}, "player/a.py": {"size": 1, "sha256": "cd" * 32}},
}  # fmt: skip
SEAM = (
    messages.encode(StageStatus(state=StageState.PLAYING, backend="sway", pids={"stage": 1})), messages.encode(PinEntered("1234")),
    messages.encode_request(7, ReadLog()), messages.encode(messages.RequestRefused(7, "no")),
)  # fmt: skip
ADDRESSES = (
    b"rtsp://u:p%40@cam:554/live?channel=1&udp", b"srt://cam:9000?mode=caller&latency=20", b"udp://@239.1.1.1:1234?fifo_size=1",
    b"rtmp://[::1]:19350/app/one/stream?key=a", "https://bücher.example/a b?q=ü#f".encode(), b"http://[fe80::1%25eth0]/",
)  # fmt: skip
REDIRECTS = (
    b"//b.example:8080/c?d=e#f",
    b"../g/./h",
    b"?i=%zz",
    b"http://1.2.3.4:99999/",
    b"http://[::1%25lo]:1/",
    b"https://u:p@b.example:/",
    b"",
    "http://b\u00fccher.example/\u2488".encode(),
    b"http://xn--a/",
    b"http://a..b/",
    b"http:///x",
    b"http://" + b"a." * 200 + b"b/",
)
REQUESTS = (
    b"GET http://a.example:8080/x?y=1 HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\n", b"CONNECT [::1]:443 HTTP/1.1\r\n\r\n",
    b"HTTP/1.1 200 OK\r\nContent-Length: 1\r\nUpgrade: h2c\r\n\r\n",
)  # fmt: skip
PAYLOADS = (
    {"volume": 35}, {"muted": "yes"}, {"pin": "1234"}, {"orientation": "portrait"}, {"seconds": 10, "text": "Hello"},
    {"content_id": 5, "seconds": None}, {"version": "1.2", "url": "https://x/u", "sha256": "ab" * 32, "signature": "c2ln"},
)  # fmt: skip

"""What libmpv is built of writes to standard error by itself: a server's words and addresses, however many, in the system's log.

libxml2, which reads the manifests of DASH, quotes what it cannot read. FFmpeg tells of each file that it opens, once the first of
several handles of libmpv has ended, which alone kept it quiet. What is wrong with an item libmpv says too.
"""

from __future__ import annotations

import ctypes

_QUIET = -8  # AV_LOG_QUIET (libavutil/log.h)


def hush(libmpv: ctypes.CDLL) -> None:
    """From here on neither writes anything; they are found through `libmpv`, which may be built without them.

    The thread that first readies libxml2 has a setting of its own, the others get theirs when they first use it.
    """
    nothing = ctypes.cast(ctypes.CDLL(None).abs, ctypes.c_void_p)  # takes what it is given, and does nothing with it
    for name, words in (
        ("av_log_set_level", (_QUIET,)), ("xmlInitParser", ()),
        ("xmlSetGenericErrorFunc", (None, nothing)), ("xmlThrDefSetGenericErrorFunc", (None, nothing)),
    ):  # fmt: skip
        if call := getattr(libmpv, name, None):
            call(*words)

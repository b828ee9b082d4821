"""What the operator hears when the kernel refuses the child that opens foreign files a part of its walls."""

from __future__ import annotations

from collections.abc import Sequence

from player.runtime.fault_page import FaultPage


class DecoderWalls:
    """Told after each file that was looked at, and says it as a fault as long as it is so."""

    def __init__(self, faults: FaultPage) -> None:
        self._faults = faults

    def tell(self, missing: Sequence[str]) -> None:
        """`missing`: what the kernel refused, in words; none where all of it stands."""
        if missing:
            message = f"files from the server are decoded with fewer walls around the decoder: {'; '.join(missing)}"
            self._faults.report("", "decoder_walls", message, count=1)
        else:
            self._faults.clear()

"""Items that the player draws itself: running text and clocks. May import `stage.drawing`, `stage.wayland` and `stage.cards`."""

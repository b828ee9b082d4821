"""The pictures that the player itself draws over or instead of content. May import `stage.drawing` and `stage.wayland`."""

"""The screens that there can be: sway, one window, none. May import every other wing of the stage."""

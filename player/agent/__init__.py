"""The agent: everything that talks to the outside. It needs no device to draw; the stage plays on without it."""

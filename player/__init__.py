"""Signage player: turns a box behind a screen into a paired, playing, remotely controlled, accountable screen.

Three daemons, one package. Content goes round one ring:

    server -> cms (adapter) -> agent.sync -> manifest snapshot -> stage.director -> proof journal -> agent.outbox -> server

Where to look:

    config, errors, runtime, store, messages, identity   the ground that every daemon stands on
    redact       secrets out of what leaves the box
    supervisor, launch   starting the daemons together, as whom, and again when one dies
    cli/         every command that a person types; the daemons' own start in `__main__`
    core/        pure decisions: what is on air, what comes next, what to fetch, what a command may do; and `ports`, every seam
    cms/         one file a server API; a vendor's words stop there
    agent/       network, storage, commands, telemetry, the control API; draws nothing
    stage/       playback and proof of play; needs no agent and no network
    compositor/  sway: starting it, and speaking to it
    device/      what this box can do: sound, display, power, sensors
    demo/        an AdCast server in one process, for demonstrations and tests

Glossary: *screen* what people see; *panel* the hardware; *stage* the process that draws; *surface* one window that can show one
item; *region* a rectangle with its own playlist; *layout* regions over the whole screen; *item* an entry of a playlist; *asset*
the bytes behind items, named by SHA-256; *manifest* everything the stage needs, complete and verified; *orders* what the stage is
told to be (orientation, lock, alerts, pairing); *daypart* when something is on air; *play* one showing of one item, which makes
one *proof of play* event; *card* a picture that the player itself draws; *fault* a problem an operator should know of.
"""

__version__ = "0.1.0"

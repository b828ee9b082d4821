"""Signage player: turns a box behind a screen into a paired, playing, remotely controlled, accountable screen.

Three daemons, one package. Content goes round one ring:

    server -> cms (adapter) -> agent/content -> manifest snapshot -> stage/regions -> proof journal -> agent/reports -> server

Where to look:

    core/        pure decisions: what is on air (`onair`) and why an item is not (`why`), what comes next, what to fetch, what a
                 command may do; `core/ports`: every seam; `core/faults`: what can be wrong, and what to do about it
    cms/         the servers: one folder an API; a vendor's words stop there. `cms/__init__`: the table of them
    media/       files: fetched (`fetch`), kept (`store`), made ready to be shown (`prepare`)
    agent/       network, commands, settings, reports, the control API; draws nothing. `inbox`: what a server's events mean;
                 `server_folder`: what is kept of each server; `reports/plays_outbox`: where plays wait while offline
    stage/       playback and proof of play; needs no agent and no network
    compositor/  sway: starting it, and speaking to it
    device/      what this box can do: sound, display, power, sensors
    launch/      starting the daemons together, as whom, and again when one dies
    cli/         every command that a person types
    demo/        an AdCast server in one process, for demonstrations and tests
    runtime/     clock, tasks, systemd, logs: what every daemon needs of its process
    config, config_reader, errors, identity, store, formats, brief, programme_file, messages, redact   what every daemon stands on

Glossary: *screen* what people see; *panel* the hardware; *stage* the process that draws; *surface* one window that can show one
item; *region* a rectangle with its own playlist; *layout* regions over the whole screen; *item* an entry of a playlist; *asset*
the bytes behind items, named by SHA-256; *manifest* everything the stage needs, complete and verified; *setting* what the device
is told to be (orientation, volume, lock), wanted and found; *brief* settings, words for cards and alerts, as the stage is told
them; *daypart* when something is on air; *play* one showing of one item, which makes one *proof of play* event; *card* a picture
that the player itself draws; *fault* a problem an operator should know of.
"""

__version__ = "0.1.0"

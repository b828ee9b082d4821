"""Signage player: turns a box behind a screen into a paired, playing, remotely controlled, accountable screen.

Three daemons, one package. Content goes round one ring:

    server -> cms (adapter) -> agent/content -> manifest snapshot -> stage/regions -> proof journal -> agent/reports -> server

Where to look:

    core/        pure decisions: what is on air, what comes next, what to fetch, what a command may do; `core/ports`: every seam
    cms/         the servers: one folder an API; a vendor's words stop there; `triggers`: what brings content on screen beside them
    media/       files: fetched (`fetch`), kept (`store`), made ready to be shown (`prepare`)
    agent/       network, commands, settings, reports, the control API, `devices` (the management API); draws nothing
    stage/       playback and proof of play; needs no agent and no network
    compositor/  sway: starting it, and speaking to it
    device/      what this box can do: sound, display, power, sensors
    launch/      starting the daemons together, as whom, and again when one dies
    cli/         every command that a person types
    demo/        servers in one process each, one room a kind, for demonstrations and tests
    runtime/     clock, tasks, systemd, logs, sessions to the network: what every daemon needs of its process
    protocols/   what the player speaks to its compositor besides what everybody does: layers, copies of the screen

    config, config_kinds, config_reader, dirs, way_out, errors, identity, folders, store, journal, journal_reader, formats,
    brief_file, programme_file, layout_file, layout_tables, messages, redact, sizes
                 what every daemon stands on

Which page answers:

    why is this item not on air?        core/why                what is on air, until when?     core/onair
    what happens at power-on?           launch/__init__         what does this fault mean?      core/faults
    who may reboot the device?          agent/control/access    what may be set, and by whom?   core/settings
    what may content open?              core/address_policy     who judges each connection?     stage/wall
    which applet is on?                 core/applets            what may its page have?         core/applet_rights
    where do plays wait while offline?  stage/plays             and how do they leave?          agent/reports/plays_outbox
    what does a server's word do here?  agent/inbox             how is a server added?          cms/__init__

Glossary: *screen* what people see; *panel* the hardware; *stage* the process that draws; *surface* one window that can show one
item; *region* a rectangle with its own playlist; *layout* regions over the whole screen; *item* an entry of a playlist; *asset*
the bytes behind items, named by SHA-256; *programme* what a server wants on air, and when; *rule* when a layout is on air;
*trigger* what brings something on screen at once; *stand-by* what it may show, kept ready; *interlude* its showing over a region;
*manifest* the programme as far as it is here, verified: everything the stage needs; *setting* what the device
is told to be (orientation, volume, lock), wanted and found; *brief* settings, words for cards and alerts, as the stage is told
them; *daypart* when something is on air; *play* one showing of one item, which makes one *proof of play* event; *card* a picture
that the player itself draws; *fault* a problem an operator should know of.
"""

__version__ = "0.2.0"

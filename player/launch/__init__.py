"""Starting the daemons together, as whom, and again when one ends.

What happens at power-on, on an installed device (`systemd/`):

1. tmpfiles makes the runtime folders, seatd opens the seat, udev the graphics devices; nothing waits for the network.
2. `signage-compositor` (`compositor/session`) chooses backend and renderer, writes sway's configuration and becomes sway, which
   shows the idle picture that a stage left (or its plain background), then writes `compositor.json`.
3. `signage-stage` (`stage/app`) reads two files, the brief (`brief`: settings, cards, alerts) and the programme
   (`programme_file`), waits for the compositor's socket, turns and sizes the panel, prepares the first item of every region and
   shows it. It needs neither agent nor network, and plays on without them.
4. `signage-agent` (`agent/app`) reads identity, settings, commands and cursors, opens the cache, puts the wanted settings into
   effect, finishes what a restart left open of a command, listens on the control socket, and begins the server's rhythm.

`signage-player run` does the same with `supervisor` in systemd's place, the agent last. Whoever dies is started again alone: after
100 ms (the agent after 2 s), and with a doubling pause where deaths follow soon on starts (`restarts`).
"""

"""Starting the daemons together, as whom, and again when one ends.

What happens at power-on, on an installed device (`systemd/`):

1. tmpfiles makes the runtime folders, seatd opens the seat, udev the graphics devices, `device/console` puts a picture on the bare
   console, early, where the compositor's death and the way down uncover it; nothing waits for the network.
2. `signage-compositor` (`compositor/session`) chooses backend and renderer (`core/renderer`), writes sway's configuration and
   becomes sway, which shows what was on screen before, or the brand (or its plain background), then writes `compositor.json`; a
   second later the `curtain` is up, which holds the last picture for as long as no stage is there. That of a boot is loaded before
   sway (`compositor/ahead`): its first frames are the brand.
3. `signage-stage` (`stage/app`) reads two files, the brief (`brief_file`: settings, cards, alerts) and the programme
   (`programme_file`), waits for the compositor's socket, turns and sizes the panel, prepares the first item of every region and
   shows it: after an end that nobody wanted, the item that was on screen, where it was (`core/resume`). It needs neither agent
   nor network, and plays on without them.
4. `signage-agent` (`agent/app`) reads identity, settings, commands and cursors, opens the cache, puts the wanted settings into
   effect, finishes what a restart left open of a command, listens on the control socket, and begins the server's rhythm.

`signage-player run` does the same with `supervisor` in systemd's place, the agent last. Whoever dies is started again alone: after
100 ms (the agent after 2 s), and with a doubling pause where deaths follow soon on starts (`restarts`). On a stage that is killed
another follows at once, out of a process that has everything loaded (`understudy`), and the film that was on screen is opened
before anything else is asked (`stage/backends/ahead`). Meanwhile the screen shows the last picture; when the compositor dies it is
black until the next one's first frames, which are that picture.

Who notices a hang of whom (a process that lives and does nothing), within how many seconds, and what is on screen meanwhile:

    the compositor   by the stage's thread `compositor/hang`    11    the last picture; black until sway is up again, then the still
    the compositor   by a stage that starts beside it           11    the last picture; 26 where it hung before it was ever up
    the compositor   by the agent, `agent/compositor_watch`     29    as above: the stage told of it twice, and the same one runs on
    the stage        by systemd, `WatchdogSec`, or `run`        13    the last frame, then the still
    the agent        by systemd, `WatchdogSec`, or `run`        30    everything: the stage plays on from disk
    the curtain      by the stage, `backends/curtain_line`      20    everything: the stage plays on
    a decoder        by the stage, `stage/video/mpv`            10    the item before it; then the next one
    a page, browser  by the stage, `stage/web`                  25    other items; the page's last picture
    the stage        by the agent, which only tells of it       10    as above

With each of them goes at most a second more until it is back. Who hangs before it was ever up is ended by systemd
as its unit says, or by `run` after 30 s; agent and stage ask for more time while they are at work.
"""

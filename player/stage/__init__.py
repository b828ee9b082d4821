"""The stage: playback, surfaces, cards and proof of play. It starts from the last complete manifest and needs no agent."""

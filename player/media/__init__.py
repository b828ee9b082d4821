"""Files behind items: fetched, kept, and made ready to be shown. Needs no agent: `play` uses it too. Each wing says whom it imports."""

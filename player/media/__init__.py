"""Files behind items: fetched, kept, and made ready to be shown. Needs no agent: `play` and `cache` use it too."""

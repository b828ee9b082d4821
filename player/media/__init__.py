"""Files behind items: fetched, kept, and made ready to be shown. Needs no agent; each wing says whom it imports."""

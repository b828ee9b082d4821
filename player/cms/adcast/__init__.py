"""AdCast: its API and its words. Nothing outside `cms` knows them."""

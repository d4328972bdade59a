"""The web leaderboard of discovered programs: read-only pages over an archive. See `evolve.web.app.create_app`."""

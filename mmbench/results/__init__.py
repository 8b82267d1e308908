"""Records, their store, and the leaderboards made from them: everything a run leaves behind."""

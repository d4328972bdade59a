"""Who proposes programs."""

"""What people see of a run, while it goes on and when it has ended: on a terminal, in a pipe, in a notebook."""

"""Work on another machine: sent as one file, run there by the very command, taken back when it holds.

`launcher` is the seam, `ssh` one behind it. `jobs` has the records, `work` what is sent, `worker` what
runs there, `follow` the loop that watches, `result` what is checked before it is merged.
"""

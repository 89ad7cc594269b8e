"""What docs/deployment.md promises, run for real: Docker, Compose, nftables; units verified.

root.py     a clean Debian with Python and the wheels of requirements.lock, as an archive
machine.py  a machine's network, whose one wire leads to a sink
engine.py   a Docker Engine of our own on that machine, and Compose
knock.py    run on that machine: the statuses of the web app's doors
"""

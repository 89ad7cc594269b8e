"""The proof that nothing leaves the machine: the product in a network namespace of its own.

airlock.py   runs a command in a namespace whose every address leads to a sink
inside.py    the program inside: brings the network up, listens, runs the command
sink.py      answers every look-up, accepts every connection, writes down who asked for what
traces.py    the addresses in the output of strace
idle.py      the command line, then some seconds of silence in which libraries may call home
wires.py     namespaces and wires between them
neighbour.py an Ollama in another namespace, as in another container
visit.py     `rag serve` and a headless Chromium that asks a question
"""

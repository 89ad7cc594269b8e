"""Language models from GGUF files, run by llama.cpp (package xllamacpp) in a process of our own.

engine.py  the engine: counting and chatting
files.py   which files can be used, and why others cannot
header.py  what a file says of itself, read without running anything
digest.py  the SHA-256 of large files, remembered
server.py  the process from outside: started, asked, ended
child.py   the process itself

Why a process: a damaged file can crash llama.cpp, and a large one can run out of memory; then that
process ends, not the program. Why through a socket: what xllamacpp offers inside a process counts no
tokens, and cannot stop while it reads a prompt.
"""

"""What a kill, a full disk, a damaged file and a second writer may not do to a library.

corpus.py    text files in which every page has a word that stands nowhere else
driver.py    the command line with low thresholds, and with places where it kills itself
second_model.py  a second embedding model, for libraries that are embedded anew
reader.py    asks, over and over
writer.py    adds, changes and removes, over and over
watched.py   a library with readers in other processes
running.py   starting, killing and reading the program as a process group of its own
moments.py   when a kill is aimed: at random, at a generation, at tantivy, at SQLite
check.py     a fresh process that opens a library and says what is wrong with it
crash.py     one killed run with its two reopenings, and the run that completes it
"""

"""`rag doctor`: what is wrong with this installation, why it matters, and the command that mends it.

examine.py        looks at everything, then judges                `examine` is the way in
facts.py          what was seen, as data
server.py         looks at Ollama and its models, and tries one out
model_file.py     looks at a model file, and tries it out
library.py        looks at the library's folder, leaving no trace
diagnosis.py      from facts to findings (pure), by matter:
about_engine.py   is Ollama there, where, and how old
about_models.py   are the models there, of the right kind, quick enough
about_library.py  settings, folder, damage, locks
about_machine.py  disk, memory, GPU
about_network.py  what might carry documents away
needs.py          how many tokens the settings ask of a model (pure)
words.py          every finding in words
"""

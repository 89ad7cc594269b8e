"""`rag doctor`: what is wrong with this installation, why it matters, and the command that mends it.

examine.py    looks at everything, then judges                `examine` is the way in
facts.py      what was seen, as data
server.py     looks at Ollama and its models, and tries one out
library.py    looks at the library's folder, leaving no trace
needs.py      how many tokens the settings ask of a model (pure)
diagnosis.py  from facts to findings (pure)
words.py      every finding in words: what docs/troubleshooting.md is made of
"""

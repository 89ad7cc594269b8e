"""What runs models. Each module wraps one outside thing and maps its exceptions to our errors.

ollama/           a local Ollama server, through its official client
embedded.py       sentence embeddings in this process, where there is no Ollama
prefixes.py       the task prefixes that embedding models were trained with
languages.py      the languages that embedding models were made for
wordpiece.py      the committed tokenizer: counts tokens for chunks and for the embedded engine
modelfile.py      the Modelfile format: text to data and back
local_weights.py  weights in files of this machine, as a Modelfile names them
known_models.py   models to choose from, and the machine each asks for
memory.py         how much memory a model takes, and how much there is
gguf/             language models from files, run by llama.cpp in a process of ours
fit.py            whether a model fits into the memory of a machine
"""

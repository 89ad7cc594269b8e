"""What runs models. Each module wraps one outside thing and maps its exceptions to our errors.

ollama.py     a local Ollama server, through its official client
embedded.py   sentence embeddings in this process, where there is no Ollama
prefixes.py   the task prefixes that embedding models were trained with
languages.py  the languages that embedding models were made for
wordpiece.py  the committed tokenizer: counts tokens for chunks and for the embedded engine
"""

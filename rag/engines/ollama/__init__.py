"""A local Ollama server, through its official client and native API.

engine.py        what every engine can do: embed, count, chat
streaming.py     streamed answers: turns, retries, time-outs, cancelling
slots.py         how many requests at once, and whose turn it is
replies.py       the server's replies as our data, and our options as it takes them
faults.py        everything the client raises as our errors
library.py       its models: shown, fetched, made, copied, removed
creation.py      a Modelfile as the server takes it
room.py          whether a model fits into the memory of its machine
token_ratios.py  how many tokens each model makes of a text, learnt from what it reports

The client is told to ignore proxies (`trust_env`), or it would send prompts for 127.0.0.1 to them.
"""

"""From passages to an answer whose every sentence carries its proof.

stream.py    conducts: draft, check, receipt, final answer, as one stream of events
writing.py   the draft by a chat model        quoting.py  the draft by verbatim sentences
prompts.py   every word that is sent to a model
budget.py    which passages fit the window                                        (pure)
statements.py  a draft cut into sentences and the passages each cites             (pure)
quotes.py    the sentences of a passage that best back a statement                (pure)
figures.py   numbers, dates, units and names of a text, in one form               (pure)
verdicts.py  whether a quote backs a statement                                    (pure)
followup.py  whether a question leans on the one before; made to stand alone      (pure)
"""

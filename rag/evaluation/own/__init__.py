"""Questions made from a user's own library, and how well it answers them.

questions.py  the file of the questions, which a person may edit
places.py     chunks to make questions of, spread over the documents
by_rule.py    a question of a chunk's own words                                   (pure)
by_model.py   a question that the chat model asks, and answers with a checked quote
checks.py     what a question of a model must be like                             (pure)
changing.py   an answerable question made unanswerable                            (pure)
making.py     conducts the making
asking.py     the questions put to the library: searched for, and answered
"""

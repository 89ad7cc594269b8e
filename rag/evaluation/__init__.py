"""Search measured on judged questions.

dataset.py   folders of documents, questions and judgements
metrics.py   nDCG, recall, reciprocal rank, success; means with intervals (pure)
run.py       a dataset through the product, stage by stage
runs.py      what was measured: stored, listed, compared question by question
report.py    runs as tables (pure)
own/         questions made from a user's own library, and how well it answers them
"""

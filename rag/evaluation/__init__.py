"""How well search finds what it should, measured on judged questions.

dataset.py  folders of judged questions: text records, or PDFs judged by page
metrics.py  nDCG, recall, MRR of one ranking; means with bootstrap intervals (pure)
run.py      a dataset ingested into a library of its own, every question searched, scored
"""

"""From files to a searchable library: discover, plan (pure), then the pipeline.

discover.py  which files are there
plan.py      what to do about each: pure, from what is there and what is known
pipeline.py  load, chunk, embed, commit, indexes catch up; stages overlap
remove.py    forgetting documents
"""

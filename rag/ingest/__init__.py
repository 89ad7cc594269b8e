"""From files to a searchable library.

discover.py  which files are there
plan.py      what to do about each: pure, from what is there and what is known
pipeline.py  one run of a plan: its stages, its events
prepare.py   first half: hashed, loaded, chunked, in a thread ahead of the model
members.py   attachments: files within files
ahead.py     the groups embedded in a thread of its own, in slices of about two seconds
commit.py    second half: embedded and committed in groups
ocr_stage.py the last stage: pages that are pictures, when all else is searchable
recognise.py which pages wait for OCR, and what becomes of each
recognised.py what it made of them put in their place: pure
source.py    the file of a document, looked at once more
remove.py    forgetting documents
watch.py     when to look at files and folders again
reindex.py   every live text embedded with another model, then one swap
"""

"""The command line: a thin front door. Each module holds the commands of one matter.

main.py        the program: environment sealed, commands joined, errors to exit codes
flags.py       the settings as flags of every command
console.py     what is printed where; text of documents made harmless for a terminal
contracts.py   the JSON that other programs read
asking.py      ask, chat, search
ingesting.py   ingest
watching.py    ingest --watch
library.py     documents, status, config
certifying.py  the certificate of documents remove
keeping.py     library export, import, restore
picturing.py   page
models.py      models list, show, running, pull, create, copy, remove
model_views.py how models are printed
examining.py   doctor
serving.py     serve, demo
reindexing.py  reindex, models use
evaluating.py  evaluate, evaluations
own.py         evaluate own
run_views.py   how runs are printed
generating.py  generate
"""

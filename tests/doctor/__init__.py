"""The doctor: each fault is produced for real, and what is advised is done and helps.

desk.py            an installation to be examined, in a shell of its own
test_engine.py     servers that are down, wrong, old or silent; missing weights
test_models.py     models that are missing, misnamed, of the wrong kind or elsewhere; speed
test_library.py    settings, folders, damage, locks
test_machine.py    disk, memory, GPU
test_network.py    other machines, cloud features, proxies
test_program.py    `rag doctor` as it is run; that it leaves no trace
test_words.py      every finding has its words, its test and its place in the docs
"""

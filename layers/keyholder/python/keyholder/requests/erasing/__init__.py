"""Words that somebody wrote about a request are erased: which there are, who may have them erased, and what is kept.

Only words: what was asked for, decided and released stays, and so do the hashes that stand for the words in the ledger.
"""

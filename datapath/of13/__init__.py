"""OpenFlow 1.3: how rules, groups, meters and what they do lie in bytes.

The models are in the files of the same names above, and know nothing of this: another version is
another folder beside it.  Matches are OXM, which 1.2 and all later versions share (`datapath.oxm`).
"""

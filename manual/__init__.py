"""Manual pages and shells' completions, made from what the programs declare of themselves.

`python -m manual FOLDER` writes them where an installation's share/ has them; a wheel is built so.
"""

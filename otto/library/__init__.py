"""The library: the user's own documents, cut into passages that the coach finds and cites. All of it stays on this
machine.

    with Library(settings.library, encoder) as library:
        library.add(Path("~/running").expanduser())
        library.find("how long should the taper be")

`sections.py` reads files, `passages.py` cuts them, `index.py` keeps and finds them. Needs the extra `library`:
pip install 'otto-assistant[library]'
"""

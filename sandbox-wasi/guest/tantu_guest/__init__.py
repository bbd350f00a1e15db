"""The Python side of the sandbox: what runs inside the WebAssembly component.

`componentize-py` imports `tantu_guest.app` while it builds the component and then takes a snapshot
of the interpreter's memory. Every run starts from that snapshot, so whatever is imported here costs
a run nothing. The package has a name of its own because it is in `sys.modules` until a run begins: a
module called `app` would hide the `app.py` of many a workspace.
"""

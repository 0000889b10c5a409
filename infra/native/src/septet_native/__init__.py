"""The servers of Septet without Docker: Kafka, PostgreSQL, models and a trace page.

What other packages import, each from its module (this one imports nothing, because the servers run as
modules of it and stay small that way):

- ``stack.Stack``, ``settings.StackSettings``, ``addresses.Addresses``: run everything;
- ``state.read_state``, ``state.State``, ``state.ProcessState``: find what runs;
- ``services.SERVICES``: names of the services, in the order of a request;
- ``doctor.examine``, ``doctor.Check``: what is missing, and the fix;
- ``data.remove``: delete what a stack keeps;
- ``errors.StackError`` and its subclasses.
"""

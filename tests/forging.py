"""How hostile programs forge frames: text that goes before theirs."""

# How a program finds the pipe of replies and the nonce of the call: in the frames of the runner that called it.
FORGE = """
import os, struct, sys, threading, time

def steal():
    at = sys._getframe()
    while at is not None:
        if "pipes" in at.f_locals and "nonce" in at.f_locals:
            return at.f_locals["pipes"].replies, at.f_locals["nonce"]
        at = at.f_back

def frame(nonce, payload, kind=6, length=None, magic=b"EVW1"):
    return struct.pack("<4sB3xQ16s", magic, kind, len(payload) if length is None else length, nonce) + payload

def send(pipe, data):
    while data:
        data = data[os.write(pipe, data):]
"""

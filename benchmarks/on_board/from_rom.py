"""Runs on MicroPython: another of these programs, its library in the ROM file system whose image is named first.

`from_rom.py IMAGE PROGRAM ARGUMENTS` - a board has such an image in flash, and mounts it as it starts.
"""

import gc
import os
import sys

import vfs

image = bytearray(os.stat(sys.argv[1])[6])
with open(sys.argv[1], "rb") as file:
    file.readinto(image)
vfs.mount(vfs.VfsRom(image), "/rom")
sys.path.insert(0, "/rom")
del sys.argv[:2], image, file, os, vfs
gc.collect()
__import__(sys.argv[0])

"""urllib3's `contrib`, as far as it is here: `socks`."""

"""A download that is never in memory as a whole."""

import radiopool.http as urllib3

http = urllib3.PoolManager()
response = http.request("GET", "http://files.example/big.bin", preload_content=False)

with open("big.bin", "wb") as file:
    for piece in response.stream(65536):
        file.write(piece)

# Read to its end, the response has given its connection back; after a partial read, this does it.
response.release_conn()
